/*
 * Who sends a request to the storage: token, clock, mac, nonce.
 */
#include "services/sync/auth.h"

#include <openssl/crypto.h>

#include "core/base/clock.h"
#include "services/sync/hawk_call.h"
#include "services/sync/sync_priv.h"

enum {
	GRACE_S = 2 * 3600 /* after its end a token still asks whether anything has changed */
};

static enum err read_token(struct op_call *c, struct sync_state *state, struct slice id,
    struct token *ret, char ret_key[TOKEN_KEY_SIZE], enum hawk_cause *ret_cause)
{
	enum err e = token_cache_read(state->tokens, &state->secrets, c->arena, id, ret, ret_key);

	if (e == ERR_DENIED) {
		*ret_cause = HAWK_CAUSE_SECRET;
		return err_note_set(&c->note, ERR_UNAUTHENTICATED,
		    "the token is not signed with this server's secret: [sync] master_secret must "
		    "be the same at the token server");
	}
	return e == ERR_SYNTAX
		   ? err_note_set(&c->note, ERR_UNAUTHENTICATED, "the Hawk id is no token")
		   : e;
}

static enum err check_times(struct op_call *c, const struct token *t, const struct hawk *h,
    struct sync_user *u, enum hawk_cause *ret_cause)
{
	const struct svc_env *env = c->env;
	int64_t late_s = clock_wall_ms() / 1000 - t->expires_s;
	int64_t skew_s = hawk_skew_s(h);
	int64_t most_s = conf_ms(env->conf, "sync", "clock_skew") / 1000;

	if (late_s >= GRACE_S) {
		*ret_cause = HAWK_CAUSE_EXPIRED;
		return err_note_set(&c->note, ERR_UNAUTHENTICATED, "the token expired %lld s ago",
		    (long long)late_s);
	}
	if (skew_s > most_s || skew_s < -most_s) {
		*ret_cause = HAWK_CAUSE_CLOCK;
		return err_note_set(&c->note, ERR_UNAUTHENTICATED,
		    "the client's clock is %lld s ahead of this machine's, [sync] clock_skew "
		    "allows %lld",
		    (long long)skew_s, (long long)most_s);
	}
	u->expires_ms = t->expires_s * 1000;
	u->is_expired = late_s >= 0;
	return ERR_OK;
}

enum err sync_authenticate(struct op_call *c, struct sync_user *ret, enum hawk_cause *ret_cause)
{
	struct sync_state *state = c->state;
	char key[TOKEN_KEY_SIZE];
	struct hawk h;
	struct token t = { .uid = 0 };
	struct sync_user u = { .uid = 0 };
	enum err e = hawk_of_call(c, &h);

	*ret_cause = HAWK_CAUSE_HEADER;
	if (e == ERR_OK) {
		e = read_token(c, state, h.id, &t, key, ret_cause);
	}
	if (e == ERR_OK) {
		e = check_times(c, &t, &h, &u, ret_cause);
	}
	if (e == ERR_OK) {
		e = hawk_check_call(c, state, slice_str(key), &h, ret_cause);
	}
	OPENSSL_cleanse(key, sizeof(key));
	if (e == ERR_OK && (slice_to_cstr(t.fxa_uid, u.fxa_uid, sizeof(u.fxa_uid)) != ERR_OK ||
			       slice_to_cstr(t.fxa_kid, u.fxa_kid, sizeof(u.fxa_kid)) != ERR_OK)) {
		e = err_note_set(&c->note, ERR_UNAUTHENTICATED, "an id in the token is too long");
	}
	if (e == ERR_OK) {
		u.uid = t.uid;
		*ret = u;
	}
	return e;
}
