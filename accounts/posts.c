/*
 * Role: store. See posts.h.
 */
#include "accounts/posts.h"

#include "accounts/accounts_priv.h"
#include "accounts/push.h"
#include "core/base/check.h"
#include "core/base/wire.h"

enum err post_put(struct txn *t, const struct post *p, struct err_note *note)
{
	struct sql_query *q;

	if (p->body.len > POST_BODY_MAX) {
		return ERR_LIMIT;
	}
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_POST_PUT], &q, note);
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "post_key", p->key);
	sql_bind_i64(q, "seq", p->seq);
	sql_bind_text(q, "body", p->body);
	sql_bind_text(q, "target", p->target.ptr == NULL ? SLICE_EMPTY : p->target);
	sql_bind_i64(q, "now_ms", t->now_ms);
	e = sql_finish(q);
	return e == ERR_OK ? accounts_wake_after_commit(t) : e;
}

enum err post_drop(struct txn *t, struct slice key, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_POST_DROP], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "post_key", key);
	return sql_finish(q);
}

/* ---- leasing ---- */

void post_put_lease_req(struct buf *out, int64_t lease_ms, uint32_t most)
{
	wire_put_i64(out, lease_ms);
	wire_put_u32(out, most);
}

bool posts_take_leased(struct slice message, struct posts_leased *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->n = wire_take_u32(&r);
	ret->wait_ms = wire_take_i64(&r);
	for (uint32_t i = 0; i < ret->n && i < POST_LEASE_MAX; i++) {
		ret->posts[i].key = wire_take_bytes(&r);
		ret->posts[i].seq = wire_take_i64(&r);
		ret->posts[i].body = wire_take_bytes(&r);
		ret->posts[i].n = wire_take_i64(&r);
		ret->posts[i].target = wire_take_bytes(&r);
	}
	return wire_done(&r) && ret->n <= POST_LEASE_MAX;
}

/* Keys of what is due into keys, and the rows into the reply. */
static enum err read_due(struct txn *t, struct slice keys[POST_LEASE_MAX], uint32_t most,
    uint32_t *ret_n, struct buf *rows, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_POSTS_DUE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	*ret_n = 0;
	sql_bind_i64(q, "now_ms", t->now_ms);
	sql_bind_i64(q, "most", most);
	while (*ret_n < most && (e = sql_step(q)) == ERR_OK) {
		e = arena_copy(t->arena, sql_col_text(q, 0), &keys[*ret_n]);
		if (e != ERR_OK) {
			break;
		}
		wire_put_bytes(rows, keys[(*ret_n)++]);
		wire_put_i64(rows, sql_col_i64(q, 1));
		wire_put_bytes(rows, sql_col_text(q, 2));
		wire_put_i64(rows, sql_col_i64(q, 3));
		wire_put_bytes(rows, sql_col_text(q, 4));
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* How long until the next one is due; POST_WAIT_MAX_MS: none is before that. */
static enum err read_wait(struct txn *t, int64_t *ret_ms, struct err_note *note)
{
	struct sql_query *q;
	int64_t next_ms = 0;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_POST_NEXT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	*ret_ms = POST_WAIT_MAX_MS;
	e = sql_finish_number(q, &next_ms);
	if (e == ERR_OK && next_ms < t->now_ms + POST_WAIT_MAX_MS) {
		*ret_ms = next_ms > t->now_ms ? next_ms - t->now_ms : 0;
	}
	return e == ERR_END ? ERR_OK : e;
}

static enum err set_next(struct txn *t, enum accounts_stmt stmt, struct slice key, int64_t until_ms,
    struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "post_key", key);
	sql_bind_i64(q, "next_try_ms", until_ms);
	return sql_finish(q);
}

static enum err handle_lease(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	int64_t lease_ms = wire_take_i64(&r), wait_ms = 0;
	uint32_t most = wire_take_u32(&r), n = 0;
	struct slice keys[POST_LEASE_MAX];
	struct buf *rows = arena_buf(t->arena, POST_REPLY_MAX);

	(void)info;
	CHECK(wire_done(&r) && most > 0 && most <= POST_LEASE_MAX);
	enum err e = rows == NULL ? ERR_MEMORY : read_due(t, keys, most, &n, rows, note);
	for (uint32_t i = 0; e == ERR_OK && i < n; i++) {
		e = set_next(t, STMT_POST_LEASE, keys[i], t->now_ms + lease_ms, note);
	}
	if (e == ERR_OK) {
		e = read_wait(t, &wait_ms, note);
	}
	if (e == ERR_OK) {
		wire_put_u32(reply, n);
		wire_put_i64(reply, wait_ms);
		buf_append_slice(reply, buf_slice(rows));
	}
	return e;
}

const struct rpc_def accounts_post_lease = {
	.name = "accounts.post_lease",
	.from = ROLE_BIT(ROLE_COURIER),
	.to = ROLE_STORE,
	.max_req = 64,
	.max_rep = POST_REPLY_MAX,
	.deadline_ms = 5000,
	.cost_us = 200,
	.flags = RPC_TXN | RPC_IDEMPOTENT, /* what a lost answer leased is due again later */
	.handle = handle_lease,
};

/* ---- how it went ---- */

void post_put_done(struct buf *out, const struct post *p, const struct post_result *r)
{
	wire_put_bytes(out, p->key);
	wire_put_i64(out, p->seq);
	wire_put_i64(out, p->n);
	wire_put_u8(out, (uint8_t)r->outcome);
	wire_put_i64(out, r->pause_ms);
}

/* ERR_NOT_FOUND: it is gone. */
static enum err tries_of(struct txn *t, struct slice key, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_POST_TRIES], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "post_key", key);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

