/*
 * Passwords of /wsapi calls: taken, hashed, compared, with the lockout of accounts.
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

void wsapi_put_kdf(struct wsapi *w, const struct kdf *kdf)
{
	json_put_name(&w->json, SLICE("kdf"));
	json_put_string(&w->json, slice_str(kdf_name(kdf->kind)));
	if (kdf->kind == KDF_ONEPW_2) {
		json_put_name(&w->json, SLICE("salt"));
		json_put_string(&w->json, slice_str(kdf->salt));
		json_put_name(&w->json, SLICE("rounds"));
		json_put_i64(&w->json, KDF_ROUNDS);
	}
}

const char *wsapi_take_pass(
    const struct wsapi *w, const char *name, const char *kdf_param, struct wsapi_pass *ret)
{
	enum kdf_kind kind = KDF_PLAIN;

	if (param_is_there(&w->params, kdf_param)) {
		CHECK(kdf_from_name(param_text(&w->params, kdf_param), &kind));
	}
	*ret = (struct wsapi_pass){ .text = param_text(&w->params, name),
		.is_stretched = kind != KDF_PLAIN };
	if (ret->is_stretched && !kdf_is_stretched(ret->text)) {
		const char *reason = arena_printf(
		    w->c->arena, "%s: 64 lower-case hex digits are needed with kdf onepw-2", name);
		return reason != NULL ? reason : name;
	}
	return NULL;
}

enum err wsapi_verify_pass(struct wsapi *w, const struct wsapi_pass *pass, const struct kdf *kdf,
    struct slice stored, bool *ret_matches, struct slice *ret_new_hash)
{
	const struct password_verify_req req = {
		.given = { .pass = pass->text, .is_stretched = pass->is_stretched, .kdf = *kdf },
		.stored = stored,
	};
	struct password_verified v;
	struct slice reply = SLICE_EMPTY;

	if (pass->is_stretched && kdf->kind == KDF_PLAIN) {
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

enum err wsapi_hash_pass(
    struct wsapi *w, const struct wsapi_pass *pass, const struct kdf *kdf, struct slice *ret_hash)
{
	const struct password_given given = {
		.pass = pass->text, .is_stretched = pass->is_stretched, .kdf = *kdf
	};
	struct buf *message = identity_body(w->c, REQUEST_MAX);

	if (message == NULL) {
		return ERR_MEMORY;
	}
	password_put_hash_req(message, &given);
	if (message->failed) {
		return ERR_MEMORY;
	}
	return rpc_call(w->env->peer[ROLE_COMPUTE], &accounts_password_hash, buf_slice(message),
	    w->c->deadline_us, w->c->trace, w->c->arena, ret_hash, &w->c->note);
}

enum err wsapi_kdf_for_new(struct wsapi *w, const struct wsapi_pass *pass,
    const struct account *current, struct slice address_key, struct kdf *ret)
{
	struct account account;

	if (current != NULL && current->has_password && current->kdf.kind == KDF_ONEPW_2) {
		*ret = current->kdf;
		return ERR_OK;
	}
	*ret = (struct kdf){ .kind = KDF_PLAIN };
	if (!pass->is_stretched) {
		return ERR_OK;
	}
	/* The salt that password_kdf told: of the account that has the address, or derived. */
	enum err e =
	    account_by_address(w->env->db, w->c->arena, address_key, &account, &w->c->note);
	if (e == ERR_OK && account.has_password && account.kdf.kind == KDF_ONEPW_2) {
		*ret = account.kdf;
		return ERR_OK;
	}
	wsapi_derived_kdf(w, address_key, ret);
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- the password of an account ---- */

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

/* What takes the place of a plain account's hash when a page brings the stretched form. */
static enum err hash_verifier(
    struct wsapi *w, struct slice verifier, struct slice address_key, struct login_result *r)
{
	const struct wsapi_pass pass = { .text = verifier, .is_stretched = true };

	wsapi_derived_kdf(w, address_key, &r->kdf);
	return wsapi_hash_pass(w, &pass, &r->kdf, &r->new_hash);
}

/* What is to be written is written, but no login fails for it. */
static void record_good(struct wsapi *w, const struct account *account, struct login_result *r,
    bool had_failures, struct slice verifier, struct slice address_key)
{
	enum err e = ERR_OK;

	if (verifier.len > 0 && account->kdf.kind == KDF_PLAIN) {
		e = hash_verifier(w, verifier, address_key, r);
	}
	if (e == ERR_OK && (had_failures || r->new_hash.len > 0)) {
		r->old_hash = r->new_hash.len > 0 ? account->password_hash : SLICE_EMPTY;
		e = record(w, r);
	}
	if (e != ERR_OK) {
		LOG(LOG_WARN, "identity", "login_not_recorded", LOG_C("err", err_text(e)),
		    LOG_C("detail", w->c->note.text));
	}
}

enum err wsapi_check_account(struct wsapi *w, const struct account *account,
    const struct wsapi_pass *pass, struct slice verifier, struct slice address_key,
    enum pass_verdict *ret)
{
	char client[LOGIN_CLIENT_SIZE];
	struct login_failures failures = { .n = 0 };
	struct login_result r = { .account_id = account->id, .kdf = account->kdf };
	bool matches = false;

	if (!account->has_password || account->is_locked) {
		*ret = account->is_locked ? PASS_LOCKED : PASS_NONE;
		return ERR_OK;
	}
	login_client(http_client_address(w->c->req), client);
	r.client = slice_str(client);
	enum err e = login_failures_of(w->env->db, account->id, client, &failures, &w->c->note);
	if (e == ERR_OK && login_is_locked(account, &failures, w->session.known_user == account->id,
			       w->env->conf, w->now_ms)) {
		*ret = PASS_LOCKED;
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = wsapi_verify_pass(
		    w, pass, &account->kdf, account->password_hash, &matches, &r.new_hash);
	}
	if (e != ERR_OK) {
		return e;
	}
	r.good = matches;
	*ret = matches ? PASS_GOOD : PASS_WRONG;
	if (!matches) {
		e = record(w, &r);
		/* It is told all the same; only the count is missing. */
		return e == ERR_READ_ONLY ? ERR_OK : e;
	}
	record_good(
	    w, account, &r, account->failed_logins > 0 || failures.n > 0, verifier, address_key);
	return ERR_OK;
}
