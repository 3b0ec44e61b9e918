/*
 * /api/_auth/: who is signed in at the pages, signing in and out. Signing in is that of any site
 * that uses the identity service: the page gets an assertion from its window, and here it is asked
 * whether it is good and for this server.
 */
#include <stdio.h>

#include "accounts/account.h"
#include "accounts/assertion.h"
#include "accounts/staged.h"
#include "core/base/rng.h"
#include "core/http/cookie.h"
#include "services/symbols/people_change.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_login.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_who.h"

enum {
	JSON_MAX = 8 * 1024,
	BODY_ARENA = 1024 * 1024,
	COOKIE_MAX = 512
};

static const char *const titles[SYMBOLS_PERMISSIONS] = { "Upload symbols",
	"Upload symbols of try builds", "See the uploads of others", "Manage tokens" };

void symbols_put_permissions(struct json_writer *w, uint32_t permissions)
{
	json_begin_array(w);
	for (unsigned bit = 0; bit < SYMBOLS_PERMISSIONS; bit++) {
		if ((permissions & (1u << bit)) != 0) {
			json_begin_object(w);
			symbols_put_number(w, SLICE("id"), bit + 1);
			symbols_put_text(
			    w, SLICE("codename"), slice_str(symbols_permission_name(bit)));
			symbols_put_text(w, SLICE("name"), slice_str(titles[bit]));
			json_end_object(w);
		}
	}
	json_end_array(w);
}

static void put_user(struct json_writer *w, const struct symbols_who *who)
{
	json_put_name(w, SLICE("user"));
	json_begin_object(w);
	symbols_put_text(w, SLICE("email"), who->email);
	symbols_put_flag(w, SLICE("is_active"), true);
	symbols_put_flag(w, SLICE("is_superuser"), who->is_admin);
	json_put_name(w, SLICE("permissions"));
	symbols_put_permissions(w, who->permissions);
	json_end_object(w);
}

static void put_addresses(struct op_call *c, struct json_writer *w)
{
	const struct symbols_state *state = c->state;
	const struct svc_env *env = c->env;
	const char *script =
	    arena_printf(c->arena, "%s/include.js", conf_str(env->conf, "plimsoll", "public_url"));
	bool has_identity = accounts_verify_assertions_here(env);

	symbols_put_text_or_null(
	    w, SLICE("sign_in_script"), has_identity ? slice_str(script) : SLICE_EMPTY);
	symbols_put_text(w, SLICE("public_url"), slice_str(state->url.origin));
}

/* who NULL: nobody is signed in. */
static enum err reply(struct op_call *c, const struct symbols_who *who, const char *why)
{
	struct buf *out = arena_buf(c->arena, JSON_MAX);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	if (who != NULL) {
		put_user(&w, who);
	} else if (why != NULL) {
		symbols_put_text(&w, SLICE("why"), slice_str(why));
	}
	if (who != NULL && who->by_session) {
		symbols_put_text(&w, SLICE("csrf_token"), slice_str(who->csrf));
	}
	put_addresses(c, &w);
	json_end_object(&w);
	return symbols_reply(c, 200, out);
}

enum err symbols_auth(struct op_call *c)
{
	struct symbols_who who;
	const char *refusal = NULL;
	enum err e = symbols_who(c, &who, &refusal);
	bool has_sent = http_header_get(c->req, SLICE("Auth-Token")).ptr != NULL ||
			http_cookie(c->req, SLICE(SYMBOLS_COOKIE)).ptr != NULL;

	return e == ERR_OK ? reply(c, refusal == NULL ? &who : NULL, has_sent ? refusal : NULL) : e;
}

/* ---- signing in ---- */

static enum err set_cookie(struct op_call *c, const char *value, int64_t max_age_s)
{
	const struct symbols_state *state = c->state;
	struct buf *out = arena_buf(c->arena, COOKIE_MAX);
	const struct http_set_cookie cookie = { .name = SLICE(SYMBOLS_COOKIE),
		.value = slice_str(value),
		.path = SLICE("/"),
		.domain = SLICE_EMPTY,
		.max_age_s = max_age_s,
		.http_only = true,
		.secure = state->url.is_https,
		.same_site = HTTP_SAME_SITE_STRICT };
	enum err e = out == NULL ? ERR_MEMORY : http_set_cookie_put(out, &cookie);

