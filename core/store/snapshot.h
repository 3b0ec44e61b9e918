/*
 * A copy of the database as of one moment, made while others write it. The copy is one file that is
 * complete in itself (no write-ahead log beside it).
 */
#ifndef PLIMSOLL_STORE_SNAPSHOT_H
#define PLIMSOLL_STORE_SNAPSHOT_H

#include <stdint.h>

#include "core/base/err.h"

/* Called as pages are copied: for showing how far it is. */
typedef void snapshot_fn(void *arg, int64_t done_pages, int64_t all_pages);

/*
 * Copies the database file from to the new file to (mode 0600, checked, synced). Between steps of
 * 1 MiB it rests as long as the step took, so that it never has the disk for itself. watch may be
 * NULL. ERR_CONFIG: from is no database of ours; ERR_EXISTS: to is there; ERR_DISK_FULL, ERR_IO,
 * ERR_CORRUPT with text in note. What was begun of to is removed.
 */
NODISCARD enum err sql_snapshot(
    const char *from, const char *to, snapshot_fn *watch, void *arg, struct err_note *note);

/*
 * Writes what is in the database file from, and nothing that was deleted from it, to the new file
 * to: no page of the old file survives in it. Errors as above.
 */
NODISCARD enum err sql_rewrite(const char *from, const char *to, struct err_note *note);

/* Removes a database file with all that SQLite may have put beside it. */
NODISCARD enum err sql_remove_files(const char *path, struct err_note *note);

#endif
