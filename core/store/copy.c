/*
 * See copy.h. Both sides are open in a transaction each; one table after the other is copied and
 * compared.
 */
#include "core/store/copy.h"

#include <stdio.h>
#include <string.h>

#include "core/base/check.h"
#include "core/store/copy_priv.h"

enum {
	ARENA_BYTES = 64 * 1024 * 1024 /* names and statements of all tables */
};

bool copy_is_postgres(const struct sql_db *db)
{
	return strcmp(db->engine->name, "postgres") == 0;
}

struct sql_stmt *copy_stmt(struct copy *c, const char *text, uint32_t flags)
{
	struct sql_stmt *stmt = arena_alloc(&c->arena, sizeof(*stmt));
	const char *copy = arena_printf(&c->arena, "%s", text);

	if (stmt == NULL || copy == NULL) {
		return NULL;
	}
	*stmt = (struct sql_stmt){ .name = "store.copy", .text = copy, .flags = flags };
	return stmt;
}

enum err copy_begin(struct copy *c, struct sql_db *db, const char *text, struct sql_query **ret)
{
	struct sql_stmt *stmt = copy_stmt(c, text, 0);

	return stmt == NULL ? ERR_MEMORY : sql_begin(db, stmt, ret, c->note);
}

/* The first number of the first row; -1: there is no row. */
static enum err number(struct copy *c, struct sql_db *db, const char *text, int64_t *ret)
{
	struct sql_query *q;
	enum err e = copy_begin(c, db, text, &q);

	if (e != ERR_OK) {
		return e;
	}
	*ret = -1;
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err check_empty(struct copy *c, const struct copy_table *t)
{
	char text[256];
	int64_t found = -1;

	snprintf(text, sizeof(text), "SELECT 1 FROM %s LIMIT 1", t->name);
	enum err e = number(c, c->to, text, &found);
	return e == ERR_OK && found != -1
		   ? err_note_set(c->note, ERR_EXISTS,
			 "the target is not empty: its table %s has rows", t->name)
		   : e;
}

static enum err compare_counts(struct copy *c, const struct copy_table *t, int64_t copied)
{
	char text[256];
	int64_t before = 0, after = 0;

	snprintf(text, sizeof(text), "SELECT COUNT(*) FROM %s", t->name);
	enum err e = number(c, c->from, text, &before);
	if (e == ERR_OK) {
		e = number(c, c->to, text, &after);
	}
	if (e == ERR_OK && (before != after || after != copied)) {
		e = err_note_set(c->note, ERR_CORRUPT,
		    "table %s: %lld rows here, %lld copied, %lld there", t->name, (long long)before,
		    (long long)copied, (long long)after);
	}
	return e;
}

/* PostgreSQL numbers on from where SQLite, which takes the largest number plus one, would. */
static enum err set_numbering(struct copy *c, const struct copy_table *t)
{
	char text[512];
	int64_t ignored = 0;
	enum err e = ERR_OK;

	for (unsigned i = 0; i < t->n && e == ERR_OK && copy_is_postgres(c->to); i++) {
		const char *name = t->columns[i].name;

		if (t->columns[i].is_serial) {
			snprintf(text, sizeof(text),
			    "SELECT SETVAL(PG_GET_SERIAL_SEQUENCE('%s', '%s'),"
			    " COALESCE(MAX(%s), 0) + 1, FALSE) FROM %s",
			    t->name, name, name, t->name);
			e = number(c, c->to, text, &ignored);
		}
	}
	return e;
}

static enum err copy_one(struct copy *c, const struct copy_table *t, int64_t *ret_rows)
{
	enum err e = check_empty(c, t);

	if (e == ERR_OK) {
		e = copy_rows(c, t, ret_rows);
	}
	if (e == ERR_OK) {
		e = compare_counts(c, t, *ret_rows);
	}
	return e == ERR_OK ? set_numbering(c, t) : e;
}

static enum err copy_all(struct copy *c, const struct copy_table *tables, unsigned n,
    void (*done)(void *arg, const char *table, int64_t rows), void *arg)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		int64_t rows = 0;

		e = copy_one(c, &tables[i], &rows);
		if (e == ERR_OK && done != NULL) {
			done(arg, tables[i].name, rows);
		}
	}
	return e;
}

/* Ends what is open on both sides; the source has not changed. */
static enum err finish(struct copy *c, enum err e)
{
	if (sql_in_txn(c->from)) {
		(void)!sql_script(c->from, "ROLLBACK", "copy", NULL);
	}
	if (e == ERR_OK) {
		e = sql_script(c->to, "COMMIT", "copy", c->note);
	}
	if (e != ERR_OK && sql_in_txn(c->to)) {
		(void)!sql_script(c->to, "ROLLBACK", "copy", NULL);
	}
	return e;
}

enum err sql_copy(struct sql_db *from, struct sql_db *to,
    void (*done)(void *arg, const char *table, int64_t rows), void *arg, struct err_note *note)
{
	struct copy c = { .from = from,
		.to = to,
		.arena = arena_new(ARENA_BYTES),
		.row_arena = arena_new(ARENA_BYTES),
		.note = note };
	struct copy_table *tables = arena_alloc(&c.arena, COPY_TABLES_MAX * sizeof(*tables));
	unsigned n = 0;
	enum err e = ERR_MEMORY;

	CHECK(copy_is_postgres(from) != copy_is_postgres(to));
	if (tables != NULL) {
		memset(tables, 0, COPY_TABLES_MAX * sizeof(*tables));
		e = copy_find_tables(&c, copy_is_postgres(from) ? to : from, tables, &n);
	}
	if (e == ERR_OK) {
		e = sql_script(from, "BEGIN", "copy", note);
	}
	if (e == ERR_OK) {
		e = to->engine->begin_exclusive(to, "copy", note);
	}
	if (e == ERR_OK) {
		e = copy_all(&c, tables, n, done, arg);
	}
	e = finish(&c, e);
	arena_reset(&c.arena);
	arena_reset(&c.row_arena);
	return e == ERR_OK ? e : err_note_set(note, e, "copy: %s", err_text(e));
}
