/*
 * See pairs_session.h.
 */
#include "services/pairs/pairs_session.h"

#include "accounts/account.h"
#include "accounts/push.h"
#include "accounts/staged.h"
#include "core/base/check.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_fanout.h"

enum {
	TOKEN_TEXT_MAX = 100,
	TRIES_UNKNOWN = 2 /* of what a client_id lets be done again */
};

_Static_assert((int)PAIRS_TOKEN_HASH_HEX == (int)TOKEN_HASH_HEX, "room for a hash");

/* What of a session's row is looked at beside the member. */
struct times {
	int64_t reset_ms, created_ms, expires_ms;
};

static enum err find(struct sql_db *db, struct arena *arena, struct pairs_session *s,
    struct times *t, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_find(db, PAIRS_SESSION_FIND,
	    PAIRS_VALUES(PAIRS_T("token_hash", slice_str(s->token_hash))), &q, note);

	if (e != ERR_OK) {
		return e;
	}
	*t = (struct times){ .reset_ms = sql_col_i64(q, 1),
		.created_ms = sql_col_i64(q, 2),
		.expires_ms = sql_col_i64(q, 3) };
	e = pairs_user_take(q, 4 - 1, arena, &s->user); /* account_id is its second column */
	s->user.id = sql_col_i64(q, 0);
	if (s->user.couple != 0 && !sql_col_is_null(q, 13)) {
		int64_t one = sql_col_i64(q, 13), two = sql_col_i64(q, 14);
		s->partner = one == s->user.id ? two : one;
		s->head = sql_col_i64(q, 15);
	}
	sql_end(q);
	return e;
}

/* The account behind it: gone, locked, or with another password than then. */
static enum err check_account(struct sql_db *db, struct arena *arena, const struct pairs_session *s,
    int64_t reset_ms, struct err_note *note)
{
	struct account account;
	enum err e = account_by_id(db, arena, s->user.account, &account, note);

	if (e == ERR_OK && (account.is_locked || account.password_reset_ms != reset_ms)) {
		e = ERR_UNAUTHENTICATED;
	}
	return e;
}

enum err pairs_session_by_hash(struct sql_db *db, struct arena *arena, struct slice hash,
    int64_t now_ms, struct pairs_session *ret, struct err_note *note)
{
	struct pairs_session s = { .partner = 0 };
	struct times t = { .reset_ms = 0 };
	enum err e = slice_to_cstr(hash, s.token_hash, sizeof(s.token_hash));

	if (e != ERR_OK) {
		return ERR_UNAUTHENTICATED;
	}
	e = find(db, arena, &s, &t, note);
	if (e == ERR_OK && (t.expires_ms <= now_ms || t.created_ms < s.user.not_before_ms)) {
		e = ERR_UNAUTHENTICATED;
	}
	if (e == ERR_OK) {
		e = check_account(db, arena, &s, t.reset_ms, note);
	}
	if (e == ERR_OK) {
		*ret = s;
	}
	return e == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : e;
}

enum err pairs_session_find(struct svc_env *env, struct arena *arena, struct slice token,
    int64_t now_ms, struct pairs_session *ret, struct err_note *note)
{
	char hash[PAIRS_TOKEN_HASH_HEX + 1];

	if (token.ptr == NULL || token.len == 0 || token.len > TOKEN_TEXT_MAX) {
		return ERR_UNAUTHENTICATED;
	}
	enum err e = token_hash(token, hash);
	return e == ERR_OK
		   ? pairs_session_by_hash(env->db, arena, slice_str(hash), now_ms, ret, note)
		   : e;
}

/* ---- changes ---- */

/* A repetition finds what was done before, so a lost answer is no loss. */
static bool can_be_repeated(const struct pairs_change_req *r)
{
	return r->client_id.len > 0 || r->idem.len > 0;
}

static int64_t notice_of(const struct conf *conf)
{
	if (*conf_str(conf, "pairs", "webhook_url") == '\0') {
		return PAIRS_NOTICE_NONE;
	}
	return conf_bool(conf, "pairs", "webhook_text") ? PAIRS_NOTICE_FULL : PAIRS_NOTICE_BARE;
}

static void tell(const struct svc_env *env, const struct pairs_changed *c)
{
	const struct pairs_told told = { .couple = c->couple,
		.seq = c->seq,
		.user = c->user,
		.at_ms = c->at_ms,
		.event = c->event,
		.body = c->body };
	const struct pairs_signal signal = { .kind = PAIRS_PRESENCE,
		.couple = c->couple,
		.user = c->user,
		.when_ms = c->at_ms,
		.presence = (enum pairs_presence)(c->presence - 1) };

	if (c->seq != 0) {
		pairs_tell(env, &told);
	}
	if (c->presence != 0) {
		pairs_signal(env, &signal);
	}
}

enum err pairs_make_change(struct svc_env *env, struct arena *arena, int64_t deadline_us,
    uint64_t trace, struct pairs_change_req *r, struct pairs_changed *ret, struct err_note *note)
{
	struct slice reply = SLICE_EMPTY;
	struct buf *message = arena_buf(arena, PAIRS_MESSAGE_MAX);
	enum err e = ERR_MEMORY;

	if (message == NULL) {
		return e;
	}
	r->notice = notice_of(env->conf);
	r->push = push_is_on(env) ? 1 : 0;
	r->push_ttl_s = conf_ms(env->conf, "pairs", "push_ttl") / 1000;
	pairs_change_put(message, r);
	if (message->failed) {
		return e;
	}
	int tries = 0;
	for (; tries < TRIES_UNKNOWN; tries++) {
		*note = (struct err_note){ .code = ERR_OK };
		e = rpc_call(env->peer[ROLE_STORE], &pairs_change, buf_slice(message), deadline_us,
		    trace, arena, &reply, note);
		if (e != ERR_OUTCOME_UNKNOWN || !can_be_repeated(r)) {
			break;
		}
	}
	if (e == ERR_OK) {
		CHECK(pairs_changed_take(reply, ret));
		/* Behind a lost answer, a repetition may be of what that try has done. */
		bool is_new =
		    ret->outcome == PAIRS_DONE || (ret->outcome == PAIRS_REPEATED && tries > 0);
		if (is_new) {
			tell(env, ret);
		}
	}
	return e;
}
