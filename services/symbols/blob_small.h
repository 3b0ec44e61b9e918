/*
 * Blobs as they are read for an answer (blob_answer.h): opened, and small ones whole.
 */
#ifndef PLIMSOLL_SYMBOLS_BLOB_SMALL_H
#define PLIMSOLL_SYMBOLS_BLOB_SMALL_H

#include "services/symbols/blob_answer.h"

enum {
	/* Unpacked bytes that a request may keep until a slow client has them. */
	BLOB_SMALL = 48 * 1024,
};

/* Opens a blob, which has to be as the row says: ERR_CORRUPT. */
NODISCARD enum err blob_open_whole(
    struct op_call *c, const struct blob_store *blobs, const struct blob_content *f, int *ret_fd);

/* Some of its bytes, in the request's arena. */
NODISCARD enum err blob_read_part(struct op_call *c, const struct blob_content *f, int fd,
    uint64_t first, size_t len, struct slice *ret);

/*
 * Has a file at hand that was found: f->bytes of a small one, in the request's arena, f->fd of a
 * larger one, which blob_let_go() closes. An empty one is left alone.
 */
NODISCARD enum err blob_take(
    struct op_call *c, const struct blob_store *blobs, struct blob_content *f);
void blob_let_go(struct blob_content *f);

#endif
