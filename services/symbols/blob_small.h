/*
 * Blobs as they are read for an answer (blob_answer.h): opened, and small ones whole.
 */
#ifndef PLIMSOLL_SYMBOLS_BLOB_SMALL_H
#define PLIMSOLL_SYMBOLS_BLOB_SMALL_H

#include "services/symbols/blob_answer.h"

enum {
	BLOB_SMALL = 48 * 1024,	    /* bytes that a request may keep until a slow client has them */
	BLOB_GZIP_WINDOW = 15 + 16, /* zlib's way to ask for a gzip wrapper */
};

/* Opens a blob, which has to be as the row says: ERR_CORRUPT. */
NODISCARD enum err blob_open_whole(
    struct op_call *c, const struct blob_store *blobs, const struct blob_content *f, int *ret_fd);

/* Some of its bytes, in the request's arena. */
NODISCARD enum err blob_read_part(struct op_call *c, const struct blob_content *f, int fd,
    uint64_t first, size_t len, struct slice *ret);

/* A small blob's bytes, in the request's arena; empty for larger ones. */
NODISCARD enum err blob_read_small(struct op_call *c, const struct blob_store *blobs,
    const struct blob_content *f, struct slice *ret);

/* The content of f->bytes, which is in gzip form; its size is at most BLOB_SMALL, and not 0. */
NODISCARD enum err blob_unpack_small(
    struct op_call *c, const struct blob_content *f, struct slice *ret);

#endif
