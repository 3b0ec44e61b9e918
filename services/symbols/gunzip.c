/*
 * See gunzip.h. What was unpacked last stands in a window of two halves, the older of which is
 * given up for the next one.
 */
#include "services/symbols/gunzip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum {
	HALF = 256 * 1024, /* names of sections are that near to the table of sections */
	IN_BYTES = 64 * 1024,
	GZIP_WINDOW = 15 + 16
};

_Static_assert((size_t)HALF >= (size_t)GUNZIP_READ_MAX, "a read fits into what is at hand");

struct gunzip {
	int fd;
	uint64_t at, len, max; /* of the file; of the content */
	uint64_t taken;	       /* bytes of the file, in this pass */
	unsigned passes;
	bool has_z, ended;
	z_stream z;
	uint64_t start; /* place of the window's first byte in the content */
	size_t filled;
	unsigned char in[IN_BYTES], window[2 * HALF];
};

static enum err begin_pass(struct gunzip *g)
{
	if (g->passes == GUNZIP_PASSES_MAX) {
		return ERR_LIMIT;
	}
	if (g->has_z) {
		(void)inflateEnd(&g->z);
	}
	g->z = (z_stream){ .next_in = NULL };
	g->has_z = inflateInit2(&g->z, GZIP_WINDOW) == Z_OK;
	g->passes++;
	g->taken = g->start = 0;
	g->filled = 0;
	g->ended = false;
	return g->has_z ? ERR_OK : ERR_MEMORY;
}

enum err gunzip_open(int fd, uint64_t at, uint64_t len, uint64_t max, struct gunzip **ret)
{
	struct gunzip *g = calloc(1, sizeof(*g));

	if (g == NULL) {
		return ERR_MEMORY;
	}
	g->fd = fd;
	g->at = at;
	g->len = len;
	g->max = max;
	enum err e = begin_pass(g);
	if (e != ERR_OK) {
		gunzip_close(&g);
		return e;
	}
	*ret = g;
	return ERR_OK;
}

void gunzip_close(struct gunzip **gp)
{
	struct gunzip *g = *gp;

	if (g == NULL) {
		return;
	}
	if (g->has_z) {
		(void)inflateEnd(&g->z);
	}
	free(g);
	*gp = NULL;
}

/* The next bytes of the file; ERR_INVALID: there are no more. */
static enum err fill_in(struct gunzip *g)
{
	uint64_t left = g->len - g->taken;
	size_t n = left < IN_BYTES ? (size_t)left : IN_BYTES;
	ssize_t got;

	do {
		got = n == 0 ? 0 : pread(g->fd, g->in, n, (off_t)(g->at + g->taken));
	} while (got < 0 && errno == EINTR);
	if (got <= 0) {
		return got == 0 ? ERR_INVALID : ERR_IO;
	}
	g->taken += (uint64_t)got;
	g->z.next_in = g->in;
	g->z.avail_in = (unsigned)got;
	return ERR_OK;
}

/* Unpacks at least one byte more, or comes to the end. */
static enum err advance(struct gunzip *g)
{
	if (g->filled == sizeof(g->window)) {
		memmove(g->window, g->window + HALF, HALF);
		g->start += HALF;
		g->filled = HALF;
	}
	g->z.next_out = g->window + g->filled;
	g->z.avail_out = (unsigned)(sizeof(g->window) - g->filled);
	unsigned room = g->z.avail_out;
	while (g->z.avail_out == room && !g->ended) {
		enum err e = g->z.avail_in == 0 ? fill_in(g) : ERR_OK;
		if (e != ERR_OK) {
			return e;
		}
		int code = inflate(&g->z, Z_NO_FLUSH);
		if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
			return code == Z_MEM_ERROR ? ERR_MEMORY : ERR_INVALID;
		}
		g->ended = code == Z_STREAM_END;
	}
	g->filled += room - g->z.avail_out;
	return g->start + g->filled > g->max ? ERR_LIMIT : ERR_OK;
}

enum err gunzip_read(void *arg, uint64_t at, void *out, size_t len)
{
	struct gunzip *g = arg;
	enum err e = ERR_OK;

	if (len > GUNZIP_READ_MAX || at > g->max || len > g->max - at) {
		return ERR_INVALID;
	}
	if (at < g->start) {
		e = begin_pass(g);
	}
	while (e == ERR_OK && at + len > g->start + g->filled) {
		e = g->ended ? ERR_INVALID : advance(g);
	}
	if (e == ERR_OK) {
		memcpy(out, g->window + (at - g->start), len);
	}
	return e;
}

enum err gunzip_size(struct gunzip *g, uint64_t *ret)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && !g->ended) {
		e = advance(g);
	}
	if (e == ERR_OK && (g->z.avail_in > 0 || g->taken < g->len)) {
		e = ERR_INVALID;
	}
	if (e == ERR_OK) {
		*ret = g->start + g->filled;
	}
	return e;
}
