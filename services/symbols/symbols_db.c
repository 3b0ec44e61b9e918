/*
 * The table of symbols' SQL statements, and the running of the simplest.
 */
#include "services/symbols/symbols_db.h"

const struct sql_stmt symbols_stmts[SYMBOLS_STMTS] = {
#define SYMBOLS_STMT(id, stmt_name, stmt_flags, stmt_text, stmt_postgres)                          \
	[SYMBOLS_##id] = { .name = (stmt_name),                                                    \
		.text = (stmt_text),                                                               \
		.postgres_text = (stmt_postgres),                                                  \
		.flags = (stmt_flags) },
#include "services/symbols/symbols_statements.def"
#undef SYMBOLS_STMT
};

enum err symbols_begin(
    struct sql_db *db, enum symbols_stmt stmt, struct sql_query **ret, struct err_note *note)
{
	return sql_begin(db, &symbols_stmts[stmt], ret, note);
}

enum err symbols_finish(struct sql_query *q)
{
	enum err e = sql_step(q);

	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

enum err symbols_finish_number(struct sql_query *q, int64_t *ret)
{
	enum err e = sql_step(q);

	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e;
}
