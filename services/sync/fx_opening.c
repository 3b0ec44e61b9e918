/*
 * New sessions, and tokens that fetch keys: made here, told to the store, told once to their owner.
 */
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "services/sync/fx.h"

enum {
	KEY_FETCH_MS = 10 * 60 * 1000,
	AGENT_MAX = 60
};

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

static enum err make_key_fetch(struct op_call *c, const struct account *account,
    struct fx_opening *o, struct firefox_code *ret)
{
	rng_bytes(o->key_fetch, sizeof(o->key_fetch));
	enum err e = fx_token_keys(o->key_fetch, "keyFetchToken", &o->key_fetch_keys);
	if (e == ERR_OK) {
		/* key in scope and extra in challenge: see fx_keys.c */
		*ret = (struct firefox_code){ .hash = slice_str(o->key_fetch_keys.id),
			.account_id = account->id,
			.client_id = SLICE("keys"),
			.scope = sealed(c, &o->key_fetch_keys, o->key_fetch_keys.key),
			.challenge = hex_of(c, o->key_fetch_keys.extra, FX_TOKEN_BYTES),
			.expires_ms = clock_wall_ms() + KEY_FETCH_MS };
	}
	return e;
}

enum err fx_open_session(struct op_call *c, const struct account *account, struct slice client_id,
    struct fx_opening *o, struct firefox_account *ret)
{
	uint8_t uid[FIREFOX_UID_HEX / 2];
	struct fx_change change = { .kind = FX_SIGN_IN };
	struct fx_changed changed;

	rng_bytes(o->session, sizeof(o->session));
	o->has_session = true;
	rng_bytes(uid, sizeof(uid));
	change.new_uid = hex_of(c, uid, sizeof(uid));
	enum err e = fx_token_keys(o->session, "sessionToken", &o->session_keys);
	if (e == ERR_OK && o->wants_keys) {
		e = make_key_fetch(c, account, o, &change.code);
	}
	if (e != ERR_OK) {
		return e;
	}
	change.client = (struct firefox_client){ .id = slice_str(o->session_keys.id),
		.account_id = account->id,
		.is_session = true,
		.secret = sealed(c, &o->session_keys, o->session_keys.key),
		.client_id = client_id,
		.scope = SLICE("profile " FX_SCOPE_SYNC),
		.agent = agent_of(c),
		.reset_ms = account->password_reset_ms };
	if (change.new_uid.len == 0 || change.client.secret.len == 0) {
		return ERR_MEMORY;
	}
	e = fx_change(c, &change, &changed);
	if (e == ERR_OK) {
		*ret = changed.account;
	}
	return e;
}

enum err fx_open_keys(struct op_call *c, const struct account *account, struct fx_opening *o)
{
	struct fx_change change = { .kind = FX_PUT_CODE };
	struct fx_changed unused;

	o->wants_keys = true;
	enum err e = make_key_fetch(c, account, o, &change.code);
	return e == ERR_OK ? fx_change(c, &change, &unused) : e;
}

void fx_put_opening(struct fx_answer *a, const struct fx_opening *o)
{
	if (o->has_session) {
		fx_put_text(a, "sessionToken", hex_of(a->c, o->session, sizeof(o->session)));
	}
	if (o->wants_keys) {
		fx_put_text(a, "keyFetchToken", hex_of(a->c, o->key_fetch, sizeof(o->key_fetch)));
	}
	fx_put_flag(a, "verified", true);
	fx_put_flag(a, "emailVerified", true);
	fx_put_flag(a, "sessionVerified", true);
	fx_put_number(a, "authAt", clock_wall_ms() / 1000);
}

struct slice fx_opening_session(struct op_call *c, const struct fx_opening *o)
{
	return hex_of(c, o->session, sizeof(o->session));
}
