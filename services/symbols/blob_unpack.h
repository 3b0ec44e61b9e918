/*
 * Blobs in gzip form, unpacked for those who do not accept that: small ones at once, larger ones
 * piece by piece while they are sent.
 */
#ifndef PLIMSOLL_SYMBOLS_BLOB_UNPACK_H
#define PLIMSOLL_SYMBOLS_BLOB_UNPACK_H

#include "services/symbols/blob_answer.h"

/* The content of stored, which is in gzip form; its size is at most BLOB_SMALL, and not 0. */
NODISCARD enum err blob_unpack_small(
    struct op_call *c, const struct blob_content *f, struct slice stored, struct slice *ret);

/*
 * Writes len bytes of the content from first on, behind http_stream_begin(); fd is the blob.
 * Whoever else waits for the loop comes between pieces.
 */
NODISCARD enum err blob_send_unpacked(struct op_call *c, int fd, uint64_t first, uint64_t len);

#endif
