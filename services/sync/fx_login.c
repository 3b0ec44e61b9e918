/*
 * Signing in: how the password of an address is stretched, and the check of what came of it. The
 * account is identity's; there is one password for sites and for Firefox.
 */
#include <openssl/crypto.h>

#include "accounts/credential.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "services/sync/fx.h"

enum {
	KEY_FETCH_MS = 10 * 60 * 1000,
	AGENT_MAX = 60
};

/* What a new session and the fetching of keys are known by, and what their owner is told. */
struct opening {
	uint8_t session[FX_TOKEN_BYTES], key_fetch[FX_TOKEN_BYTES];
	struct fx_token_keys session_keys, key_fetch_keys;
	char new_uid[FIREFOX_UID_HEX + 1];
	bool wants_keys;
};

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

/* A few words on the browser, from User-Agent. */
static struct slice agent_of(struct op_call *c)
{
	static const char *const systems[] = { "Android", "iPhone", "iPad", "Windows", "Mac",
		"Linux" };
	struct slice agent = http_header_get(c->req, SLICE("User-Agent"));
	const char *system = NULL;

	if (agent.ptr == NULL) {
		return SLICE_EMPTY;
	}
	bool is_firefox = memmem(agent.ptr, agent.len, "Firefox", 7) != NULL;
	for (size_t i = 0; system == NULL && i < sizeof(systems) / sizeof(systems[0]); i++) {
		if (memmem(agent.ptr, agent.len, systems[i], strlen(systems[i])) != NULL) {
			system = systems[i];
		}
	}
	if (is_firefox && system != NULL) {
		return slice_str(arena_printf(c->arena, "Firefox, %s", system));
	}
	return slice_sub(agent, 0, AGENT_MAX);
}

static enum err prepare(struct opening *o)
{
	uint8_t uid[FIREFOX_UID_HEX / 2];
	struct buf hex = buf_new(FIREFOX_UID_HEX);

	rng_bytes(o->session, sizeof(o->session));
	rng_bytes(o->key_fetch, sizeof(o->key_fetch));
	rng_bytes(uid, sizeof(uid));
	enc_hex(&hex, SLICE_OF(uid, sizeof(uid)));
	enum err e = hex.failed ? ERR_MEMORY
				: slice_to_cstr(buf_slice(&hex), o->new_uid, sizeof(o->new_uid));
	buf_free(&hex);
	if (e == ERR_OK) {
		e = fx_token_keys(o->session, "sessionToken", &o->session_keys);
	}
	return e == ERR_OK ? fx_token_keys(o->key_fetch, "keyFetchToken", &o->key_fetch_keys) : e;
}

/* Bytes as hex in the request's arena; empty when there is no memory. */
static struct slice hex_of(struct op_call *c, const uint8_t *bytes, size_t len)
{
	struct buf *hex = fx_buf(c, 4 * FX_TOKEN_HEX);

	if (hex == NULL) {
		return SLICE_EMPTY;
	}
	enc_hex(hex, SLICE_OF(bytes, len));
	return buf_slice(hex);
}

static struct slice sealed(struct op_call *c, const struct fx_token_keys *k, const uint8_t *secret)
{
	uint8_t bytes[FX_TOKEN_BYTES];

	memcpy(bytes, secret, sizeof(bytes));
	fx_seal(accounts_keys(c->env), FX_SEAL_CURRENT, k->id, bytes);
	return hex_of(c, bytes, sizeof(bytes));
}

/* Has the store remember the session. */
static enum err open_session(struct op_call *c, const struct account *account,
    const struct opening *o, struct firefox_account *ret)
{
	struct fx_change change = { .kind = FX_SIGN_IN, .new_uid = slice_str(o->new_uid) };
	struct fx_changed changed;

	change.client = (struct firefox_client){ .id = slice_str(o->session_keys.id),
		.account_id = account->id,
		.is_session = true,
		.secret = sealed(c, &o->session_keys, o->session_keys.key),
		.client_id = SLICE(FX_CLIENT_DESKTOP),
		.scope = SLICE("profile " FX_SCOPE_SYNC),
		.agent = agent_of(c),
		.reset_ms = account->password_reset_ms };
	if (o->wants_keys) {
		/* key in scope and extra in challenge: see fx_keys.c */
		change.code = (struct firefox_code){ .hash = slice_str(o->key_fetch_keys.id),
			.account_id = account->id,
			.client_id = SLICE("keys"),
			.scope = sealed(c, &o->key_fetch_keys, o->key_fetch_keys.key),
			.challenge = hex_of(c, o->key_fetch_keys.extra, FX_TOKEN_BYTES),
			.expires_ms = clock_wall_ms() + KEY_FETCH_MS };
	}
	enum err e = fx_change(c, &change, &changed);
	if (e == ERR_OK) {
		*ret = changed.account;
	}
	return e;
}

