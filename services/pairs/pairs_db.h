/*
 * The tables of pairs: migrations and statements, and the running of a statement with its values in
 * one call. services/pairs/statements.def has the statements.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_DB_H
#define PLIMSOLL_PAIRS_PAIRS_DB_H

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/store/sql.h"

enum pairs_stmt {
#define PAIRS_STMT(id, name, flags, text) PAIRS_##id,
#include "services/pairs/statements.def"
#undef PAIRS_STMT
	PAIRS_STMTS
};
extern const struct sql_stmt pairs_stmts[PAIRS_STMTS];

/* pairs_schema.c */
enum {
	PAIRS_MIGRATIONS = 3
};
extern const struct migration pairs_migrations[PAIRS_MIGRATIONS];

/* A value for a parameter. A list of them ends with one that has no name. */
struct pairs_value {
	const char *name;
	bool is_text;
	int64_t number;
	struct slice text;
};
#define PAIRS_N(param, value) ((struct pairs_value){ .name = (param), .number = (value) })
#define PAIRS_T(param, value)                                                                      \
	((struct pairs_value){ .name = (param), .is_text = true, .text = (value) })
#define PAIRS_VALUES(...) ((const struct pairs_value[]){ __VA_ARGS__, { .name = NULL } })

/* sql_begin() and the values; texts must live until sql_end(). */
NODISCARD enum err pairs_query(struct sql_db *db, enum pairs_stmt stmt,
    const struct pairs_value *values, struct sql_query **ret, struct err_note *note);

/* A statement without rows, to its end. */
NODISCARD enum err pairs_run(struct sql_db *db, enum pairs_stmt stmt,
    const struct pairs_value *values, struct err_note *note);

/* The same for a new row. ERR_CONFLICT: its number is taken. */
NODISCARD enum err pairs_insert(struct sql_db *db, enum pairs_stmt stmt,
    const struct pairs_value *values, struct err_note *note);

/* The number in the first column of the only row. ERR_NOT_FOUND: no row. */
NODISCARD enum err pairs_number(struct sql_db *db, enum pairs_stmt stmt,
    const struct pairs_value *values, int64_t *ret, struct err_note *note);

/* The first row, if there is one: ERR_OK with the query standing at it, to be ended; ERR_NOT_FOUND
 * with nothing to end. */
NODISCARD enum err pairs_find(struct sql_db *db, enum pairs_stmt stmt,
    const struct pairs_value *values, struct sql_query **ret, struct err_note *note);

#endif
