/*
 * Between zip.c and zip_end.c.
 */
#ifndef PLIMSOLL_SYMBOLS_ZIP_PRIV_H
#define PLIMSOLL_SYMBOLS_ZIP_PRIV_H

#include "services/symbols/zip.h"

/* Where the directory is. */
struct zip_directory {
	uint64_t entries, size, offset;
	uint64_t end; /* it must lie before this place */
};

/* ERR_SYNTAX with that text. */
enum err zip_refuse(struct err_note *note, const char *why);

/* Reads all of the bytes. ERR_IO. */
NODISCARD enum err zip_read_at(
    int fd, uint64_t offset, void *out, size_t len, struct err_note *note);

/* ERR_SYNTAX, ERR_UNSUPPORTED, ERR_LIMIT: see zip_list(). */
NODISCARD enum err zip_find_directory(
    int fd, uint64_t size, struct zip_directory *ret, struct err_note *note);

#endif
