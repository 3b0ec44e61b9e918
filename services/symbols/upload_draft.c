/*
 * See upload_draft.h.
 */
#include "services/symbols/upload_draft.h"

#include <stdlib.h>

#include "core/base/check.h"

void upload_draft_init(struct upload_draft *d, struct upload *u, struct slice name)
{
	*d = (struct upload_draft){ .u = u, .chunk = buf_new(FILE_WRITE_MAX) };
	if (name.len > 0) {
		CHECK(slice_to_cstr(name, d->name, sizeof(d->name)) == ERR_OK);
	} else {
		blob_draft_name(d->name);
	}
}

void upload_draft_fini(struct upload_draft *d)
{
	buf_free(&d->chunk);
}

struct slice upload_draft_name(const struct upload_draft *d)
{
	return SLICE_OF(d->name, BLOB_DRAFT_CHARS);
}

static enum err flush(struct upload_draft *d)
{
	struct file_caller files = upload_files(d->u);

	files.arena = &d->u->scratch;
	enum err e =
	    file_draft_write(&files, upload_draft_name(d), d->written, buf_slice(&d->chunk));
	d->written += d->chunk.len;
	buf_clear(&d->chunk);
	arena_reset(&d->u->scratch);
	return e;
}

static enum err too_large(struct upload *u)
{
	return err_note_set(&u->c->note, ERR_LIMIT, "the upload is larger than %lld bytes",
	    (long long)u->state->settings.max_upload);
}

enum err upload_draft_put(struct upload_draft *d, struct slice bytes)
{
	const uint64_t max = (uint64_t)d->u->state->settings.max_upload;
	enum err e = ERR_OK;

	while (e == ERR_OK && bytes.len > 0) {
		size_t room = FILE_WRITE_MAX - d->chunk.len;
		size_t n = bytes.len < room ? bytes.len : room;
		buf_append_slice(&d->chunk, slice_sub(bytes, 0, n));
		bytes = slice_sub(bytes, n, bytes.len);
		if (d->chunk.failed) {
			e = ERR_MEMORY;
		} else if (d->written + d->chunk.len > max) {
			e = too_large(d->u);
		} else if (d->chunk.len == FILE_WRITE_MAX) {
			e = flush(d);
		}
	}
	return e;
}

enum err upload_draft_finish(struct upload_draft *d)
{
	return d->chunk.len > 0 || d->written == 0 ? flush(d) : ERR_OK;
}

enum err upload_read_form(struct upload *u, struct multipart *m)
{
	const uint64_t max = (uint64_t)u->state->settings.max_upload;
	char *piece = malloc(MULTIPART_FEED_MAX);
	uint64_t body = 0;
	enum err e = piece == NULL ? ERR_MEMORY : ERR_OK;

	while (e == ERR_OK) {
		size_t n = 0;
		e = http_body_read(u->c->req, piece, MULTIPART_FEED_MAX, &n);
		if (e != ERR_OK) {
			break;
		}
		body += n;
		e = body > max ? too_large(u) : multipart_feed(m, SLICE_OF(piece, n));
	}
	free(piece);
	return e == ERR_END ? multipart_finish(m) : e;
}
