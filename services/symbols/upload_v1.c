/*
 * POST /upload/ (symbols.md 1.3): an archive as a part of a form. It is streamed into a draft as it
 * comes and looked at when it is complete.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "services/symbols/upload_draft.h"
#include "services/symbols/upload_url.h"

enum {
	VALUE_MAX = 4096, /* bytes of a field's value */
	ADDRESS_FORM_MAX = 8192
};

enum part {
	PART_OTHER, /* read over */
	PART_TRY,
	PART_URL,
	PART_FILE
};

/* A form while it is read. */
struct form {
	struct upload *u;
	enum part part;
	bool has_file, has_url, wants_try;
	char name[MULTIPART_NAME_MAX];
	size_t name_len;
	struct buf url;
	struct upload_draft archive;
};

/* ---- events of the form ---- */

static enum err on_begin(void *arg, struct slice name, bool has_file, struct slice file)
{
	struct form *f = arg;

	(void)file;
	f->part = PART_OTHER;
	if (has_file && !f->has_file) {
		/* The field's name is the archive's. */
		f->part = PART_FILE;
		f->has_file = true;
		CHECK(name.len <= sizeof(f->name));
		memcpy(f->name, name.ptr, name.len);
		f->name_len = name.len;
	} else if (!has_file && slice_eq(name, SLICE("try"))) {
		f->part = PART_TRY;
	} else if (!has_file && slice_eq(name, SLICE("url"))) {
		f->part = PART_URL;
		f->has_url = true;
	}
	return ERR_OK;
}

static enum err on_data(void *arg, struct slice bytes)
{
	struct form *f = arg;

	switch (f->part) {
	case PART_FILE:
		return upload_draft_put(&f->archive, bytes);
	case PART_TRY:
		f->wants_try = f->wants_try || bytes.len > 0;
		return ERR_OK;
	case PART_URL:
		buf_append_slice(&f->url, bytes);
		return f->url.failed ? ERR_LIMIT : ERR_OK;
	case PART_OTHER:
	default:
		return ERR_OK;
	}
}

static enum err on_end(void *arg)
{
	struct form *f = arg;

	return f->part == PART_FILE ? upload_draft_finish(&f->archive) : ERR_OK;
}

/* ---- the body ---- */

bool upload_name_is_zip(struct slice name)
{
	return name.len >= 4 &&
	       slice_eq_nocase(slice_sub(name, name.len - 4, name.len), SLICE(".zip"));
}

struct slice upload_stored_name(struct slice name)
{
	return symbol_name_is_good(name) ? name : SLICE("upload.zip");
}

/* ".rar" of "x.rar"; a name without a dot has none. */
static struct slice extension_of(struct slice name)
{
	size_t dot = name.len;

	while (dot > 0 && name.ptr[dot - 1] != '.') {
		dot--;
	}
	return dot == 0 ? SLICE_EMPTY : slice_sub(name, dot - 1, name.len);
}

enum err upload_refuse_name(struct op_call *c, struct slice name)
{
	const char *text = arena_printf(c->arena, "Unrecognized archive file extension \"%.*s\"",
	    SLICE_ARG(extension_of(name)));

	return text == NULL ? ERR_MEMORY : symbols_refuse(c, 400, text);
}

/* A form that has nothing but an address, and perhaps the word that it is of a try build. */
static enum err take_address(struct upload *u)
{
	struct op_call *c = u->c;
	char body[ADDRESS_FORM_MAX];
	struct slice url = SLICE_EMPTY, word = SLICE_EMPTY;
	size_t len = 0, n = 0;
	enum err e = ERR_OK;

	while (e == ERR_OK && len < sizeof(body)) {
		e = http_body_read(c->req, body + len, sizeof(body) - len, &n);
		len += e == ERR_OK ? n : 0;
	}
	struct slice form = SLICE_OF(body, len);
	if (e != ERR_END || !http_form_get(c->arena, form, SLICE("url"), &url)) {
		return upload_refuse(c, 400, "Must be multipart form data with at least one file");
	}
	if (http_form_get(c->arena, form, SLICE("try"), &word) && word.len > 0) {
		u->is_try = true;
	}
	return upload_from_url(u, url);
}

static enum err store_form(struct form *f)
{
	struct op_call *c = f->u->c;
	struct slice name = SLICE_OF(f->name, f->name_len);

	f->u->is_try = f->u->is_try || f->wants_try;
	if (!f->has_file && f->has_url) {
		return upload_from_url(f->u, buf_slice(&f->url));
	}
	if (!f->has_file) {
		return symbols_refuse(c, 400, "Must be multipart form data with at least one file");
	}
	if (!upload_name_is_zip(name)) {
		return upload_refuse_name(c, name);
	}
	return archive_store(f->u, &(struct archive){ .draft = upload_draft_name(&f->archive),
				       .size = f->archive.written,
				       /* Paths of the sender's machine are nothing to keep. */
				       .filename = upload_stored_name(name),
				       .download_url = SLICE_EMPTY,
				       .redirect_urls = SLICE("[]") });
}

static enum err take_form(struct upload *u, struct multipart *m, struct form *f)
{
	enum err e = upload_read_form(u, m);

	if (e == ERR_SYNTAX) {
		return symbols_refuse(u->c, 400, "the form is malformed or cut off");
	}
	return e == ERR_OK ? store_form(f) : upload_failed(u->c, e);
}

static enum err upload_form(struct upload *u, struct slice content_type)
{
	const struct svc_env *env = u->c->env;
	struct form *f = calloc(1, sizeof(*f));
	struct multipart m;

	if (f == NULL) {
		return ERR_MEMORY;
	}
	const struct multipart_events events = { on_begin, on_data, on_end, f };
	enum err e = multipart_init(&m, content_type, &events);
	if (e != ERR_OK) {
		free(f);
		return take_address(u);
	}
	f->u = u;
	f->url = buf_new(VALUE_MAX);
	upload_draft_init(&f->archive, u, SLICE_EMPTY);
	e = take_form(u, &m, f);
	if (f->has_file) {
		file_drop_later(env->loop, env->peer[ROLE_FILES], upload_draft_name(&f->archive));
	}
	multipart_fini(&m);
	buf_free(&f->url);
	upload_draft_fini(&f->archive);
	free(f);
	return e;
}

static bool is_too_large(struct op_call *c)
{
	const struct symbols_state *state = c->state;
	uint64_t length = 0;
	struct slice text = http_header_get(c->req, SLICE("Content-Length"));

	return text.ptr != NULL && slice_to_u64(text, UINT64_MAX, &length) == ERR_OK &&
	       length > (uint64_t)state->settings.max_upload;
}

enum err symbols_upload_v1(struct op_call *c)
{
	struct symbols_state *state = c->state;
	struct symbols_token token;
	struct upload u;
	const char *refusal = NULL;
	enum err e = symbols_token_check(c, SYMBOLS_UPLOAD | SYMBOLS_UPLOAD_TRY, &token, &refusal);

	if (e != ERR_OK) {
		return e;
	}
	if (refusal != NULL) {
		return upload_refuse(c, 403, refusal);
	}
	if (is_too_large(c)) {
		return symbols_refuse(c, 413, "the upload is larger than this server takes");
	}
	if (!upload_enter(state)) {
		return ERR_TOO_BUSY;
	}
	upload_init(&u, c, &token);
	e = upload_form(&u, http_header_get(c->req, SLICE("Content-Type")));
	upload_fini(&u);
	upload_leave(state);
	return e;
}
