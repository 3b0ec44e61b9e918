/*
 * The tables of symbols: migrations and statements (symbols_statements.def).
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_DB_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_DB_H

#include "core/store/sql.h"

enum symbols_stmt {
#define SYMBOLS_STMT(id, name, flags, text, postgres) SYMBOLS_##id,
#include "services/symbols/symbols_statements.def"
#undef SYMBOLS_STMT
	SYMBOLS_STMTS
};
extern const struct sql_stmt symbols_stmts[SYMBOLS_STMTS];

/* symbols_schema.c */
enum {
	SYMBOLS_MIGRATIONS = 5
};
extern const struct migration symbols_migrations[SYMBOLS_MIGRATIONS];

/* sql_begin() of a statement by its place. */
NODISCARD enum err symbols_begin(
    struct sql_db *db, enum symbols_stmt stmt, struct sql_query **ret, struct err_note *note);

#endif
