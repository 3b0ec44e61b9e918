/*
 * Who calls the accounts server.
 */
#include <openssl/crypto.h>

#include "accounts/staged.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "services/sync/fx.h"
#include "services/sync/hawk_call.h"

enum {
	/* Browsers set their clock by the answer, and come again. */
	SKEW_MAX_S = 5 * 60,
	SEEN_EVERY_MS = 60 * 60 * 1000
};

int64_t fx_generation(const struct account *a, const struct firefox_account *fx)
{
	return a->password_reset_ms > fx->keys_ms ? a->password_reset_ms : fx->keys_ms;
}

/* The owner of a client that was found. ERR_UNAUTHENTICATED: it is over. */
static enum err find_owner(struct op_call *c, struct fx_who *who)
{
	const struct svc_env *env = c->env;
	enum err e =
	    account_by_id(env->db, c->arena, who->client.account_id, &who->account, &c->note);

	if (e == ERR_OK) {
		e = firefox_account_find(
		    env->db, c->arena, who->client.account_id, &who->fx, &c->note);
	}
	if (e == ERR_NOT_FOUND) {
		return err_note_set(&c->note, ERR_UNAUTHENTICATED, "the account is gone");
	}
	if (e == ERR_OK &&
	    (who->account.is_locked || who->account.password_reset_ms != who->client.reset_ms)) {
		return err_note_set(&c->note, ERR_UNAUTHENTICATED,
		    "signed out: the password was changed, or the account is locked");
	}
	return e;
}

static enum err find_client(struct op_call *c, struct slice id, bool is_session, struct fx_who *who)
{
	const struct svc_env *env = c->env;
	enum err e = fx_is_hex(id, FIREFOX_ID_HEX)
			 ? firefox_client_find(env->db, c->arena, id, &who->client, &c->note)
			 : ERR_NOT_FOUND;

	if (e == ERR_NOT_FOUND || (e == ERR_OK && who->client.is_session != is_session)) {
		return err_note_set(&c->note, ERR_UNAUTHENTICATED, "no such session");
	}
	return e == ERR_OK ? find_owner(c, who) : e;
}

/* The mac, with a key that either of web's keys may have sealed. */
static enum err check_hawk(
    struct op_call *c, struct sync_state *state, const struct hawk *h, const struct fx_who *who)
{
	const struct symmetric_keys *keys = accounts_keys(c->env);
	uint8_t key[FX_TOKEN_BYTES];
	char id[FX_TOKEN_HEX + 1];
	enum err e = slice_to_cstr(who->client.id, id, sizeof(id));

	for (int which = FX_SEAL_CURRENT; e == ERR_OK && which <= FX_SEAL_PREVIOUS; which++) {
		size_t len = 0;
		c->note = (struct err_note){ .code = ERR_OK };
		if (dec_hex(who->client.secret, key, sizeof(key), &len) != ERR_OK ||
		    len != sizeof(key)) {
			return ERR_CORRUPT;
		}
		fx_seal(keys, (enum fx_seal_key)which, id, key);
		e = hawk_check_call(c, state, SLICE_OF(key, sizeof(key)), h, NULL);
		OPENSSL_cleanse(key, sizeof(key));
		if (e == ERR_OK) {
			return ERR_OK;
		}
		e = e == ERR_UNAUTHENTICATED && which == FX_SEAL_CURRENT ? ERR_OK : e;
	}
	return e;
}

/* At most hourly: when a browser was here last is for people to look at. */
static void see(struct op_call *c, const struct fx_who *who)
{
	const struct fx_change change = { .kind = FX_SEEN, .client = who->client };
	struct fx_changed unused;
	struct err_note kept = c->note;

	if (clock_wall_ms() - who->client.last_ms > SEEN_EVERY_MS &&
	    fx_change(c, &change, &unused) != ERR_OK) {
		c->note = kept; /* then the next time */
	}
}

/* Answers for somebody who is not let in. */
static bool turn_away(struct op_call *c, enum err e, enum fx_errno number, enum err *ret)
{
	*ret = e != ERR_UNAUTHENTICATED ? e : fx_refuse(c, 401, number, c->note.text);
	return false;
}

