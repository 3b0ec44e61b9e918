/*
 * What Firefox asks about an account and its session.
 */
#include "accounts/staged.h"
#include "services/sync/fx.h"

/* GET /v1/account/status?uid= */
enum err fx_account_status(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct slice uid;
	struct firefox_account fx;
	struct fx_answer a;
	enum err e = ERR_NOT_FOUND;

	if (!http_query_get(c->req, SLICE("uid"), &uid)) {
		return fx_refuse(c, 400, FX_ERRNO_MISSING, "uid is missing");
	}
	if (fx_is_hex(uid, FIREFOX_UID_HEX)) {
		e = firefox_account_by_uid(env->db, c->arena, uid, &fx, &c->note);
	}
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	bool exists = e == ERR_OK;
	e = fx_begin(c, &a);
	if (e != ERR_OK) {
		return e;
	}
	fx_put_flag(&a, "exists", exists);
	return fx_send(&a);
}

/* GET /v1/session/status */
enum err fx_session_status(struct op_call *c)
{
	struct fx_who who;
	struct fx_answer a;
	enum err e = ERR_OK;

	if (!fx_session(c, &who, &e)) {
		return e;
	}
	e = fx_begin(c, &a);
	if (e != ERR_OK) {
		return e;
	}
	fx_put_text(&a, "state", SLICE("verified"));
	fx_put_text(&a, "uid", who.fx.uid);
	return fx_send(&a);
}

/* GET /v1/recovery_email/status */
enum err fx_email_status(struct op_call *c)
{
	struct fx_who who;
	struct fx_answer a;
	struct slice email = SLICE_EMPTY;
	enum err e = ERR_OK;

	if (!fx_session(c, &who, &e)) {
		return e;
	}
	e = fx_email(c, who.account.id, &email);
	if (e == ERR_OK) {
		e = fx_begin(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	fx_put_text(&a, "email", email);
	fx_put_flag(&a, "verified", true);
	fx_put_flag(&a, "sessionVerified", true);
	fx_put_flag(&a, "emailVerified", true);
	return fx_send(&a);
}

/* POST /v1/session/destroy */
enum err fx_session_destroy(struct op_call *c)
{
	struct fx_who who;
	struct fx_changed changed;
	enum err e = ERR_OK;

	if (!fx_session(c, &who, &e)) {
		return e;
	}
	const struct fx_change change = {
		.kind = FX_END_CLIENT, .account_id = who.account.id, .client = who.client
	};
	e = fx_change(c, &change, &changed);
	return e == ERR_OK ? fx_send_empty(c) : e;
}

/* Does the browser have what a tag names? It may come in more quotes than it went out in. */
static bool has_already(const struct op_call *c, const char *tag)
{
	struct slice known = http_header_get(c->req, SLICE("If-None-Match"));

	return known.ptr != NULL && memmem(known.ptr, known.len, tag, strlen(tag)) != NULL;
}

/* True: the answer is on its way, as nothing has changed since the browser asked last. */
static bool is_unchanged(struct op_call *c, const struct fx_who *who, struct slice email)
{
	char tag[TOKEN_HASH_HEX + 1];
	const char *about =
	    arena_printf(c->arena, "%.*s %.*s", SLICE_ARG(who->fx.uid), SLICE_ARG(email));

	if (about == NULL || token_hash(slice_str(about), tag) != ERR_OK) {
		return false;
	}
	const char *quoted = arena_printf(c->arena, "\"%s\"", tag);
	if (quoted == NULL) {
		return false;
	}
	http_add_header(c->req, SLICE("ETag"), slice_str(quoted));
	if (!has_already(c, tag)) {
		return false;
	}
	http_reply(c->req, 304, SLICE_EMPTY, SLICE_EMPTY);
	return true;
}

/* GET /v1/profile */
enum err fx_profile(struct op_call *c)
{
	const struct sync_state *state = c->state;
	struct access_token token;
	struct fx_who who;
	struct fx_answer a;
	struct slice email = SLICE_EMPTY;
	struct slice bearer = http_bearer(c->req);
	enum err e = bearer.len == 0 ? ERR_SYNTAX : fx_access(c, bearer, &token, &who);

	if (e == ERR_SYNTAX || e == ERR_UNAUTHENTICATED) {
		return fx_refuse(c, 401, FX_ERRNO_TOKEN, "Unauthorized");
	}
	if (e == ERR_OK) {
		e = fx_email(c, who.account.id, &email);
	}
	if (e == ERR_OK && is_unchanged(c, &who, email)) {
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = fx_begin(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	const char *avatar = arena_printf(c->arena, "%s/firefox/avatar.svg", state->url.origin);
	fx_put_text(&a, "uid", who.fx.uid);
	fx_put_text(&a, "email", email);
	fx_put_text(&a, "avatar", slice_str(avatar));
	fx_put_flag(&a, "avatarDefault", true);
	json_put_name(&a.json, SLICE("amrValues"));
	json_begin_array(&a.json);
	json_put_string(&a.json, SLICE("pwd"));
	json_put_string(&a.json, SLICE("email"));
	json_end_array(&a.json);
	fx_put_number(&a, "twoFactorAuthentication", 0);
	return fx_send(&a);
}
