/*
 * POST /sym_upload: the first protocol of sym_upload, a form with the symbol file and what it is
 * of; and what both protocols share.
 */
#include "services/symbols/sym_upload.h"

#include <stdlib.h>

#include "core/base/json.h"
#include "services/symbols/upload_draft.h"

enum {
	KEYS_MAX = 2048
};

/* ---- shared ---- */

enum err sym_upload_token(struct op_call *c, struct symbols_token *ret, const char **ret_refusal)
{
	const uint32_t any_of = SYMBOLS_UPLOAD | SYMBOLS_UPLOAD_TRY;
	struct slice key = SLICE_EMPTY;

	return http_query_get(c->req, SLICE("key"), &key)
		   ? symbols_token_check_key(c, key, any_of, ret, ret_refusal)
		   : symbols_token_check(c, any_of, ret, ret_refusal);
}

enum err sym_upload_key(struct op_call *c, struct slice debug_file, struct slice debug_id,
    bool is_sym, struct symbol_key *ret)
{
	if (!symbol_name_is_good(debug_file) || !symbol_id_is_good(debug_id)) {
		return ERR_SYNTAX;
	}
	const char *sym = symbol_sym_name(c->arena, debug_file);
	*ret = (struct symbol_key){ .debug_file = debug_file,
		.debug_id = symbol_id_fold(c->arena, debug_id),
		.file = is_sym ? slice_str(sym) : debug_file };
	if (sym == NULL || ret->debug_id.ptr == NULL) {
		return ERR_MEMORY;
	}
	return symbol_name_is_good(ret->file) ? ERR_OK : ERR_SYNTAX;
}

/* A JSON list of the one key, or of none. */
static struct buf *keys_of(struct op_call *c, const struct symbol_key *key, bool is_in)
{
	struct buf *out = arena_buf(c->arena, KEYS_MAX);
	const char *text = symbol_key_text(c->arena, key);

	if (out == NULL || text == NULL) {
		return NULL;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_array(&w);
	if (is_in) {
		json_put_string(&w, slice_str(text));
	}
	json_end_array(&w);
	return out;
}

static enum err store_item(
    struct upload *u, struct slice draft, const struct symbol_key *key, enum upload_outcome *ret)
{
	char out[BLOB_DRAFT_CHARS + 1];

	blob_draft_name(out);
	const struct upload_item item = { .key = *key,
		.unpack = { .source = draft,
		    .form = UNPACK_PLAIN,
		    .max_size = (uint64_t)u->state->settings.max_unpacked,
		    .as_gzip = symbol_name_ends(key->file, u->state->settings.compress),
		    .out = SLICE_OF(out, BLOB_DRAFT_CHARS) },
		.size = -1 };
	return upload_store_file(u, &item, ret);
}

enum err sym_upload_store(struct upload *u, struct slice draft, uint64_t size,
    const struct symbol_key *key, enum upload_outcome *ret)
{
	struct store_caller rows = upload_rows(u);
	struct buf *none = keys_of(u->c, key, false), *one = keys_of(u->c, key, true);

	if (none == NULL || one == NULL) {
		return ERR_MEMORY;
	}
	enum err e = upload_begin(&rows,
	    &(struct upload_begun){ .email = u->token->email,
		.is_try = u->is_try,
		.filename = key->file,
		.download_url = SLICE_EMPTY,
		.redirect_urls = SLICE("[]"),
		.content_hash = SLICE_EMPTY,
		.size = (int64_t)size },
	    &u->id, &u->created_ms);
	e = e == ERR_OK ? store_item(u, draft, key, ret) : e;
	if (e == ERR_OK) {
		bool is_new = *ret == UPLOAD_STORED;
		e = upload_end(&rows, u->id, is_new ? 1 : 0, buf_slice(is_new ? none : one),
		    buf_slice(none), &u->completed_ms);
	}
	return e;
}

enum err sym_upload_receive(struct upload *u, struct slice draft)
{
	struct upload_draft d;
	char *piece = malloc(MULTIPART_FEED_MAX);
	enum err e = piece == NULL ? ERR_MEMORY : ERR_OK;

	upload_draft_init(&d, u, draft);
	while (e == ERR_OK) {
		size_t n = 0;
		e = http_body_read(u->c->req, piece, MULTIPART_FEED_MAX, &n);
		e = e == ERR_OK ? upload_draft_put(&d, SLICE_OF(piece, n)) : e;
	}
	free(piece);
	e = e == ERR_END ? upload_draft_finish(&d) : e;
	upload_draft_fini(&d);
	return e;
}

/* ---- the form ---- */

enum field {
	FIELD_OTHER, /* os, cpu and so on: the symbol file says it itself */
	FIELD_DEBUG_FILE,
	FIELD_DEBUG_ID,
	FIELD_FILE
};

struct form {
	struct upload_draft draft;
	enum field field;
	bool has_file;
	struct buf debug_file, debug_id;
};

static enum err on_begin(void *arg, struct slice name, bool has_file, struct slice file)
{
	struct form *f = arg;

