/*
 * Files of a backup: copied, hashed and written so that they last. Everything is synced before a
 * function returns; the folder that holds the name is synced by backup_sync_folder().
 */
#ifndef PLIMSOLL_STORE_BACKUP_FILE_H
#define PLIMSOLL_STORE_BACKUP_FILE_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	BACKUP_HASH_HEX = 64 /* digits of SHA-256 */
};

/* What is in a file. */
struct backup_sum {
	int64_t size; /* bytes */
	char sha256[BACKUP_HASH_HEX + 1];
};

/* Reads a file through. Errors with the path in note, as in all functions here. */
NODISCARD enum err backup_sum_of(const char *path, struct backup_sum *ret, struct err_note *note);

/* Copies from to a new file to (mode 0600), which must not be there; *ret is what was copied. */
NODISCARD enum err backup_copy(
    const char *from, const char *to, struct backup_sum *ret, struct err_note *note);

/* Makes a new file (mode 0600) with that content; it must not be there. */
NODISCARD enum err backup_write(const char *path, struct slice content, struct err_note *note);

/* Appends a whole file to out; ERR_LIMIT: it is larger than out may be. */
NODISCARD enum err backup_read(const char *path, struct buf *out, struct err_note *note);

/* Syncs a file that something else has written, or the names in a folder. */
NODISCARD enum err backup_sync(const char *path, struct err_note *note);
NODISCARD enum err backup_sync_folder(const char *path, struct err_note *note);

/* Renames, replacing to. */
NODISCARD enum err backup_rename(const char *from, const char *to, struct err_note *note);

/* Removes a file; one that is not there is fine. */
NODISCARD enum err backup_remove(const char *path, struct err_note *note);

#endif
