/*
 * Passwords that requests bring: hashed, compared, with the lockout of accounts.
 */
#include "accounts/credential.h"

#include <openssl/crypto.h>

#include "accounts/keys.h"
#include "accounts/login.h"
#include "accounts/password.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/obs/log.h"

enum {
	REQUEST_MAX = 2048
};

void credential_derived_kdf(const struct svc_env *env, struct slice address_key, struct kdf *ret)
{
	uint8_t key[DERIVED_KEY_BYTES], bytes[DERIVED_KEY_BYTES];
	struct buf hex = buf_new(KDF_SALT_HEX);
	struct kdf kdf = { .kind = KDF_ONEPW_2 };

	symmetric_derive(accounts_keys(env)->current, SLICE("password-kdf"), SLICE("v1"), key);
	symmetric_derive(key, SLICE("salt"), address_key, bytes);
	OPENSSL_cleanse(key, sizeof(key));
	enc_hex(&hex, SLICE_OF(bytes, KDF_SALT_HEX / 2));
	CHECK(slice_to_cstr(buf_slice(&hex), kdf.salt, sizeof(kdf.salt)) == ERR_OK);
	buf_free(&hex);
	*ret = kdf;
}

/* What was stretched before stands behind a wall of its own: decisions/0030. */
static struct password_given as_configured(
    const struct svc_env *env, const struct credential *given, const struct kdf *kdf)
{
	const char *key = kdf->kind == KDF_PLAIN ? "bcrypt_cost" : "bcrypt_cost_stretched";

	return (struct password_given){ .pass = given->text,
		.is_stretched = given->is_stretched,
		.kdf = *kdf,
		.cost = (unsigned)conf_int(env->conf, "accounts", key) };
}

/* Sends a message that put has been written to, and takes the reply into the request's arena. */
static enum err ask(struct op_call *c, enum role_id role, const struct rpc_def *def,
    const struct buf *message, struct slice *ret_reply)
{
	const struct svc_env *env = c->env;

	if (message->failed) {
		return ERR_MEMORY;
	}
	return rpc_call(env->peer[role], def, buf_slice(message), c->deadline_us, c->trace,
	    c->arena, ret_reply, &c->note);
}

enum err credential_verify(struct op_call *c, const struct credential *given, const struct kdf *kdf,
    struct slice stored, bool *ret_matches, struct slice *ret_new_hash)
{
	const struct password_verify_req req = {
		.given = as_configured(c->env, given, kdf),
		.stored = stored,
	};
	struct password_verified v;
	struct slice reply = SLICE_EMPTY;

	if (given->is_stretched && kdf->kind == KDF_PLAIN) {
		/* Nothing that was stretched can match a plain password. */
		*ret_matches = false;
		*ret_new_hash = SLICE_EMPTY;
		return ERR_OK;
	}
	struct buf message = buf_new(REQUEST_MAX);
	password_put_verify_req(&message, &req);
	enum err e = ask(c, ROLE_COMPUTE, &accounts_password_verify, &message, &reply);
	buf_free(&message);
	if (e != ERR_OK) {
		return e;
	}
	if (!password_take_verified(reply, &v)) {
		return err_note_set(&c->note, ERR_PEER_GONE, "no answer to a password came back");
	}
	*ret_matches = v.matches;
	*ret_new_hash = v.new_hash;
	return ERR_OK;
}

enum err credential_hash(struct op_call *c, const struct credential *given, const struct kdf *kdf,
    struct slice *ret_hash)
{
	const struct password_given req = as_configured(c->env, given, kdf);
	struct buf message = buf_new(REQUEST_MAX);

	password_put_hash_req(&message, &req);
	enum err e = ask(c, ROLE_COMPUTE, &accounts_password_hash, &message, ret_hash);
	buf_free(&message);
	return e;
}

static enum err record(struct op_call *c, const struct login_result *r)
{
	struct buf message = buf_new(REQUEST_MAX);

	login_put_result(&message, r);
	enum err e = ask(c, ROLE_STORE, &accounts_login_result, &message, NULL);
	buf_free(&message);
	return e;
}

/* What takes the place of a plain account's hash when a page brings the stretched form. */
static enum err hash_verifier(
    struct op_call *c, struct slice verifier, struct slice address_key, struct login_result *r)
{
	const struct credential stretched = { .text = verifier, .is_stretched = true };

	credential_derived_kdf(c->env, address_key, &r->kdf);
	return credential_hash(c, &stretched, &r->kdf, &r->new_hash);
}

/* What is to be written is written, but no login fails for it. */
static void record_good(struct op_call *c, const struct account *account, struct login_result *r,
    bool had_failures, struct slice verifier, struct slice address_key)
{
	enum err e = ERR_OK;

	if (verifier.len > 0 && account->kdf.kind == KDF_PLAIN) {
		e = hash_verifier(c, verifier, address_key, r);
	}
	if (e == ERR_OK && (had_failures || r->new_hash.len > 0)) {
		r->old_hash = r->new_hash.len > 0 ? account->password_hash : SLICE_EMPTY;
		e = record(c, r);
	}
	if (e != ERR_OK) {
		LOG(LOG_WARN, "accounts", "login_not_recorded", LOG_C("err", err_text(e)),
		    LOG_C("detail", c->note.text));
	}
}

enum err credential_check(struct op_call *c, const struct account *account,
    const struct credential *given, struct slice verifier, struct slice address_key, bool is_known,
    enum pass_verdict *ret)
{
	const struct svc_env *env = c->env;
	char client[LOGIN_CLIENT_SIZE];
	struct login_failures failures = { .n = 0 };
	struct login_result r = { .account_id = account->id, .kdf = account->kdf };
	bool matches = false;

	if (!account->has_password || account->is_locked) {
		*ret = account->is_locked ? PASS_LOCKED : PASS_NONE;
		return ERR_OK;
	}
	login_client(http_client_address(c->req), client);
	r.client = slice_str(client);
	enum err e = login_failures_of(env->db, account->id, client, &failures, &c->note);
	if (e == ERR_OK &&
	    login_is_locked(account, &failures, is_known, env->conf, clock_wall_ms())) {
		*ret = PASS_LOCKED;
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = credential_verify(
		    c, given, &account->kdf, account->password_hash, &matches, &r.new_hash);
	}
	if (e != ERR_OK) {
		return e;
	}
	r.good = matches;
	*ret = matches ? PASS_GOOD : PASS_WRONG;
	if (!matches) {
		e = record(c, &r);
		/* It is told all the same; only the count is missing. */
		return e == ERR_READ_ONLY ? ERR_OK : e;
	}
	record_good(
	    c, account, &r, account->failed_logins > 0 || failures.n > 0, verifier, address_key);
	return ERR_OK;
}
