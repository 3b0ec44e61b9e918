/*
 * The growing file. Everything goes through one buffer whose size is that of some checksummed
 * blocks, so that the sums are taken while the bytes are still at hand.
 */
#include "services/symbols/index_write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "services/symbols/index_format.h"
#include "services/symbols/index_names.h"

enum {
	BUFFER_BYTES = 32 * INDEX_SUM_BYTES,
	VARINT_MAX = 10
};

struct index_writer {
	int fd;
	uint32_t max_bytes;
	uint64_t flushed; /* place in the file of buffer[0] */
	size_t filled;
	enum err failed;
	int sys; /* errno of that */
	struct buf sums;
	struct index_names *names;
	char buffer[BUFFER_BYTES];
};

enum err index_writer_new(int fd, uint32_t max_bytes, struct index_writer **ret)
{
	struct index_writer *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		return ERR_MEMORY;
	}
	w->fd = fd;
	w->max_bytes = max_bytes;
	w->flushed = INDEX_HEADER_BYTES;
	w->sums = buf_new((size_t)max_bytes / INDEX_SUM_BYTES * sizeof(uint32_t) + 64);
	enum err e = index_names_new(&w->names);
	if (e != ERR_OK) {
		index_writer_free(&w);
		return e;
	}
	*ret = w;
	return ERR_OK;
}

void index_writer_free(struct index_writer **w)
{
	if (*w != NULL) {
		index_names_free(&(*w)->names);
		buf_free(&(*w)->sums);
		free(*w);
		*w = NULL;
	}
}

static void fail(struct index_writer *w, enum err e, int sys)
{
	if (w->failed == ERR_OK) {
		w->failed = e;
		w->sys = sys;
	}
}

static void write_out(struct index_writer *w)
{
	for (size_t done = 0; done < w->filled && w->failed == ERR_OK;) {
		ssize_t n =
		    pwrite(w->fd, w->buffer + done, w->filled - done, (off_t)(w->flushed + done));
		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0 || errno != EINTR) {
			int sys = n == 0 ? ENOSPC : errno;
			fail(w, err_from_errno(sys), sys);
		}
	}
}

/* The buffer's blocks, of which only the last of the file may be shorter. */
static void flush(struct index_writer *w)
{
	for (size_t at = 0; at < w->filled; at += INDEX_SUM_BYTES) {
		size_t left = w->filled - at;
		size_t len = left < INDEX_SUM_BYTES ? left : (size_t)INDEX_SUM_BYTES;
		uint32_t sum = (uint32_t)crc32(0, (const Bytef *)w->buffer + at, (uInt)len);
		buf_append(&w->sums, &sum, sizeof(sum));
	}
	write_out(w);
	w->flushed += w->filled;
	w->filled = 0;
	if (w->flushed > w->max_bytes) {
		fail(w, ERR_LIMIT, 0);
	}
}

uint32_t index_writer_at(const struct index_writer *w)
{
	uint64_t at = w->flushed + w->filled;

	return at > UINT32_MAX ? UINT32_MAX : (uint32_t)at;
}

void index_writer_bytes(struct index_writer *w, const void *bytes, size_t len)
{
	const char *from = bytes;

	while (len > 0 && w->failed == ERR_OK) {
		size_t n = BUFFER_BYTES - w->filled;
		n = len < n ? len : n;
		memcpy(w->buffer + w->filled, from, n);
		w->filled += n;
		from += n;
		len -= n;
		if (w->filled == BUFFER_BYTES) {
			flush(w);
		}
	}
}

static size_t encode_varint(uint64_t n, unsigned char out[VARINT_MAX])
{
	size_t len = 0;

	for (; n >= 0x80; n >>= 7) {
		out[len++] = (unsigned char)(n | 0x80);
	}
	out[len++] = (unsigned char)n;
	return len;
}

void index_writer_varint(struct index_writer *w, uint64_t n)
{
	unsigned char bytes[VARINT_MAX];

	index_writer_bytes(w, bytes, encode_varint(n, bytes));
}

void index_put_varint(struct buf *out, uint64_t n)
{
	unsigned char bytes[VARINT_MAX];

	buf_append(out, bytes, encode_varint(n, bytes));
}

void index_writer_align(struct index_writer *w)
{
	static const char zeros[4];

	index_writer_bytes(w, zeros, -index_writer_at(w) & 3u);
}

static void put_literal(struct index_writer *w, struct slice text)
{
	if (text.len > 0) {
		index_writer_varint(w, (uint64_t)text.len << 1);
		index_names_add(w->names, text, index_writer_at(w));
		index_writer_bytes(w, text.ptr, text.len);
	}
}

uint32_t index_writer_name(struct index_writer *w, struct slice text)
{
	uint32_t at = index_writer_at(w), place;
	size_t from = 0, i = 0;

	index_writer_varint(w, text.len);
	while (i < text.len) {
		size_t len = index_names_find(w->names, slice_sub(text, i, text.len), &place);
		if (len == 0) {
			i++;
			continue;
		}
		put_literal(w, slice_sub(text, from, i));
		index_writer_varint(w, (uint64_t)len << 1 | 1);
		index_writer_varint(w, index_writer_at(w) - place);
		i += len;
		from = i;
	}
	put_literal(w, slice_sub(text, from, text.len));
	return at;
}

enum err index_writer_end(struct index_writer *w, uint32_t *ret_sums, uint32_t *ret_bytes,
    uint32_t *ret_sums_sum, struct err_note *note)
{
	index_writer_align(w);
	*ret_sums = index_writer_at(w);
	flush(w);
	if (w->sums.failed) {
		fail(w, ERR_MEMORY, 0);
	}
	struct slice sums = buf_slice(&w->sums);
	*ret_sums_sum = (uint32_t)crc32(0, (const Bytef *)sums.ptr, (uInt)sums.len);
	for (size_t at = 0; at < sums.len && w->failed == ERR_OK; at += w->filled) {
		struct slice part = slice_sub(sums, at, at + BUFFER_BYTES);
		w->flushed += at == 0 ? 0 : w->filled;
		w->filled = part.len;
		memcpy(w->buffer, part.ptr, part.len);
		write_out(w);
	}
	*ret_bytes = *ret_sums + (uint32_t)sums.len;
	if (w->failed == ERR_OK && sums.len > w->max_bytes - *ret_sums) {
		fail(w, ERR_LIMIT, 0);
	}
	errno = w->sys;
	return w->failed == ERR_OK ? ERR_OK
				   : err_note_set(note, w->failed, "cannot write an index: %s",
					 err_text(w->failed));
}

enum err index_writer_state(const struct index_writer *w)
{
	return w->failed;
}
