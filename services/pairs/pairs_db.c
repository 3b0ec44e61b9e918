/*
 * The table of pairs' SQL statements, and the running of the simplest.
 */
#include "services/pairs/pairs_db.h"

const struct sql_stmt pairs_stmts[PAIRS_STMTS] = {
#define PAIRS_STMT(id, stmt_name, stmt_flags, stmt_text)                                           \
	[PAIRS_##id] = { .name = (stmt_name), .text = (stmt_text), .flags = (stmt_flags) },
#include "services/pairs/statements.def"
#undef PAIRS_STMT
};

enum err pairs_query(struct sql_db *db, enum pairs_stmt stmt, const struct pairs_value *values,
    struct sql_query **ret, struct err_note *note)
{
	enum err e = sql_begin(db, &pairs_stmts[stmt], ret, note);

	if (e != ERR_OK) {
		return e;
	}
	for (; values != NULL && values->name != NULL; values++) {
		if (values->is_text) {
			sql_bind_text(*ret, values->name, values->text);
		} else {
			sql_bind_i64(*ret, values->name, values->number);
		}
	}
	return ERR_OK;
}

enum err pairs_run(struct sql_db *db, enum pairs_stmt stmt, const struct pairs_value *values,
    struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_query(db, stmt, values, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	return sql_finish(q);
}

enum err pairs_insert(struct sql_db *db, enum pairs_stmt stmt, const struct pairs_value *values,
    struct err_note *note)
{
	enum err e = pairs_run(db, stmt, values, note);

	if (e == ERR_OK && sql_changes(db) != 1) {
		return err_note_set(
		    note, ERR_CONFLICT, "%s: the row is there", pairs_stmts[stmt].name);
	}
	return e;
}

enum err pairs_find(struct sql_db *db, enum pairs_stmt stmt, const struct pairs_value *values,
    struct sql_query **ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_query(db, stmt, values, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	if (e != ERR_OK) {
		sql_end(q);
		return e == ERR_END ? ERR_NOT_FOUND : e;
	}
	*ret = q;
	return ERR_OK;
}

enum err pairs_number(struct sql_db *db, enum pairs_stmt stmt, const struct pairs_value *values,
    int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_find(db, stmt, values, &q, note);

	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0);
		sql_end(q);
	}
	return e;
}
