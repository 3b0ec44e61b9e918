/*
 * The table idp, and the transaction function that changes it.
 */
#include "accounts/idp.h"

#include "accounts/accounts_priv.h"
#include "core/base/check.h"
#include "core/base/wire.h"

enum err idp_last_seen(
    struct sql_db *db, struct slice domain, int64_t *ret_ms, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_IDP_LAST_SEEN], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "domain", domain);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_ms = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err idp_saw(struct txn *t, struct slice domain, int64_t seen_ms, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_IDP_SAW], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "domain", domain);
	sql_bind_i64(q, "last_seen_ms", seen_ms);
	return sql_finish(q);
}

enum err idp_forget(struct txn *t, struct slice domain, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_IDP_FORGET], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "domain", domain);
	return sql_finish(q);
}

void idp_put_mark(struct buf *out, struct slice domain, int64_t seen_ms)
{
	wire_put_bytes(out, domain);
	wire_put_i64(out, seen_ms);
}

static enum err handle_mark(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct slice domain = wire_take_bytes(&r);
	int64_t seen_ms = wire_take_i64(&r);

	(void)info;
	(void)reply;
	CHECK(wire_done(&r));
	return seen_ms == 0 ? idp_forget(role_state, domain, note)
			    : idp_saw(role_state, domain, seen_ms, note);
}

const struct rpc_def accounts_idp_mark = {
	.name = "accounts.idp_mark",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 300,
	.max_rep = 0,
	.deadline_ms = 5000,
	.cost_us = 60,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_mark,
};