static enum err answer_signed_in(struct op_call *c, const struct account *account,
    const struct firefox_account *fx, const struct opening *o)
{
	struct fx_answer a;
	enum err e = fx_begin(c, &a);

	if (e != ERR_OK) {
		return e;
	}
	fx_put_text(&a, "uid", fx->uid);
	fx_put_text(&a, "email", account->address);
	fx_put_text(&a, "sessionToken", hex_of(c, o->session, sizeof(o->session)));
	if (o->wants_keys) {
		fx_put_text(&a, "keyFetchToken", hex_of(c, o->key_fetch, sizeof(o->key_fetch)));
	}
	fx_put_flag(&a, "verified", true);
	fx_put_flag(&a, "emailVerified", true);
	fx_put_flag(&a, "sessionVerified", true);
	fx_put_number(&a, "authAt", clock_wall_ms() / 1000);
	/* What the page needs to find or make kB; nobody else looks at it. */
	fx_put_text(&a, "wrapKb", fx->wrap_kb);
	fx_put_text(&a, "keyPrint", fx->key_print);
	fx_put_text(&a, "recovery", fx->recovery);
	fx_put_number(&a, "keysChangedAt", fx->keys_ms);
	return fx_send(&a);
}

static enum err sign_in(struct op_call *c, const struct account *account, bool wants_keys)
{
	struct opening o = { .wants_keys = wants_keys };
	struct firefox_account fx;
	enum err e = prepare(&o);

	if (e == ERR_OK) {
		e = open_session(c, account, &o, &fx);
	}
	if (e == ERR_OK) {
		e = answer_signed_in(c, account, &fx, &o);
	}
	OPENSSL_cleanse(&o, sizeof(o));
	return e;
}

/* A password: authPW, or for an account that an API client made the password itself. */
static bool take_password(const struct json *body, struct credential *ret)
{
	ret->is_stretched = fx_take_hex(body, "authPW", KDF_STRETCHED_HEX, &ret->text);
	return ret->is_stretched || fx_take_text(body, "password", 320, &ret->text);
}

/* POST /v1/account/login */
enum err fx_login(struct op_call *c)
{
	const struct json *body = NULL;
	struct slice email, key, keys = SLICE_EMPTY, verifier = SLICE_EMPTY;
	struct account account;
	struct credential given;
	enum pass_verdict verdict = PASS_WRONG;
	enum err e = ERR_OK;

	if (!fx_take_body(c, &body, &e)) {
		return e;
	}
	if (!fx_take_text(body, "email", EMAIL_MAX_BYTES, &email) || !take_password(body, &given)) {
		return fx_refuse(c, 400, FX_ERRNO_MISSING, "email or authPW is missing");
	}
	/* A plain account's page brings along what takes the password's place. */
	(void)fx_take_hex(body, "verifier", KDF_STRETCHED_HEX, &verifier);
	e = find_account(c, email, &account, &key);
	if (e == ERR_NOT_FOUND) {
		return fx_refuse(c, 400, FX_ERRNO_UNKNOWN_ACCOUNT, "Unknown account");
	}
	if (e == ERR_OK && !account.is_verified) {
		return fx_refuse(c, 400, FX_ERRNO_UNVERIFIED, "Unverified account");
	}
	if (e == ERR_OK) {
		e = credential_check(c, &account, &given, verifier, key, false, &verdict);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (verdict == PASS_LOCKED) {
		return fx_refuse(c, 429, FX_ERRNO_TOO_MANY, "Too many wrong passwords");
	}
	if (verdict != PASS_GOOD) {
		return fx_refuse(c, 400, FX_ERRNO_WRONG_PASSWORD, "Incorrect password");
	}
	bool wants_keys =
	    http_query_get(c->req, SLICE("keys"), &keys) && slice_eq(keys, SLICE("true"));
	return sign_in(c, &account, wants_keys);
}
