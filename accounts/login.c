/*
 * Lockout, and the transaction function that records how a login went.
 */
#include "accounts/login.h"

#include "accounts/accounts_priv.h"
#include "core/base/check.h"
#include "core/base/wire.h"

bool login_is_locked(const struct account *a, const struct conf *conf, int64_t now_ms)
{
	return a->failed_logins >= conf_int(conf, "accounts", "max_failed_logins") &&
	       now_ms < a->failed_last_ms + conf_ms(conf, "accounts", "lockout");
}

void login_put_result(struct buf *out, const struct login_result *r)
{
	wire_put_i64(out, r->account_id);
	wire_put_u8(out, r->good ? 1 : 0);
	wire_put_bytes(out, r->old_hash);
	wire_put_bytes(out, r->new_hash);
}

bool login_take_result(struct slice message, struct login_result *ret)
{
	struct wire_reader r = wire_reader_new(message);
	struct login_result v = { .account_id = wire_take_i64(&r) };

	v.good = wire_take_u8(&r) != 0;
	v.old_hash = wire_take_bytes(&r);
	v.new_hash = wire_take_bytes(&r);
	if (!wire_done(&r)) {
		return false;
	}
	*ret = v;
	return true;
}

static enum err count(struct txn *t, const struct login_result *r, struct err_note *note)
{
	struct sql_query *q;
	enum accounts_stmt stmt = r->good ? STMT_LOGIN_GOOD : STMT_LOGIN_FAILED;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", r->account_id);
	if (!r->good) {
		sql_bind_i64(q, "now_ms", t->now_ms);
	}
	e = sql_step(q);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err rehash(struct txn *t, const struct login_result *r, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_REHASH], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", r->account_id);
	sql_bind_text(q, "old_hash", r->old_hash);
	sql_bind_text(q, "new_hash", r->new_hash);
	e = sql_step(q);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err handle_login_result(void *role_state, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct login_result r;

	(void)info;
	(void)reply;
	CHECK(login_take_result(req, &r));
	enum err e = count(t, &r, note);
	if (e == ERR_OK && r.new_hash.len > 0) {
		e = rehash(t, &r, note);
	}
	return e;
}

const struct rpc_def accounts_login_result = {
	.name = "accounts.login_result",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 512,
	.max_rep = 0,
	.deadline_ms = 10000,
	.cost_us = 60,
	/* A failure counted twice after a crash does no harm; one not counted would. */
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_login_result,
};