bool fx_session(struct op_call *c, struct fx_who *ret_who, enum err *ret)
{
	struct hawk h;
	struct fx_who who = { .client = { .id = SLICE_EMPTY } };
	enum err e = hawk_of_call(c, &h);

	if (e == ERR_OK) {
		e = find_client(c, h.id, true, &who);
	}
	if (e != ERR_OK) {
		return turn_away(c, e, FX_ERRNO_TOKEN, ret);
	}
	int64_t skew_s = hawk_skew_s(&h);
	if (skew_s > SKEW_MAX_S || skew_s < -SKEW_MAX_S) {
		*ret = fx_refuse(c, 401, FX_ERRNO_TIMESTAMP, "Stale timestamp");
		return false;
	}
	e = check_hawk(c, c->state, &h, &who);
	if (e != ERR_OK) {
		return turn_away(c, e, FX_ERRNO_SIGNATURE, ret);
	}
	see(c, &who);
	*ret_who = who;
	return true;
}

bool fx_who(struct op_call *c, struct fx_who *ret_who, enum err *ret)
{
	struct slice token = http_bearer(c->req);
	char hash[TOKEN_HASH_HEX + 1];
	struct fx_who who = { .client = { .id = SLICE_EMPTY } };

	if (token.len == 0) {
		return fx_session(c, ret_who, ret);
	}
	enum err e = token_hash(token, hash);
	if (e == ERR_OK) {
		e = find_client(c, slice_str(hash), false, &who);
	}
	if (e != ERR_OK) {
		return turn_away(c, e, FX_ERRNO_TOKEN, ret);
	}
	see(c, &who);
	*ret_who = who;
	return true;
}

enum err fx_access(
    struct op_call *c, struct slice token, struct access_token *ret, struct fx_who *ret_who)
{
	const struct svc_env *env = c->env;
	char hash[TOKEN_HASH_HEX + 1];
	bool is_revoked = false;
	struct fx_who who = { .client = { .id = SLICE_EMPTY } };
	enum err e = access_token_read(accounts_keys(env), c->arena, token, ret);

	if (e == ERR_DENIED) {
		return err_note_set(
		    &c->note, ERR_UNAUTHENTICATED, "the access token was not signed here");
	}
	if (e == ERR_OK && ret->expires_ms <= clock_wall_ms()) {
		return err_note_set(&c->note, ERR_UNAUTHENTICATED, "the access token has expired");
	}
	if (e == ERR_OK) {
		e = token_hash(token, hash);
	}
	if (e == ERR_OK) {
		e = firefox_is_revoked(env->db, slice_str(hash), &is_revoked, &c->note);
	}
	if (e == ERR_OK && is_revoked) {
		return err_note_set(
		    &c->note, ERR_UNAUTHENTICATED, "the access token was destroyed");
	}
	if (e == ERR_OK) {
		e = firefox_client_find(env->db, c->arena, ret->owner, &who.client, &c->note);
	}
	if (e == ERR_NOT_FOUND) {
		return err_note_set(
		    &c->note, ERR_UNAUTHENTICATED, "the access token's browser has signed out");
	}
	if (e == ERR_OK) {
		e = find_owner(c, &who);
	}
	if (e == ERR_OK) {
		*ret_who = who;
	}
	return e;
}

/* The first one is kept. */
struct first {
	struct arena *arena;
	struct slice address;
	enum err e;
};

static void take_first(void *arg, struct slice address)
{
	struct first *f = arg;

	if (f->address.len == 0 && f->e == ERR_OK) {
		f->e = arena_copy(f->arena, address, &f->address);
	}
}

enum err fx_email(struct op_call *c, int64_t account_id, struct slice *ret)
{
	const struct svc_env *env = c->env;
	struct first f = { .arena = c->arena, .address = SLICE_EMPTY, .e = ERR_OK };
	enum err e = account_each_email(env->db, account_id, take_first, &f, &c->note);

	if (e == ERR_OK) {
		e = f.e;
	}
	if (e == ERR_OK && f.address.len == 0) {
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		*ret = f.address;
	}
	return e;
}
