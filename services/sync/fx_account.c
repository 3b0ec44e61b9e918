/*
 * What Firefox asks about an account and its session.
 */
#include "core/base/clock.h"
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

/* GET /v1/profile */
enum err fx_profile(struct op_call *c)
{
	const struct sync_state *state = c->state;
	struct access_token token;
	struct fx_who who;
	struct fx_answer a;
	struct slice email = SLICE_EMPTY;
	struct slice bearer = fx_bearer(c);
	enum err e = bearer.len == 0 ? ERR_SYNTAX : fx_access(c, bearer, &token, &who);

	if (e == ERR_SYNTAX || e == ERR_UNAUTHENTICATED) {
		return fx_refuse(c, 401, FX_ERRNO_TOKEN, "Unauthorized");
	}
	if (e == ERR_OK) {
		e = fx_email(c, who.account.id, &email);
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
