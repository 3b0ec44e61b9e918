/*
 * Signing in: how the password of an address is stretched, and the check of what came of it. The
 * account is identity's; there is one password for sites and for Firefox.
 */
#include <openssl/crypto.h>

#include "accounts/credential.h"
#include "services/sync/fx.h"

static enum err find_account(
    struct op_call *c, struct slice email, struct account *ret, struct slice *ret_key)
{
	const struct svc_env *env = c->env;
	enum err e = email_key(c->arena, email, ret_key);

	if (e == ERR_LIMIT) {
		return ERR_NOT_FOUND;
	}
	return e == ERR_OK ? account_by_address(env->db, c->arena, *ret_key, ret, &c->note) : e;
}

/* POST /v1/account/credentials/status */
enum err fx_credentials_status(struct op_call *c)
{
	const struct json *body = NULL;
	struct slice email, key = SLICE_EMPTY;
	struct account account;
	struct fx_answer a;
	struct kdf kdf;
	enum err e = ERR_OK;

	if (!fx_take_body(c, &body, &e)) {
		return e;
	}
	if (!fx_take_text(body, "email", EMAIL_MAX_BYTES, &email)) {
		return fx_refuse(c, 400, FX_ERRNO_MISSING, "email is missing");
	}
	e = find_account(c, email, &account, &key);
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	bool is_plain = e == ERR_OK && account.has_password && account.kdf.kind == KDF_PLAIN;
	if (e == ERR_OK && account.has_password && !is_plain) {
		kdf = account.kdf;
	} else {
		/* Who asks for an address without account learns nothing by it. */
		credential_derived_kdf(c->env, key, &kdf);
	}
	e = fx_begin(c, &a);
	if (e != ERR_OK) {
		return e;
	}
	fx_put_flag(&a, "upgradeNeeded", is_plain);
	fx_put_text(&a, "currentVersion", is_plain ? SLICE("v1") : SLICE("v2"));
	fx_put_text(&a, "clientSalt",
	    slice_str(arena_printf(c->arena, FX_NAMESPACE "quickStretchV2:%s", kdf.salt)));
	fx_put_number(&a, "rounds", KDF_ROUNDS);
	return fx_send(&a);
}

static enum err answer_signed_in(struct op_call *c, const struct account *account,
    const struct firefox_account *fx, const struct fx_opening *o)
{
	struct fx_answer a;
	enum err e = fx_begin(c, &a);

	if (e != ERR_OK) {
		return e;
	}
	fx_put_text(&a, "uid", fx->uid);
	fx_put_text(&a, "email", account->address);
	fx_put_opening(&a, o);
	/* What the page needs to find or make kB; nobody else looks at it. */
	fx_put_text(&a, "wrapKb", fx->wrap_kb);
	fx_put_text(&a, "keyPrint", fx->key_print);
	fx_put_text(&a, "recovery", fx->recovery);
	fx_put_number(&a, "keysChangedAt", fx->keys_ms);
	return fx_send(&a);
}

/* A password: authPW, or for an account that an API client made the password itself. */
static bool take_password(const struct json *body, struct credential *ret)
{
	ret->is_stretched = fx_take_hex(body, "authPW", KDF_STRETCHED_HEX, &ret->text);
	return ret->is_stretched || fx_take_text(body, "password", 320, &ret->text);
}

/* Who proves to be whom, by the address and password of a body. False: *ret says how it went. */
static bool check_password(
    struct op_call *c, const struct json *body, struct account *account, enum err *ret)
{
	struct slice email, key, verifier = SLICE_EMPTY;
	struct credential given;
	enum pass_verdict verdict = PASS_WRONG;