	if (e == ERR_OK) {
		http_add_header(c->req, SLICE("Set-Cookie"), buf_slice(out));
	}
	return e;
}

static enum err begin_session(struct op_call *c, struct slice email)
{
	struct people_changed changed;
	char *token = arena_alloc(c->arena, SYMBOLS_LOGIN_CHARS + 1);
	char hash[TOKEN_HASH_HEX + 1];
	struct slice key = SLICE_EMPTY;

	if (token == NULL) {
		return ERR_MEMORY;
	}
	rng_token(token, SYMBOLS_LOGIN_CHARS);
	/* Tokens are found by the address in small letters. */
	enum err e = email_key(c->arena, email, &key);
	e = e == ERR_OK ? token_hash(slice_str(token), hash) : e;
	if (e == ERR_OK) {
		e = people_change(c,
		    &(struct people_change){ .kind = PEOPLE_SIGN_IN,
			.hash = slice_str(hash),
			.email = key,
			.notes = SLICE_EMPTY },
		    &changed);
	}
	return e == ERR_OK ? set_cookie(c, token, SYMBOLS_LOGIN_S) : e;
}

static enum err check_assertion(struct op_call *c, struct slice assertion)
{
	const struct symbols_state *state = c->state;
	struct assertion_result result = { .reason = NULL, .email = SLICE_EMPTY };
	enum err e = accounts_verify_assertion(c, assertion, slice_str(state->url.origin), &result);

	if (e == ERR_UNSUPPORTED) {
		return symbols_refuse(c, 400, "nobody can sign in here: identity does not run");
	}
	if (e == ERR_OK && result.reason != NULL) {
		const char *text =
		    arena_printf(c->arena, "the assertion is no good: %s", result.reason);
		return text == NULL ? ERR_MEMORY : symbols_refuse(c, 403, text);
	}
	e = e == ERR_OK ? begin_session(c, result.email) : e;
	if (e == ERR_OK) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
		http_reply(c->req, 200, SLICE("application/json"), SLICE("{\"ok\": true}"));
	}
	return e;
}

/*
 * {"assertion": "..."}. A page of somebody else must not sign a browser in as somebody of its own
 * choice: browsers say whose page it is.
 */
enum err symbols_sign_in(struct op_call *c)
{
	struct arena arena = arena_new(BODY_ARENA);
	const struct json *doc = NULL;
	struct slice assertion = SLICE_EMPTY;

	if (!symbols_is_own_page(c)) {
		return symbols_refuse(c, 403, "this is not the address of this server");
	}
	enum err e = json_parse(&arena, http_body(c->req), &doc, &c->note);
	if (e == ERR_OK && !json_get_string(json_member(doc, "assertion"), &assertion)) {
		e = ERR_SYNTAX;
	}
	e = e == ERR_OK ? arena_copy(c->arena, assertion, &assertion) : e;
	arena_reset(&arena);
	if (e == ERR_SYNTAX || e == ERR_LIMIT) {
		return symbols_refuse(c, 400, "malformed JSON request body");
	}
	return e == ERR_OK ? check_assertion(c, assertion) : e;
}

enum err symbols_sign_out(struct op_call *c)
{
	struct symbols_who who;
	struct people_changed changed;
	char hash[TOKEN_HASH_HEX + 1];
	bool good = false;
	enum err e = symbols_who_may(c, 0, SYMBOLS_CHANGE, &who, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	if (who.by_session) {
		e = token_hash(http_cookie(c->req, SLICE(SYMBOLS_COOKIE)), hash);
		e = e == ERR_OK ? people_change(c,
				      &(struct people_change){ .kind = PEOPLE_SIGN_OUT,
					  .hash = slice_str(hash),
					  .email = SLICE_EMPTY,
					  .notes = SLICE_EMPTY },
				      &changed)
				: e;
		e = e == ERR_OK ? set_cookie(c, "", 0) : e;
	}
	if (e == ERR_OK) {
		http_reply(c->req, 200, SLICE("application/json"), SLICE("{\"ok\": true}"));
	}
	return e;
}
