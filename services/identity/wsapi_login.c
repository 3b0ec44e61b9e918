/*
 * Calls in which a password is checked: authenticate_user, and password_kdf before it.
 */
#include "services/identity/wsapi.h"

enum err wsapi_password_kdf(struct wsapi *w)
{
	struct account account;
	struct slice key = SLICE_EMPTY;
	struct kdf kdf;
	bool is_upgradable = false;
	enum err e = wsapi_account(w, &account, &key);

	if (e == ERR_OK && account.has_password) {
		kdf = account.kdf;
		is_upgradable = kdf.kind == KDF_PLAIN;
	} else if (e == ERR_OK || e == ERR_NOT_FOUND) {
		credential_derived_kdf(w->env, key, &kdf);
	} else {
		return e;
	}
	e = wsapi_begin(w);
	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, true);
	wsapi_put_kdf(w, &kdf);
	if (is_upgradable) {
		/* A page may bring the form stretched with this along, once: see "verifier". */
		credential_derived_kdf(w->env, key, &kdf);
		json_put_name(&w->json, SLICE("upgrade"));
		json_begin_object(&w->json);
		wsapi_put_kdf(w, &kdf);
		json_end_object(&w->json);
	}
	return wsapi_send(w, 200);
}

static enum err answer_mismatch(struct wsapi *w)
{
	const char *reason = arena_printf(w->c->arena, "password mismatch for user: %.*s",
	    SLICE_ARG(param_text(&w->params, "email")));

	return reason == NULL ? ERR_MEMORY : wsapi_fail(w, reason);
}

enum err wsapi_locked(struct wsapi *w)
{
	enum err e = wsapi_begin(w);

	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, false);
	json_put_name(&w->json, SLICE("reason"));
	json_put_string(&w->json, SLICE("account is locked"));
	json_put_name(&w->json, SLICE("code"));
	json_put_string(&w->json, SLICE("account locked"));
	return wsapi_send(w, 200);
}

enum err wsapi_signed_in(
    struct wsapi *w, int64_t id, enum session_level level, int64_t password_reset_ms)
{
	session_login(&w->session, id, level, password_reset_ms,
	    wsapi_duration_ms(w, param_flag(&w->params, "ephemeral")), w->now_ms);
	session_need_csrf(&w->session);
	enum err e = wsapi_begin(w);
	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, true);
	json_put_name(&w->json, SLICE("userid"));
	json_put_i64(&w->json, id);
	json_put_name(&w->json, SLICE("suppress_ask_if_users_computer"));
	json_put_bool(&w->json, wsapi_is_mobile_firefox(w));
	return wsapi_send(w, 200);
}

bool wsapi_is_overload(enum err e)
{
	return e == ERR_TOO_BUSY || e == ERR_DEADLINE || e == ERR_PEER_GONE ||
	       e == ERR_OUTCOME_UNKNOWN || e == ERR_DRAINING;
}

enum err wsapi_authenticate_user(struct wsapi *w)
{
	struct account account;
	struct credential pass;
	struct slice key = SLICE_EMPTY;
	enum pass_verdict verdict = PASS_WRONG;
	const char *problem = wsapi_take_pass(w, "pass", "kdf", &pass);

	if (problem != NULL) {
		return wsapi_refuse(w, 400, problem);
	}
	enum err e = wsapi_account(w, &account, &key);
	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, "no such user");
	}
	if (e != ERR_OK) {
		return e;
	}
	e = wsapi_check_account(
	    w, &account, &pass, param_text(&w->params, "verifier"), key, &verdict);
	if (wsapi_is_overload(e)) {
		return wsapi_busy(w);
	}
	if (e != ERR_OK) {
		return e;
	}
	switch (verdict) {
	case PASS_GOOD:
		return wsapi_signed_in(w, account.id, SESSION_PASSWORD, account.password_reset_ms);
	case PASS_LOCKED:
		return wsapi_locked(w);
	case PASS_NONE:
		return wsapi_fail(w, "no password set for user");
	case PASS_WRONG:
		break;
	}
	return answer_mismatch(w);
}