/* Growing, and at least what the other side has asked for. */
static int64_t pause_ms(int64_t tries, int64_t least_ms)
{
	int64_t ms = POST_RETRY_FIRST_MS;

	for (; tries > 1 && ms < POST_RETRY_LAST_MS; tries--) {
		ms *= 2;
	}
	ms = ms < POST_RETRY_LAST_MS ? ms : POST_RETRY_LAST_MS;
	least_ms = least_ms < POST_PAUSE_MAX_MS ? least_ms : POST_PAUSE_MAX_MS;
	return ms > least_ms ? ms : least_ms;
}

/* The browser behind the address is not there any more. */
static enum err end_subscription(struct txn *t, struct slice key, struct err_note *note)
{
	struct slice owner;
	int64_t id = 0;
	enum err e = push_key_take(key, &owner, &id) ? push_unsubscribe(t, owner, id, note)
						     : post_drop(t, key, note);

	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* A newer one that came meanwhile stays, stands for what it came with, and is due now. */
static enum err finish(
    struct txn *t, struct slice key, int64_t seq, int64_t sent, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_POST_DELETE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "post_key", key);
	sql_bind_i64(q, "seq", seq);
	e = sql_finish(q);
	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_POST_FRESH], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "post_key", key);
	sql_bind_i64(q, "seq", seq);
	sql_bind_i64(q, "sent", sent);
	return sql_finish(q);
}

static enum err handle_done(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	struct slice key = wire_take_bytes(&r);
	int64_t seq = wire_take_i64(&r), sent = wire_take_i64(&r), tries = 0;
	uint8_t outcome = wire_take_u8(&r);
	int64_t least_ms = wire_take_i64(&r);

	(void)info;
	(void)reply;
	CHECK(wire_done(&r) && outcome < POST_OUTCOMES);
	enum err e = tries_of(t, key, &tries, note);
	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	if (outcome == POST_GONE) {
		return end_subscription(t, key, note);
	}
	if (outcome == POST_PUT_OFF) {
		return set_next(t, STMT_POST_PUT_OFF, key, t->now_ms + least_ms, note);
	}
	if (outcome == POST_RETRY && tries < POST_TRIES_MAX) {
		return set_next(
		    t, STMT_POST_LATER, key, t->now_ms + pause_ms(tries, least_ms), note);
	}
	return finish(t, key, seq, sent, note);
}

const struct rpc_def accounts_post_done = {
	.name = "accounts.post_done",
	.from = ROLE_BIT(ROLE_COURIER),
	.to = ROLE_STORE,
	.max_req = 512,
	.max_rep = 0,
	.deadline_ms = 5000,
	.cost_us = 100,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_done,
};

/* ---- where to ---- */

void posts_set_target(struct svc_env *env, const char *url, const char *secret)
{
	accounts_state(env)->posts_url = url;
	accounts_state(env)->posts_secret = secret;
}

const char *posts_url(const struct svc_env *env)
{
	const char *url = accounts_state(env)->posts_url;

	return url == NULL ? "" : url;
}

const char *posts_secret(const struct svc_env *env)
{
	const char *secret = accounts_state(env)->posts_secret;

	return secret == NULL ? "" : secret;
}
