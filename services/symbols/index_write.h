/*
 * The file of an index while it grows: bytes one after the other through a buffer, with a checksum
 * of each block, and names as pieces of each other. See index_format.h.
 */
#ifndef PLIMSOLL_SYMBOLS_INDEX_WRITE_H
#define PLIMSOLL_SYMBOLS_INDEX_WRITE_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

struct index_writer;

/* Writes to fd from INDEX_HEADER_BYTES on, up to max_bytes (at most 4 GiB - 1). ERR_MEMORY. */
NODISCARD enum err index_writer_new(int fd, uint32_t max_bytes, struct index_writer **ret);
void index_writer_free(struct index_writer **w);

/*
 * Appending never has to be checked: the first failure is kept and reported by index_writer_end().
 * Where the next byte goes.
 */
uint32_t index_writer_at(const struct index_writer *w);
void index_writer_bytes(struct index_writer *w, const void *bytes, size_t len);
void index_writer_varint(struct index_writer *w, uint64_t n);
/* Bytes of 0 up to a multiple of 4. */
void index_writer_align(struct index_writer *w);
/* A name; gives its place. */
uint32_t index_writer_name(struct index_writer *w, struct slice text);

/*
 * Appends the sums and writes what is in the buffer: where they begin, how long the file is.
 * ERR_LIMIT: more than max_bytes; ERR_IO, ERR_DISK_FULL; ERR_MEMORY.
 */
NODISCARD enum err index_writer_end(struct index_writer *w, uint32_t *ret_sums, uint32_t *ret_bytes,
    uint32_t *ret_sums_sum, struct err_note *note);

/* The first failure so far, or ERR_OK: to stop early. */
NODISCARD enum err index_writer_state(const struct index_writer *w);

/* A varint at the end of a buffer, for what is put together before it is written. */
void index_put_varint(struct buf *out, uint64_t n);

#endif
