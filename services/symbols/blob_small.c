/*
 * See blob_small.h.
 */
#include "services/symbols/blob_small.h"

#include <unistd.h>
#include <zlib.h>

enum err blob_open_whole(
    struct op_call *c, const struct blob_store *blobs, const struct blob_content *f, int *ret_fd)
{
	uint64_t stored = 0;
	enum err e = blob_get(blobs, f->blob, ret_fd, &stored, &c->note);

	if (e == ERR_OK && stored != (uint64_t)f->stored_size) {
		(void)close(*ret_fd);
		e = ERR_NOT_FOUND;
	}
	return e == ERR_NOT_FOUND ? err_note_set(&c->note, ERR_CORRUPT,
					"blob %.*s is not there, or not whole", SLICE_ARG(f->blob))
				  : e;
}

enum err blob_read_part(struct op_call *c, const struct blob_content *f, int fd, uint64_t first,
    size_t len, struct slice *ret)
{
	char *bytes = arena_alloc(c->arena, len);

	if (bytes == NULL) {
		return ERR_MEMORY;
	}
	ssize_t n = pread(fd, bytes, len, (off_t)first);
	if (n < 0 || (size_t)n != len) {
		return err_note_set(&c->note, ERR_CORRUPT, "blob %.*s is shorter than its row says",
		    SLICE_ARG(f->blob));
	}
	*ret = SLICE_OF(bytes, len);
	return ERR_OK;
}

enum err blob_read_small(struct op_call *c, const struct blob_store *blobs,
    const struct blob_content *f, struct slice *ret)
{
	int fd = -1;

	*ret = SLICE_EMPTY;
	if (f->stored_size <= 0 || f->stored_size > BLOB_SMALL) {
		return ERR_OK;
	}
	enum err e = blob_open_whole(c, blobs, f, &fd);
	if (e == ERR_OK) {
		e = blob_read_part(c, f, fd, 0, (size_t)f->stored_size, ret);
		(void)close(fd);
	}
	return e;
}

enum err blob_unpack_small(struct op_call *c, const struct blob_content *f, struct slice *ret)
{
	z_stream z = { .next_in = (unsigned char *)(uintptr_t)f->bytes.ptr,
		.avail_in = (unsigned)f->bytes.len };
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
