/*
 * Role: store. The outbox table: what became of a mail, and how many there are.
 */
#include "accounts/accounts_priv.h"
#include "accounts/mail_address.h"
#include "accounts/outbox.h"
#include "core/base/check.h"
#include "core/base/rng.h"

/* Keeps the newest OUTBOX_KEPT_MAX rows of a state. */
static enum err prune(struct txn *t, enum outbox_state state, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_OUTBOX_PRUNE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "state", state);
	sql_bind_i64(q, "most", OUTBOX_KEPT_MAX);
	return sql_finish(q);
}

static enum err handle_sent(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct outbox_sent_req r;
	struct sql_query *q;

	(void)info;
	(void)reply;
	CHECK(outbox_take_sent_req(req, &r));
	enum accounts_stmt stmt = r.keep ? STMT_OUTBOX_KEPT : STMT_OUTBOX_SENT;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", r.id);
	sql_bind_i64(q, "lease", r.lease);
	sql_bind_i64(q, "now_ms", t->now_ms);
	e = sql_step(q);
	sql_end(q);
	return e == ERR_END ? prune(t, r.keep ? OUTBOX_KEPT : OUTBOX_SENT, note) : e;
}

/* Tries so far of a row under this lease, and to whom; ERR_END: the lease is no longer current. */
static enum err tries_of(struct txn *t, const struct outbox_retry_req *r, int64_t *ret,
    struct slice *ret_recipient, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_OUTBOX_TRIES], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", r->id);
	sql_bind_i64(q, "lease", r->lease);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0);
		e = arena_copy(t->arena, sql_col_text(q, 1), ret_recipient);
	}
	sql_end(q);
	return e;
}

/* A mail server that refuses the mail at once tells what a bounce tells later. */
static enum err note_refusal(
    struct txn *t, struct slice recipient, struct slice reply, struct err_note *note)
{
	struct bounce b = { .is_permanent = false };
	enum bounce_effect effect = BOUNCE_UNKNOWN;

	if (slice_to_cstr(recipient, b.address, sizeof(b.address)) != ERR_OK) {
		return ERR_OK; /* refused for its length */
	}
	bounce_from_reply(reply, &b);
	return mail_address_bounced(t, &b, &effect, note);
}

static int64_t backoff_ms(int64_t tries)
{
	int64_t ms = OUTBOX_RETRY_FIRST_MS;

	for (int64_t i = 1; i < tries && ms < OUTBOX_RETRY_LAST_MS; i++) {
		ms *= 2;
	}
	ms = ms < OUTBOX_RETRY_LAST_MS ? ms : OUTBOX_RETRY_LAST_MS;
	/* Spread by a quarter, so that a long queue does not come back in one burst. */
	return ms + (int64_t)rng_below((uint64_t)ms / 4);
}

static enum err handle_retry(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct outbox_retry_req r;
	struct sql_query *q = NULL;
	int64_t tries = 0;
	struct slice recipient = SLICE_EMPTY;

	(void)info;
	(void)reply;
	CHECK(outbox_take_retry_req(req, &r));
	enum err e = tries_of(t, &r, &tries, &recipient, note);
	if (e != ERR_OK) {
		return e == ERR_END ? ERR_OK : e;
	}
	bool failed = r.final || tries >= OUTBOX_TRIES_MAX;
	if (r.final) {
		e = note_refusal(t, recipient, r.error, note);
	}
	if (e == ERR_OK) {
		e = sql_begin(t->db,
		    &accounts_stmts[failed ? STMT_OUTBOX_FAILED : STMT_OUTBOX_RETRY], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", r.id);
	sql_bind_i64(q, "lease", r.lease);
	sql_bind_text(q, "error", slice_sub(r.error, 0, OUTBOX_ERROR_MAX));
	if (!failed) {
		sql_bind_i64(q, "next_try_ms", t->now_ms + backoff_ms(tries));
	}
	e = sql_step(q);
	sql_end(q);
	return e != ERR_END ? e : failed ? prune(t, OUTBOX_FAILED, note) : ERR_OK;
}

enum err outbox_state(struct sql_db *db, struct arena *arena, int64_t id, enum outbox_state *ret,
    struct slice *ret_error, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_OUTBOX_STATE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret = (enum outbox_state)sql_col_i64(q, 0);
		e = arena_copy(arena, sql_col_text(q, 1), ret_error);
	} else if (e == ERR_END) {
		e = ERR_NOT_FOUND;
	}
	sql_end(q);
	return e;
}

static enum err one_number(
    struct txn *t, enum accounts_stmt stmt, int64_t state, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	if (stmt == STMT_OUTBOX_COUNT) {
		sql_bind_i64(q, "state", state);
	}
	e = sql_step(q);
	*ret = e == ERR_OK ? sql_col_i64(q, 0) : 0;
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* Up to a thousand: the rows are looked at one by one. */
static enum err count_bounced(struct txn *t, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_MAIL_ADDRESS_BOUNCED], &q, note);

	*ret = 0;
	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK) {
		++*ret;
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err handle_stats(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct outbox_stats s = { 0 };

	(void)info;
	CHECK(req.len == 0);
	enum err e = one_number(t, STMT_OUTBOX_COUNT, OUTBOX_QUEUED, &s.queued, note);
	if (e == ERR_OK) {
		e = one_number(t, STMT_OUTBOX_COUNT, OUTBOX_FAILED, &s.failed, note);
	}
	if (e == ERR_OK) {
		e = one_number(t, STMT_OUTBOX_COUNT, OUTBOX_KEPT, &s.kept, note);
	}
	if (e == ERR_OK) {
		e = one_number(t, STMT_OUTBOX_OLDEST, 0, &s.oldest_queued_ms, note);
	}
	if (e == ERR_OK) {
		e = count_bounced(t, &s.bounced, note);
	}
	if (e == ERR_OK) {
		outbox_put_stats(reply, &s);
	}
	return e;
}

const struct rpc_def accounts_outbox_sent = {
	.name = "accounts.outbox_sent",
	.from = ROLE_BIT(ROLE_COURIER),
	.to = ROLE_STORE,
	.max_req = 64,
	.max_rep = 0,
	.deadline_ms = 10000,
	.cost_us = 100,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_sent,
};

const struct rpc_def accounts_outbox_retry = {
	.name = "accounts.outbox_retry",
	.from = ROLE_BIT(ROLE_COURIER),
	.to = ROLE_STORE,
	.max_req = 512,
	.max_rep = 0,
	.deadline_ms = 10000,
	.cost_us = 100,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_retry,
};

const struct rpc_def accounts_outbox_stats = {
	.name = "accounts.outbox_stats",
	.from = ROLE_BIT(ROLE_COURIER) | ROLE_BIT(ROLE_ADMIN),
	.to = ROLE_STORE,
	.max_req = 0,
	.max_rep = 64,
	.deadline_ms = 5000,
	.cost_us = 500,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_stats,
};
