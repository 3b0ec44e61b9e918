/*
 * Calls in which a password is checked: authenticate_user, and password_kdf before it.
 */
#include "accounts/keys.h"
#include "accounts/login.h"
#include "accounts/password.h"
#include "core/base/check.h"
#include "core/base/enc.h"
#include "core/obs/log.h"
#include "services/identity/wsapi.h"

enum {
	REQUEST_MAX = 2048
};

void wsapi_derived_kdf(const struct wsapi *w, struct slice address_key, struct kdf *ret)
{
	uint8_t bytes[DERIVED_KEY_BYTES];
	struct buf hex = buf_new(KDF_SALT_HEX);
	struct kdf kdf = { .kind = KDF_ONEPW_2 };

	symmetric_derive(w->state->kdf_salt_key, SLICE("salt"), address_key, bytes);
	enc_hex(&hex, SLICE_OF(bytes, KDF_SALT_HEX / 2));
	CHECK(slice_to_cstr(buf_slice(&hex), kdf.salt, sizeof(kdf.salt)) == ERR_OK);
	buf_free(&hex);
	*ret = kdf;
}

enum err wsapi_password_kdf(struct wsapi *w)
{
	struct account account;
	struct slice key = SLICE_EMPTY;
	struct kdf kdf;
	enum err e = wsapi_account(w, &account, &key);

	if (e == ERR_OK && account.has_password) {
		kdf = account.kdf;
	} else if (e == ERR_OK || e == ERR_NOT_FOUND) {
		wsapi_derived_kdf(w, key, &kdf);
	} else {
		return e;
	}
	e = wsapi_begin(w);
	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, true);
	json_put_name(&w->json, SLICE("kdf"));
	json_put_string(&w->json, slice_str(kdf_name(kdf.kind)));
	if (kdf.kind == KDF_ONEPW_2) {
		json_put_name(&w->json, SLICE("salt"));
		json_put_string(&w->json, slice_str(kdf.salt));
		json_put_name(&w->json, SLICE("rounds"));
		json_put_i64(&w->json, KDF_ROUNDS);
	}
	return wsapi_send(w, 200);
}

const char *wsapi_pass_problem(const struct wsapi *w, bool *ret_is_stretched)
{
	enum kdf_kind kind = KDF_PLAIN;

	if (param_is_there(&w->params, "kdf")) {
		CHECK(kdf_from_name(param_text(&w->params, "kdf"), &kind));
	}
	*ret_is_stretched = kind != KDF_PLAIN;
	if (*ret_is_stretched && !kdf_is_stretched(param_text(&w->params, "pass"))) {
		return "pass: 64 lower-case hex digits are needed with kdf onepw-2";
	}
	return NULL;
}

enum err wsapi_verify_pass(struct wsapi *w, const struct kdf *kdf, struct slice stored,
    bool is_stretched, bool *ret_matches, struct slice *ret_new_hash)
{
	const struct password_verify_req req = {
		.given = { .pass = param_text(&w->params, "pass"),
		    .is_stretched = is_stretched,
		    .kdf = *kdf },
		.stored = stored,
	};
	struct password_verified v;
	struct slice reply = SLICE_EMPTY;

	if (is_stretched && kdf->kind == KDF_PLAIN) {
		/* Nothing that was stretched can match a plain password. */
		*ret_matches = false;
		*ret_new_hash = SLICE_EMPTY;
		return ERR_OK;
	}
	struct buf *message = identity_body(w->c, REQUEST_MAX);
	if (message == NULL) {
		return ERR_MEMORY;
	}
	password_put_verify_req(message, &req);
	if (message->failed) {
		return ERR_MEMORY;
	}
	enum err e = rpc_call(w->env->peer[ROLE_COMPUTE], &accounts_password_verify,
	    buf_slice(message), w->c->deadline_us, w->c->trace, w->c->arena, &reply, &w->c->note);
	if (e != ERR_OK) {
		return e;
	}
	CHECK(password_take_verified(reply, &v));
	*ret_matches = v.matches;
	*ret_new_hash = v.new_hash;
	return ERR_OK;
}

