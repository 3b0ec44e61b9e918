/*
 * The table of sync's SQL statements.
 */
#include "services/sync/db.h"

const struct sql_stmt sync_stmts[SYNC_STMTS] = {
#define SYNC_STMT(id, stmt_name, stmt_flags, stmt_text, stmt_postgres)                             \
	[SYNC_##id] = { .name = (stmt_name),                                                       \
		.text = (stmt_text),                                                               \
		.postgres_text = (stmt_postgres),                                                  \
		.flags = (stmt_flags) },
#include "services/sync/statements.def"
#undef SYNC_STMT
};

enum err sync_begin(
    struct sql_db *db, enum sync_stmt stmt, struct sql_query **ret, struct err_note *note)
{
	return sql_begin(db, &sync_stmts[stmt], ret, note);
}
