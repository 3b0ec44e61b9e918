/*
 * See gone.h.
 */
#include "accounts/gone.h"

#include "accounts/accounts_priv.h"

static enum err run_on_uid(
    struct txn *t, enum accounts_stmt stmt, int64_t uid, struct err_note *note)
{
	return accounts_run_on(t, stmt, "uid", uid, note);
}

enum err account_gone_put(struct txn *t, int64_t account_id, struct err_note *note)
{
	return accounts_run_on(t, STMT_ACCOUNT_GONE_PUT, "account_id", account_id, note);
}

enum err account_gone_done(struct txn *t, int64_t account_id, struct err_note *note)
{
	return accounts_run_on(t, STMT_ACCOUNT_GONE_DONE, "account_id", account_id, note);
}

enum err account_gone_next(struct sql_db *db, int64_t *ret_id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_ACCOUNT_GONE_NEXT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_id = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e;
}

enum err store_gone_put(struct txn *t, struct slice fxa_uid, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_STORE_GONE_PUT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "fxa_uid", fxa_uid);
	return sql_finish(q);
}

enum err store_gone_next(
    struct sql_db *db, int64_t now_ms, int64_t *ret_uid, int64_t *ret_due_ms, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_STORE_GONE_DUE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "now_ms", now_ms);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_uid = sql_col_i64(q, 0);
		*ret_due_ms = sql_col_i64(q, 1);
	}
	sql_end(q);
	return e;
}

enum err store_gone_later(struct txn *t, int64_t uid, int64_t due_ms, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_STORE_GONE_LATER], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", uid);
	sql_bind_i64(q, "due_ms", due_ms);
	return sql_finish(q);
}

enum err store_gone_done(struct txn *t, int64_t uid, struct err_note *note)
{
	return run_on_uid(t, STMT_STORE_GONE_DONE, uid, note);
}
