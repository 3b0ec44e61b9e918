/*
 * See blob_small.h.
 */
#include "services/symbols/blob_small.h"

#include <unistd.h>

#include "services/symbols/hot_files.h"

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

enum err blob_take(struct op_call *c, const struct blob_store *blobs, struct blob_content *f)
{
	if (f->stored_size <= 0) {
		return ERR_OK;
	}
	enum err e = blob_open_whole(c, blobs, f, &f->fd);
	f->is_open = e == ERR_OK;
	if (e == ERR_OK && f->stored_size <= HOT_FILE_MAX) {
		e = blob_read_part(c, f, f->fd, 0, (size_t)f->stored_size, &f->bytes);
		blob_let_go(f);
	}
	return e;
}

void blob_let_go(struct blob_content *f)
{
	if (f->is_open) {
		(void)close(f->fd);
		f->is_open = false;
	}
}
