/*
 * Upload v2 (symbols.md 1.4): a tool asks which of its files are wanted, and sends each of them to
 * an address of its own, in pieces that can be taken up again. A session is a line of the log that
 * is not completed yet; what has arrived is its draft, whose size is all there is to remember.
 */
#include <stdio.h>
#include <stdlib.h>

#include "services/symbols/symbols_json.h"
#include "services/symbols/upload.h"

enum {
	MD5_DIGITS = 32,
	ANSWER_FILE_MAX = 4 * SYMBOL_KEY_MAX,
	JSON_ARENA = 40 * 1024 * 1024,
};

#define UPLOADERS (SYMBOLS_UPLOAD | SYMBOLS_UPLOAD_TRY)

enum err symbols_auth_info(struct op_call *c)
{
	struct buf *out = arena_buf(c->arena, 4096);
	struct symbols_token token;
	bool good = false;
	enum err e = symbols_authorize(c, UPLOADERS, &token, &good);

	if (!good) {
		return e;
	}
	if (out == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	symbols_put_text(&w, SLICE("email"), token.email);
	symbols_put_number(&w, SLICE("user_id"), token.id);
	symbols_put_flag(&w, SLICE("try_symbols"), (token.permissions & SYMBOLS_UPLOAD) == 0);
	symbols_put_number(&w, SLICE("token_expires_at"), token.expires_ms / 1000);
	symbols_put_number(&w, SLICE("upload_api_version"), 2);
	json_end_object(&w);
	return symbols_reply(c, 200, out);
}

/* ---- negotiating ---- */

struct negotiation {
	struct upload *u;
	const struct json *files;
	struct upload_session *sessions; /* of those that are to be sent */
	size_t n_sessions;
	struct buf answer;
	struct json_writer w;
};

static bool is_md5(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
			return false;
		}
	}
	return text.len == MD5_DIGITS;
}

static void put_error(struct json_writer *w, struct slice text)
{
	symbols_put_text(w, SLICE("type"), SLICE("error"));
	symbols_put_text(w, SLICE("msg"), text);
}

/* For try builds a regular file is as good. */
static enum err is_there(
    struct negotiation *n, const struct symbol_key *key, int64_t size, struct slice md5, bool *ret)
{
	struct symbol_file f;
	bool found = false;
	enum err e = ERR_OK;

	*ret = false;
	for (unsigned pass = 0; e == ERR_OK && !*ret && pass <= (n->u->is_try ? 1u : 0u); pass++) {
		arena_reset(&n->u->scratch);
		e = upload_find(n->u, key, pass == 1, &f, &found);
		*ret = e == ERR_OK && found && f.upstream.len == 0 && f.size == size &&
		       slice_eq(f.md5, md5);
	}
	return e;
}

static enum err put_upload(
    struct negotiation *n, const struct symbol_key *key, int64_t size, struct slice md5)
{
	const struct symbols_state *state = n->u->state;
	struct upload_session *s = &n->sessions[n->n_sessions++];
	char url[PUBLIC_URL_MAX + 64];

	*s = (struct upload_session){ .key = *key,
		.is_compressed = symbol_name_ends(key->file, state->settings.compress),
		.size = size,
		.md5 = md5 };
	/* The session is the draft: who has its name may write it. */
	blob_draft_name(s->name);
	(void)snprintf(url, sizeof(url), "%s/upload/session/%s", state->url.origin, s->name);
	symbols_put_text(&n->w, SLICE("type"), SLICE("upload"));
	symbols_put_text(&n->w, SLICE("url"), slice_str(url));
	symbols_put_text_or_null(
	    &n->w, SLICE("content_encoding"), s->is_compressed ? SLICE("gzip") : SLICE_EMPTY);
	return ERR_OK;
}

static enum err put_action(struct negotiation *n, struct slice text, int64_t size, struct slice md5)
{
	struct symbol_key key;
	bool found = false;
	enum err e = symbol_key_parse(n->u->c->arena, text, &key);

	if (e == ERR_SYNTAX) {
		put_error(&n->w, SLICE("invalid key"));
		return ERR_OK;
	}
	if (e == ERR_OK && !is_md5(md5)) {
		put_error(&n->w, SLICE("invalid MD5 hex digest"));
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = is_there(n, &key, size, md5, &found);
	}
	if (e == ERR_OK && found) {
		symbols_put_text(&n->w, SLICE("type"), SLICE("skip"));
		return ERR_OK;
	}
	return e == ERR_OK ? put_upload(n, &key, size, md5) : e;
}

/* ERR_SYNTAX: it is not of that form. */
static enum err put_file(struct negotiation *n, const struct json *file)
{
	struct slice key = SLICE_EMPTY, md5 = SLICE_EMPTY;
	int64_t size = 0;

