/*
 * The table of symbols' SQL statements.
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
