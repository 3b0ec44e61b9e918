/*
 * The tables of sync: migrations and statements. services/sync/statements.def has the statements.
 */
#ifndef PLIMSOLL_SYNC_DB_H
#define PLIMSOLL_SYNC_DB_H

#include "core/store/sql.h"

enum sync_stmt {
#define SYNC_STMT(id, name, flags, text, postgres) SYNC_##id,
#include "services/sync/statements.def"
#undef SYNC_STMT
	SYNC_STMTS
};
extern const struct sql_stmt sync_stmts[SYNC_STMTS];

/* sync_schema.c */
enum {
	SYNC_MIGRATIONS = 2
};
extern const struct migration sync_migrations[SYNC_MIGRATIONS];

/* sql_begin() of a statement by its place. */
NODISCARD enum err sync_begin(
    struct sql_db *db, enum sync_stmt stmt, struct sql_query **ret, struct err_note *note);

#endif
