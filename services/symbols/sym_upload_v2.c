/*
 * The second protocol of sym_upload (its option -p sym-upload-v2): is the file wanted, an address
 * to send it to, the file, what it is of. The tool takes answers apart with regular expressions
 * that want one blank behind each colon, and sends the last request as something that is only like
 * JSON. Between the requests nothing is kept but the draft: its name is the upload's, and whoever
 * knows it still needs the key.
 */
#include "services/symbols/symbols_json.h"
#include "services/symbols/sym_upload.h"
#include "services/symbols/sym_upload_text.h"

/* ---- 1: is it wanted? ---- */

/* "ID:checkStatus" */
static struct slice cut_action(struct slice text, struct slice action)
{
	return slice_ends(text, action) ? slice_sub(text, 0, text.len - action.len) : SLICE_EMPTY;
}

static enum err answer(struct op_call *c, const char *text)
{
	if (text == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
	http_reply(c->req, 200, SLICE("application/json"), slice_str(text));
	return ERR_OK;
}

/* ERR_OK and *ret_good, or an answer. The body of a refused request is read over. */
static enum err authorize(struct op_call *c, struct symbols_token *token, bool *ret_good)
{
	const char *refusal = NULL;
	enum err e = sym_upload_token(c, token, &refusal);

	return symbols_let(c, e, refusal, ret_good);
}

enum err symbols_sym_check(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct symbols_token token;
	struct symbol_key key;
	struct symbol_file f;
	bool good = false;
	struct slice id = cut_action(http_param(c->req, "id"), SLICE(":checkStatus"));
	enum err e = authorize(c, &token, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	if (sym_upload_key(c, http_param(c->req, "debug_file"), id, true, &key) != ERR_OK) {
		return symbols_not_found(c);
	}
	e = symbol_file_get(
	    env->db, c->arena, &key, (token.permissions & SYMBOLS_UPLOAD) == 0, &f, &c->note);
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	return answer(
	    c, e == ERR_OK ? "{ \"status\": \"FOUND\" }\n" : "{ \"status\": \"MISSING\" }\n");
}

/* ---- 2: an address ---- */

enum err symbols_sym_create(struct op_call *c)
{
	const struct symbols_state *state = c->state;
	struct symbols_token token;
	struct slice key = SLICE_EMPTY;
	char draft[BLOB_DRAFT_CHARS + 1];
	bool good = false;
	enum err e = authorize(c, &token, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	blob_draft_name(draft);
	(void)http_query_get(c->req, SLICE("key"), &key);
	/* A good token has only letters, digits and '-' behind it in its label: nothing to escape.
	 */
	key = slice_sub(key, 0, slice_find(key, '-', 0));
	return answer(
	    c, arena_printf(c->arena,
		   "{ \"uploadUrl\": \"%s/v1/uploads/%s?key=%.*s\", \"uploadKey\": \"%s\" }\n",
		   state->url.origin, draft, SLICE_ARG(key), draft));
}

/* ---- 3: the file ---- */

static enum err receive(struct upload *u, struct slice draft)
{
	enum err e = sym_upload_receive(u, draft);

	if (e != ERR_OK) {
		return upload_failed(u->c, e);
	}
	http_reply(u->c->req, 200, SLICE_EMPTY, SLICE_EMPTY);
	return ERR_OK;
}

enum err symbols_sym_put(struct op_call *c)
{
	struct symbols_state *state = c->state;
	struct slice draft = http_param(c->req, "upload");
	struct symbols_token token;
	struct upload u;
	const char *refusal = NULL;
	enum err e = sym_upload_token(c, &token, &refusal);

	if (e != ERR_OK || refusal != NULL) {
		return e == ERR_OK ? upload_refuse(c, 403, refusal) : e;
	}
	if (!blob_draft_is_good(draft)) {
		return upload_refuse(c, 404, "there is no such upload, or it has ended");
	}
	if (!upload_enter(state)) {
		return ERR_TOO_BUSY;
	}
	upload_init(&u, c, &token);
	e = receive(&u, draft);
	upload_fini(&u);
	upload_leave(state);
	return e;
}

/* ---- 4: what it is of ---- */

static enum err complete(struct upload *u, struct slice draft, const struct symbol_key *key)
{
	struct file_caller files = upload_files(u);
	const struct svc_env *env = u->c->env;
	enum upload_outcome outcome = UPLOAD_STORED;
	uint64_t size = 0;
	enum err e = file_draft_size(&files, draft, &size);

	if (e == ERR_NOT_FOUND) {
		return symbols_refuse(u->c, 404, "there is no such upload, or it has ended");
	}
	e = e == ERR_OK ? sym_upload_store(u, draft, size, key, &outcome) : e;
	if (e != ERR_OK) {
		return upload_failed(u->c, e); /* the draft stays: the tool may try again */
	}
	file_drop_later(env->loop, env->peer[ROLE_FILES], draft);
	return answer(u->c, outcome == UPLOAD_SKIPPED ? "{ \"result\": \"DUPLICATE_DATA\" }\n"
						      : "{ \"result\": \"OK\" }\n");
}

enum err symbols_sym_complete(struct op_call *c)
{
	struct symbols_state *state = c->state;
	struct slice body = http_body(c->req);
	struct slice draft = cut_action(http_param(c->req, "upload"), SLICE(":complete"));
	struct slice type = sym_upload_text(body, SLICE("symbol_upload_type"));
	struct symbols_token token;
	struct symbol_key key;
	struct upload u;
	bool good = false;
	enum err e = authorize(c, &token, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	if (!blob_draft_is_good(draft)) {
		return symbols_not_found(c);
	}
	e = sym_upload_key(c, sym_upload_text(body, SLICE("debug_file")),
	    sym_upload_text(body, SLICE("debug_id")),
	    type.len == 0 || slice_eq_nocase(type, SLICE("BREAKPAD")), &key);
	if (e == ERR_SYNTAX) {
		return symbols_refuse(
		    c, 400, "debug_file and debug_id are not those of a symbol file");
	}
	if (e == ERR_OK && !upload_enter(state)) {
		e = ERR_TOO_BUSY;
	}
	if (e != ERR_OK) {
		return e;
	}
	upload_init(&u, c, &token);
	e = complete(&u, draft, &key);
	upload_fini(&u);
	upload_leave(state);
	return e;
}