	if (!json_get_string(json_member(file, "key"), &key) ||
	    !json_get_string(json_member(file, "md5_hash"), &md5) ||
	    !json_get_i64(json_member(file, "size"), &size) || size < 0) {
		return ERR_SYNTAX;
	}
	json_begin_object(&n->w);
	symbols_put_text(&n->w, SLICE("key"), key);
	json_put_name(&n->w, SLICE("action"));
	json_begin_object(&n->w);
	enum err e = put_action(n, key, size, md5);
	json_end_object(&n->w);
	json_end_object(&n->w);
	return e;
}

static enum err put_answer(struct negotiation *n)
{
	struct upload *u = n->u;
	enum err e = ERR_OK;

	json_begin_object(&n->w);
	symbols_put_number(&n->w, SLICE("id"), u->id);
	symbols_put_number(&n->w, SLICE("created_at"), u->created_ms / 1000);
	symbols_put_text(&n->w, SLICE("user"), u->token->email);
	symbols_put_flag(&n->w, SLICE("try_symbols"), u->is_try);
	symbols_put_text(&n->w, SLICE("upload_protocol"), SLICE("gcs-resumable"));
	json_put_name(&n->w, SLICE("files"));
	json_begin_array(&n->w);
	for (size_t i = 0; e == ERR_OK && i < json_count(n->files); i++) {
		e = put_file(n, json_element(n->files, i));
	}
	json_end_array(&n->w);
	json_end_object(&n->w);
	return e == ERR_OK && n->answer.failed ? ERR_LIMIT : e;
}

/* The form first, so that nothing is in the log that nobody was answered. */
static bool is_well_formed(const struct json *files)
{
	for (size_t i = 0; i < json_count(files); i++) {
		const struct json *file = json_element(files, i);
		struct slice text;
		int64_t size;
		if (!json_get_string(json_member(file, "key"), &text) ||
		    !json_get_string(json_member(file, "md5_hash"), &text) ||
		    !json_get_i64(json_member(file, "size"), &size) || size < 0) {
			return false;
		}
	}
	return files != NULL && json_kind(files) == JSON_KIND_ARRAY;
}

static enum err negotiate(struct negotiation *n)
{
	struct upload *u = n->u;
	struct store_caller rows = upload_rows(u);
	enum err e = upload_begin(&rows,
	    &(struct upload_begun){ .email = u->token->email,
		.is_try = u->is_try,
		.filename = SLICE_EMPTY,
		.download_url = SLICE_EMPTY,
		.redirect_urls = SLICE("[]"),
		.content_hash = SLICE_EMPTY },
	    &u->id, &u->created_ms);

	if (e == ERR_OK) {
		e = put_answer(n);
	}
	return e == ERR_OK
		   ? upload_add_sessions(&rows, u->id, u->is_try, n->sessions, n->n_sessions)
		   : e;
}

static enum err negotiate_files(struct upload *u, const struct json *files)
{
	size_t count = json_count(files);
	struct negotiation n = { .u = u,
		.files = files,
		.sessions = calloc(count == 0 ? 1 : count, sizeof(*n.sessions)),
		.answer = buf_new((count + 1) * ANSWER_FILE_MAX) };

	n.w = json_writer_new(&n.answer);
	enum err e = n.sessions == NULL ? ERR_MEMORY : negotiate(&n);
	if (e == ERR_OK) {
		e = symbols_reply(u->c, 201, &n.answer);
	}
	free(n.sessions);
	buf_free(&n.answer);
	return e;
}

enum err symbols_upload_v2(struct op_call *c)
{
	struct arena arena = arena_new(JSON_ARENA);
	const struct json *doc = NULL;
	struct symbols_token token;
	struct err_note note = { 0 };
	struct upload u;
	bool good = false, wants_try = false;
	enum err e = symbols_authorize(c, UPLOADERS, &token, &good);

	if (!good) {
		return e;
	}
	e = json_parse(&arena, http_body(c->req), &doc, &note);
	const struct json *files = e == ERR_OK ? json_member(doc, "files") : NULL;
	if (e == ERR_MEMORY) {
		arena_reset(&arena);
		return e;
	}
	if (e != ERR_OK || !is_well_formed(files)) {
		arena_reset(&arena);
		return symbols_refuse(c, 400, "malformed JSON request body");
	}
	if (json_count(files) > UPLOAD_SESSION_FILES) {
		arena_reset(&arena);
		return symbols_refuse(c, 400, "too many files");
	}
	upload_init(&u, c, &token);
	(void)json_get_bool(json_member(doc, "try_symbols"), &wants_try);
	u.is_try = u.is_try || wants_try; /* ours: Tecken's tools go by the token alone */
	e = negotiate_files(&u, files);
	upload_fini(&u);
	arena_reset(&arena);
	return e;
}