static enum err record(struct wsapi *w, const struct login_result *r)
{
	struct buf *message = identity_body(w->c, REQUEST_MAX);

	if (message == NULL) {
		return ERR_MEMORY;
	}
	login_put_result(message, r);
	if (message->failed) {
		return ERR_MEMORY;
	}
	return rpc_call(w->env->peer[ROLE_STORE], &accounts_login_result, buf_slice(message),
	    w->c->deadline_us, w->c->trace, w->c->arena, NULL, &w->c->note);
}

static enum err answer_mismatch(struct wsapi *w)
{
	const char *reason = arena_printf(w->c->arena, "password mismatch for user: %.*s",
	    SLICE_ARG(param_text(&w->params, "email")));

	return reason == NULL ? ERR_MEMORY : wsapi_fail(w, reason);
}

static enum err answer_locked(struct wsapi *w)
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

static enum err answer_good(struct wsapi *w, const struct account *account)
{
	session_login(&w->session, account->id, SESSION_PASSWORD, account->password_reset_ms,
	    wsapi_duration_ms(w, param_flag(&w->params, "ephemeral")), w->now_ms);
	session_need_csrf(&w->session);
	enum err e = wsapi_begin(w);
	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&w->json, SLICE("success"));
	json_put_bool(&w->json, true);
	json_put_name(&w->json, SLICE("userid"));
	json_put_i64(&w->json, account->id);
	json_put_name(&w->json, SLICE("suppress_ask_if_users_computer"));
	json_put_bool(&w->json, wsapi_is_mobile_firefox(w));
	return wsapi_send(w, 200);
}

/* The password matched: what is to be written is written, but no login fails for it. */
static enum err finish_good(struct wsapi *w, const struct account *account, struct slice new_hash)
{
	if (account->failed_logins > 0 || new_hash.len > 0) {
		const struct login_result r = { .account_id = account->id,
			.good = true,
			.old_hash = new_hash.len > 0 ? account->password_hash : SLICE_EMPTY,
			.new_hash = new_hash };
		enum err e = record(w, &r);
		if (e != ERR_OK) {
			LOG(LOG_WARN, "identity", "login_not_recorded", LOG_C("err", err_text(e)),
			    LOG_C("detail", w->c->note.text));
		}
	}
	return answer_good(w, account);
}

/* Errors that mean "not now": answered in JSON by this call. */
static bool is_overload(enum err e)
{
	return e == ERR_TOO_BUSY || e == ERR_DEADLINE || e == ERR_PEER_GONE ||
	       e == ERR_OUTCOME_UNKNOWN || e == ERR_DRAINING;
}

enum err wsapi_authenticate_user(struct wsapi *w)
{
	struct account account;
	struct slice new_hash = SLICE_EMPTY;
	bool is_stretched = false, matches = false;
	const char *problem = wsapi_pass_problem(w, &is_stretched);

	if (problem != NULL) {
		return wsapi_refuse(w, 400, problem);
	}
	enum err e = wsapi_account(w, &account, NULL);
	if (e == ERR_NOT_FOUND) {
		return wsapi_fail(w, "no such user");
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!account.has_password) {
		return wsapi_fail(w, "no password set for user");
	}
	if (login_is_locked(&account, w->env->conf, w->now_ms)) {
		return answer_locked(w);
	}
	e = wsapi_verify_pass(
	    w, &account.kdf, account.password_hash, is_stretched, &matches, &new_hash);
	if (e == ERR_OK && matches) {
		return finish_good(w, &account, new_hash);
	}
	if (e == ERR_OK) {
		const struct login_result failed = { .account_id = account.id,
			.good = false,
			.old_hash = SLICE_EMPTY,
			.new_hash = SLICE_EMPTY };
		e = record(w, &failed);
		if (e == ERR_READ_ONLY) { /* it is told all the same; only the count is missing */
			return answer_mismatch(w);
		}
	}
	if (is_overload(e)) {
		return wsapi_busy(w);
	}
	return e == ERR_OK ? answer_mismatch(w) : e;
}
