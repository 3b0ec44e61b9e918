/*
 * Growable bounded buffer: doubles from 256 bytes up to its maximum.
 */
#include "core/base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"

enum {
	BUF_FIRST_BYTES = 256
};

void buf_free(struct buf *b)
{
	free(b->data);
	*b = buf_new(b->max);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = false;
}

char *buf_room(struct buf *b, size_t len)
{
	if (b->failed || len > b->max - b->len) {
		b->failed = true;
		return NULL;
	}
	if (b->data == NULL || b->cap - b->len < len) {
		size_t cap = b->cap == 0 ? BUF_FIRST_BYTES : b->cap;
		while (cap < b->len + len) {
			cap *= 2;
		}
		cap = cap > b->max ? b->max : cap;
		/* One more than cap, for the NUL that buf_printf's formatter writes. */
		char *grown = realloc(b->data, cap + 1);
		if (grown == NULL) {
			b->failed = true;
			return NULL;
		}
		b->data = grown;
		b->cap = cap;
	}
	return b->data + b->len;
}

void buf_grew(struct buf *b, size_t len)
{
	CHECK(len <= b->cap - b->len);
	b->len += len;
}

void buf_append(struct buf *b, const void *data, size_t len)
{
	char *room = len == 0 ? NULL : buf_room(b, len);

	if (room != NULL) {
		memcpy(room, data, len);
		b->len += len;
	}
}

void buf_append_slice(struct buf *b, struct slice s)
{
	buf_append(b, s.ptr, s.len);
}

void buf_append_str(struct buf *b, const char *s)
{
	buf_append(b, s, strlen(s));
}

void buf_append_char(struct buf *b, char c)
{
	buf_append(b, &c, 1);
}

void buf_append_u64(struct buf *b, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	buf_append(b, digits + at, sizeof(digits) - at);
}

void buf_append_i64(struct buf *b, int64_t n)
{
	if (n < 0) {
		buf_append_char(b, '-');
	}
	buf_append_u64(b, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	CHECK(len >= 0);
	char *room = buf_room(b, (size_t)len);
	if (room != NULL) {
		vsnprintf(room, (size_t)len + 1, fmt, again);
		b->len += (size_t)len;
	}
	va_end(again);
}

enum err buf_read_all(struct buf *b, int fd)
{
	enum {
		PIECE = 4096
	};

	for (;;) {
		size_t left = b->max - b->len;
		char beyond, *room = left == 0 ? &beyond : buf_room(b, left < PIECE ? left : PIECE);
		if (room == NULL) {
			return ERR_MEMORY;
		}
		ssize_t n = read(fd, room, left == 0 ? 1 : left < PIECE ? left : PIECE);
		if (n < 0) {
			return err_from_errno(errno);
		}
		if (n == 0) {
			return ERR_OK;
		}
		if (left == 0) {
			return ERR_LIMIT;
		}
		buf_grew(b, (size_t)n);
	}
}

void buf_consume(struct buf *b, size_t len)
{
	CHECK(len <= b->len);
	if (len == 0) {
		return;
	}
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

enum err buf_finish(const struct buf *b, struct slice *ret)
{
	if (b->failed) {
		return ERR_LIMIT;
	}
	*ret = buf_slice(b);
	return ERR_OK;
}
