/*
 * See blob_unpack.h.
 */
#include "services/symbols/blob_unpack.h"

#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "core/ev/task.h"

enum {
	IN_BYTES = 32 * 1024,
	OUT_BYTES = 128 * 1024,
	BREATH_US = 1,		    /* others are next after each piece that was unpacked */
	BLOB_GZIP_WINDOW = 15 + 16, /* zlib's way to ask for a gzip wrapper */
};

enum err blob_unpack_small(
    struct op_call *c, const struct blob_content *f, struct slice stored, struct slice *ret)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)stored.ptr,
		.avail_in = (unsigned)stored.len };
	char *out = arena_alloc(c->arena, (size_t)f->size);

	if (out == NULL || inflateInit2(&z, BLOB_GZIP_WINDOW) != Z_OK) {
		return ERR_MEMORY;
	}
	z.next_out = (unsigned char *)out;
	z.avail_out = (unsigned)f->size;
	bool good = inflate(&z, Z_FINISH) == Z_STREAM_END && z.avail_out == 0;
	(void)inflateEnd(&z);
	*ret = SLICE_OF(out, (size_t)f->size);
	return good ? ERR_OK
		    : err_note_set(&c->note, ERR_CORRUPT, "blob %.*s cannot be unpacked",
			  SLICE_ARG(f->blob));
}

/* ---- larger ones ---- */

/* A file of the blob store that is unpacked piece by piece. */
struct unpacking {
	z_stream z;
	int fd;
	off_t at; /* in the file */
	char in[IN_BYTES];
	char out[OUT_BYTES];
};

/* Fills out as far as the content goes. *ret_len 0: it has ended. */
static enum err unpack_piece(struct unpacking *u, size_t *ret_len)
{
	u->z.next_out = (unsigned char *)u->out;
	u->z.avail_out = sizeof(u->out);
	while (u->z.avail_out > 0) {
		if (u->z.avail_in == 0) {
			ssize_t n = pread(u->fd, u->in, sizeof(u->in), u->at);
			if (n <= 0) {
				return ERR_CORRUPT;
			}
			u->at += n;
			u->z.next_in = (unsigned char *)u->in;
			u->z.avail_in = (unsigned)n;
		}
		int code = inflate(&u->z, Z_NO_FLUSH);
		if (code == Z_STREAM_END) {
			break;
		}
		if (code != Z_OK && code != Z_BUF_ERROR) {
			return ERR_CORRUPT;
		}
	}
	*ret_len = sizeof(u->out) - u->z.avail_out;
	return ERR_OK;
}

static enum err send_unpacked(struct op_call *c, struct unpacking *u, uint64_t first, uint64_t len)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && len > 0) {
		size_t n = 0;
		e = unpack_piece(u, &n);
		if (e == ERR_OK && n == 0) {
			e = ERR_CORRUPT;
		}
		size_t skip = first < n ? (size_t)first : n;
		size_t take = n - skip < len ? n - skip : (size_t)len;
		first -= skip;
		len -= take;
		if (e == ERR_OK && take > 0) {
			e = http_stream_write(c->req, SLICE_OF(u->out + skip, take));
		}
		if (e == ERR_OK && len > 0) {
			e = task_sleep(BREATH_US);
		}
	}
	return e;
}

enum err blob_send_unpacked(struct op_call *c, int fd, uint64_t first, uint64_t len)
{
	struct unpacking *u = malloc(sizeof(*u));

	if (u == NULL) {
		return ERR_MEMORY;
	}
	u->z = (z_stream){ .next_in = NULL };
	u->fd = fd;
	u->at = 0;
	if (inflateInit2(&u->z, BLOB_GZIP_WINDOW) != Z_OK) {
		free(u);
		return ERR_MEMORY;
	}
	enum err e = send_unpacked(c, u, first, len);
	(void)inflateEnd(&u->z);
	free(u);
	return e;
}