	(void)file;
	f->field = FIELD_OTHER;
	if (has_file && !f->has_file && slice_eq(name, SLICE("symbol_file"))) {
		f->field = FIELD_FILE;
		f->has_file = true;
	} else if (!has_file && slice_eq(name, SLICE("debug_file"))) {
		f->field = FIELD_DEBUG_FILE;
	} else if (!has_file && slice_eq(name, SLICE("debug_identifier"))) {
		f->field = FIELD_DEBUG_ID;
	}
	return ERR_OK;
}

static enum err on_data(void *arg, struct slice bytes)
{
	struct form *f = arg;

	switch (f->field) {
	case FIELD_FILE:
		return upload_draft_put(&f->draft, bytes);
	case FIELD_DEBUG_FILE:
		buf_append_slice(&f->debug_file, bytes);
		return f->debug_file.failed ? ERR_LIMIT : ERR_OK;
	case FIELD_DEBUG_ID:
		buf_append_slice(&f->debug_id, bytes);
		return f->debug_id.failed ? ERR_LIMIT : ERR_OK;
	case FIELD_OTHER:
	default:
		return ERR_OK;
	}
}

static enum err on_end(void *arg)
{
	struct form *f = arg;

	return f->field == FIELD_FILE ? upload_draft_finish(&f->draft) : ERR_OK;
}

static enum err store_form(struct form *f)
{
	struct upload *u = f->draft.u;
	struct symbol_key key;
	enum upload_outcome outcome = UPLOAD_STORED;

	if (!f->has_file) {
		return symbols_refuse(u->c, 400, "there is no symbol_file in the form");
	}
	enum err e =
	    sym_upload_key(u->c, buf_slice(&f->debug_file), buf_slice(&f->debug_id), true, &key);
	if (e == ERR_SYNTAX) {
		return symbols_refuse(
		    u->c, 400, "debug_file and debug_identifier are not those of a symbol file");
	}
	e = e == ERR_OK ? sym_upload_store(
			      u, upload_draft_name(&f->draft), f->draft.written, &key, &outcome)
			: e;
	if (e != ERR_OK) {
		return upload_failed(u->c, e);
	}
	http_reply(u->c->req, 200, SLICE("text/plain; charset=utf-8"),
	    outcome == UPLOAD_SKIPPED ? SLICE("this file is there already\n") : SLICE("stored\n"));
	return ERR_OK;
}

static enum err upload_form(struct upload *u, struct form *f)
{
	const struct svc_env *env = u->c->env;
	const struct multipart_events events = { on_begin, on_data, on_end, f };
	struct multipart m;
	enum err e = multipart_init(&m, http_header_get(u->c->req, SLICE("Content-Type")), &events);

	if (e != ERR_OK) {
		return upload_refuse(u->c, 400, "Must be multipart form data with a symbol_file");
	}
	upload_draft_init(&f->draft, u, SLICE_EMPTY);
	e = upload_read_form(u, &m);
	if (e == ERR_SYNTAX) {
		e = symbols_refuse(u->c, 400, "the form is malformed or cut off");
	} else {
		e = e == ERR_OK ? store_form(f) : upload_failed(u->c, e);
	}
	if (f->has_file) {
		file_drop_later(env->loop, env->peer[ROLE_FILES], upload_draft_name(&f->draft));
	}
	upload_draft_fini(&f->draft);
	multipart_fini(&m);
	return e;
}

enum err symbols_sym_upload(struct op_call *c)
{
	struct symbols_state *state = c->state;
	struct symbols_token token;
	struct upload u;
	struct form f = { .debug_file = buf_new(SYM_UPLOAD_TEXT_MAX),
		.debug_id = buf_new(SYM_UPLOAD_TEXT_MAX) };
	const char *refusal = NULL;
	enum err e = sym_upload_token(c, &token, &refusal);

	if (e != ERR_OK || refusal != NULL) {
		return e == ERR_OK ? upload_refuse(c, 403, refusal) : e;
	}
	if (!upload_enter(state)) {
		return ERR_TOO_BUSY;
	}
	upload_init(&u, c, &token);
	e = upload_form(&u, &f);
	upload_fini(&u);
	upload_leave(state);
	buf_free(&f.debug_file);
	buf_free(&f.debug_id);
	return e;
}