	if (!fx_take_text(body, "email", EMAIL_MAX_BYTES, &email) || !take_password(body, &given)) {
		*ret = fx_refuse(c, 400, FX_ERRNO_MISSING, "email or authPW is missing");
		return false;
	}
	/* A plain account's page brings along what takes the password's place. */
	(void)fx_take_hex(body, "verifier", KDF_STRETCHED_HEX, &verifier);
	enum err e = find_account(c, email, account, &key);
	if (e == ERR_NOT_FOUND) {
		*ret = fx_refuse(c, 400, FX_ERRNO_UNKNOWN_ACCOUNT, "Unknown account");
		return false;
	}
	if (e == ERR_OK && !account->is_verified) {
		*ret = fx_refuse(c, 400, FX_ERRNO_UNVERIFIED, "Unverified account");
		return false;
	}
	if (e == ERR_OK) {
		e = credential_check(c, account, &given, verifier, key, false, &verdict);
	}
	*ret = e;
	if (e == ERR_OK && verdict == PASS_LOCKED) {
		*ret = fx_refuse(c, 429, FX_ERRNO_TOO_MANY, "Too many wrong passwords");
	} else if (e == ERR_OK && verdict != PASS_GOOD) {
		*ret = fx_refuse(c, 400, FX_ERRNO_WRONG_PASSWORD, "Incorrect password");
	}
	return e == ERR_OK && verdict == PASS_GOOD;
}

static bool wants_keys(const struct op_call *c)
{
	struct slice keys = SLICE_EMPTY;

	return http_query_get(c->req, SLICE("keys"), &keys) && slice_eq(keys, SLICE("true"));
}

/* POST /v1/account/login */
enum err fx_login(struct op_call *c)
{
	const struct json *body = NULL;
	struct account account;
	struct firefox_account fx;
	struct fx_opening o = { .wants_keys = wants_keys(c) };
	enum err e = ERR_OK;

	if (!fx_take_body(c, &body, &e) || !check_password(c, body, &account, &e)) {
		return e;
	}
	e = fx_open_session(c, &account, SLICE(FX_CLIENT_DESKTOP), &o, &fx);
	if (e == ERR_OK) {
		e = answer_signed_in(c, &account, &fx, &o);
	}
	OPENSSL_cleanse(&o, sizeof(o));
	return e;
}

/* What a session answers that has got something new by it. */
static enum err answer_opening(
    struct op_call *c, const struct fx_who *who, const struct fx_opening *o)
{
	struct fx_answer a;
	enum err e = fx_begin(c, &a);

	if (e != ERR_OK) {
		return e;
	}
	fx_put_text(&a, "uid", who->fx.uid);
	fx_put_opening(&a, o);
	return fx_send(&a);
}

/* POST /v1/session/reauth: the password once more, for a session that goes on. */
enum err fx_session_reauth(struct op_call *c)
{
	const struct json *body = NULL;
	struct fx_who who;
	struct account account;
	struct fx_opening o = { .wants_keys = wants_keys(c) };
	enum err e = ERR_OK;

	if (!fx_session(c, &who, &e) || !fx_take_body(c, &body, &e) ||
	    !check_password(c, body, &account, &e)) {
		return e;
	}
	if (account.id != who.account.id) {
		return fx_refuse(c, 400, FX_ERRNO_UNKNOWN_ACCOUNT, "Unknown account");
	}
	e = o.wants_keys ? fx_open_keys(c, &account, &o) : ERR_OK;
	if (e == ERR_OK) {
		e = answer_opening(c, &who, &o);
	}
	OPENSSL_cleanse(&o, sizeof(o));
	return e;
}

/* POST /v1/session/duplicate: a second session of the same browser. */
enum err fx_session_duplicate(struct op_call *c)
{
	struct fx_who who;
	struct firefox_account unused;
	struct fx_opening o = { .wants_keys = false };
	enum err e = ERR_OK;

	if (!fx_session(c, &who, &e)) {
		return e;
	}
	e = fx_open_session(c, &who.account, who.client.client_id, &o, &unused);
	if (e == ERR_OK) {
		e = answer_opening(c, &who, &o);
	}
	OPENSSL_cleanse(&o, sizeof(o));
	return e;
}
