/*
 * The table of accounts' SQL statements, and the running of the simplest.
 */
#include "accounts/accounts_priv.h"

const struct sql_stmt accounts_stmts[ACCOUNTS_STMT_COUNT] = {
#define ACCOUNTS_STMT(id, stmt_name, stmt_flags, stmt_text)                                        \
	[STMT_##id] = { .name = (stmt_name), .text = (stmt_text), .flags = (stmt_flags) },
#define ACCOUNTS_STMT_BOTH(id, stmt_name, stmt_flags, stmt_text, postgres)                         \
	[STMT_##id] = { .name = (stmt_name),                                                       \
		.text = (stmt_text),                                                               \
		.postgres_text = (postgres),                                                       \
		.flags = (stmt_flags) },
#include "accounts/statements.def"
#undef ACCOUNTS_STMT
#undef ACCOUNTS_STMT_BOTH
};

enum err accounts_run_on(struct txn *t, enum accounts_stmt stmt, const char *column,
    int64_t account_id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, column, account_id);
	return sql_finish(q);
}

enum err accounts_run_on_address(struct txn *t, enum accounts_stmt stmt, struct slice key,
    int64_t account_id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "address_key", key);
	sql_bind_i64(q, "account_id", account_id);
	return sql_finish(q);
}
