/*
 * A growable byte buffer with a maximum. Appending never has to be checked: the first append that
 * would pass the maximum (or fails to allocate) marks the buffer failed, later ones do nothing, and
 * buf_finish() reports it. So writers read straight and nobody can send half an answer by accident.
 */
#ifndef PLIMSOLL_BASE_BUF_H
#define PLIMSOLL_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/slice.h"

struct buf {
	char *data;	      /* owned; NULL until the first byte */
	size_t len, cap, max; /* bytes */
	bool failed;
};

/* An empty buffer that may hold up to max bytes; allocates nothing yet. */
static inline struct buf buf_new(size_t max)
{
	return (struct buf){ .max = max };
}

/* Frees the bytes; the buffer is empty and usable again with the same maximum. */
void buf_free(struct buf *b);

/* Forgets content and failure, keeps the memory. */
void buf_clear(struct buf *b);

void buf_append(struct buf *b, const void *data, size_t len);
void buf_append_slice(struct buf *b, struct slice s);
void buf_append_str(struct buf *b, const char *s);
void buf_append_char(struct buf *b, char c);
/* Decimal digits of n. */
void buf_append_i64(struct buf *b, int64_t n);
void buf_append_u64(struct buf *b, uint64_t n);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/*
 * Room for at least len more bytes at the end; fill it and call buf_grew(). NULL when the buffer
 * has failed or would.
 */
char *buf_room(struct buf *b, size_t len);
void buf_grew(struct buf *b, size_t len);

/* Appends all that a descriptor yields. ERR_LIMIT: more than the maximum; errors of read(). */
NODISCARD enum err buf_read_all(struct buf *b, int fd);

/* Drops len bytes from the front (len <= b->len). */
void buf_consume(struct buf *b, size_t len);

/* The bytes so far; valid until the next change of b. */
static inline struct slice buf_slice(const struct buf *b)
{
	return b->data == NULL ? SLICE_EMPTY : (struct slice){ b->data, b->len };
}

/* The bytes, or ERR_LIMIT if any append failed. The slice is valid until the next change of b. */
NODISCARD enum err buf_finish(const struct buf *b, struct slice *ret);

#endif
