/*
 * See copy.h. The SQLite side says which tables and columns there are. Rows come one by one from
 * SQLite, by a cursor from PostgreSQL (so that no table has to fit into memory), and go in several
 * per INSERT.
 */
#include "core/store/copy.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/base/arena.h"
#include "core/base/check.h"
#include "core/store/sql_priv.h"

enum {
	TABLES_MAX = 64,
	COLUMNS_MAX = 32,
	NAME_MAX_BYTES = 64,
	TEXT_BYTES = 8192, /* of a statement made here */
	BATCH_ROWS = 16,   /* at most; parameters bound it, too */
	FETCH_ROWS = 200,
	ARENA_BYTES = 64 * 1024 * 1024 /* names and statements of all tables */
};

struct column {
	char name[NAME_MAX_BYTES];
	enum sql_kind kind;
	bool is_serial;
};

struct table {
	char name[NAME_MAX_BYTES];
	struct column columns[COLUMNS_MAX];
	unsigned n;
};

struct copy {
	struct sql_db *from, *to;
	struct arena arena; /* statements: a connection knows them by their address */
	struct arena row_arena;
	struct err_note *note;
};

static bool is_postgres(const struct sql_db *db)
{
	return strcmp(db->engine->name, "postgres") == 0;
}

/* A statement that lives until the end of the copy. */
static struct sql_stmt *make_stmt(struct copy *c, const char *text, uint32_t flags)
{
	struct sql_stmt *stmt = arena_alloc(&c->arena, sizeof(*stmt));
	const char *copy = arena_printf(&c->arena, "%s", text);

	if (stmt == NULL || copy == NULL) {
		return NULL;
	}
	*stmt = (struct sql_stmt){ .name = "store.copy", .text = copy, .flags = flags };
	return stmt;
}

static enum err begin(
    struct copy *c, struct sql_db *db, const char *text, uint32_t flags, struct sql_query **ret)
{
	struct sql_stmt *stmt = make_stmt(c, text, flags);

	return stmt == NULL ? ERR_MEMORY : sql_begin(db, stmt, ret, c->note);
}

/* The first number of the first row; -1: there is no row. */
static enum err number(struct copy *c, struct sql_db *db, const char *text, int64_t *ret)
{
	struct sql_query *q;
	enum err e = begin(c, db, text, 0, &q);

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

/* ---- what there is to copy ---- */

/* Our own names: nothing that would have to be quoted. */
static enum err take_name(struct copy *c, struct slice name, char ret[NAME_MAX_BYTES])
{
	for (size_t i = 0; i < name.len; i++) {
		char k = name.ptr[i];
		if (islower((unsigned char)k) == 0 && isdigit((unsigned char)k) == 0 && k != '_') {
			return err_note_set(c->note, ERR_UNSUPPORTED,
			    "\"%.*s\" is not a name of this program's tables", SLICE_ARG(name));
		}
	}
	return slice_to_cstr(name, ret, NAME_MAX_BYTES);
}

static enum err take_column(struct copy *c, struct sql_query *q, struct column *ret)
{
	struct slice type = sql_col_text(q, 1);

	*ret = (struct column){ .kind = slice_eq_nocase(type, SLICE("TEXT"))   ? SQL_TEXT
					: slice_eq_nocase(type, SLICE("BLOB")) ? SQL_BLOB
									       : SQL_I64,
		.is_serial = slice_eq_nocase(type, SLICE("INTEGER")) && sql_col_i64(q, 2) == 1 };
	return take_name(c, sql_col_text(q, 0), ret->name);
}

static enum err find_columns(struct copy *c, struct sql_db *sqlite, struct table *t)
{
	char text[TEXT_BYTES];
	struct sql_query *q;
	enum err e;

	snprintf(text, sizeof(text), "SELECT name, type, pk FROM pragma_table_info('%s')", t->name);
	e = begin(c, sqlite, text, 0, &q);
	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK) {
		e = t->n < COLUMNS_MAX ? take_column(c, q, &t->columns[t->n]) : ERR_LIMIT;
		t->n++;
		if (e != ERR_OK) {
			break;
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* All tables but the record of migrations, which both sides have. */
static enum err find_tables(
    struct copy *c, struct sql_db *sqlite, struct table *tables, unsigned *ret_n)
{
	struct sql_query *q;
	unsigned n = 0;
	enum err e = begin(c, sqlite,
	    "SELECT name FROM sqlite_schema WHERE type = 'table'"
	    " AND SUBSTR(name, 1, 7) <> 'sqlite_' AND name <> 'schema_migrations' ORDER BY name",
	    0, &q);

	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK) {
		e = n < TABLES_MAX ? take_name(c, sql_col_text(q, 0), tables[n].name) : ERR_LIMIT;
		n++;
		if (e != ERR_OK) {
			break;
		}
	}
	sql_end(q);
	e = e == ERR_END ? ERR_OK : e;
	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		e = find_columns(c, sqlite, &tables[i]);
	}
	*ret_n = n;
	return e;
}

static void append_columns(struct buf *text, const struct table *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		buf_printf(text, "%s%s", i == 0 ? "" : ", ", t->columns[i].name);
	}
}

/* ---- rows ---- */

/* Statements of one table; a batch of n rows has n of the insert's row groups. */
struct rows {
	const struct table *table;
	struct sql_stmt *insert[BATCH_ROWS + 1];
	struct sql_value values[BATCH_ROWS][COLUMNS_MAX];
	unsigned n, most;
	int64_t copied;
};

static struct sql_stmt *make_insert(struct copy *c, const struct table *t, unsigned n_rows)
{
	struct buf text = buf_new(TEXT_BYTES);

	buf_printf(&text, "INSERT INTO %s (", t->name);
	append_columns(&text, t);
	buf_append_str(&text, ") VALUES ");
	for (unsigned r = 0; r < n_rows; r++) {
		buf_append_str(&text, r == 0 ? "(" : ", (");
		for (unsigned i = 0; i < t->n; i++) {
			buf_printf(&text, "%s:r%uc%u", i == 0 ? "" : ", ", r, i);
		}
		buf_append_char(&text, ')');
	}
	buf_append_char(&text, '\0');
	struct sql_stmt *stmt = text.failed ? NULL : make_stmt(c, text.data, SQL_WRITES);
	buf_free(&text);
	return stmt;
}

static void bind_value(struct sql_query *q, const char *name, const struct sql_value *v)
{
	switch (v->kind) {
	case SQL_NULL:
		sql_bind_null(q, name);
		break;
	case SQL_I64:
		sql_bind_i64(q, name, v->i64);
		break;
	case SQL_TEXT:
		sql_bind_text(q, name, v->bytes);
		break;
	case SQL_BLOB:
		sql_bind_blob(q, name, v->bytes);
		break;
	}
}

static enum err write_batch(struct copy *c, struct rows *b)
{
	struct sql_query *q;
	char name[24];

	if (b->n == 0) {
		return ERR_OK;
	}
	if (b->insert[b->n] == NULL) {
		b->insert[b->n] = make_insert(c, b->table, b->n);
	}
	if (b->insert[b->n] == NULL) {
		return ERR_MEMORY;
	}
	enum err e = sql_begin(c->to, b->insert[b->n], &q, c->note);
	if (e != ERR_OK) {
		return e;
	}
	for (unsigned r = 0; r < b->n; r++) {
		for (unsigned i = 0; i < b->table->n; i++) {
			snprintf(name, sizeof(name), "r%uc%u", r, i);
			bind_value(q, name, &b->values[r][i]);
		}
	}
	e = sql_step(q);
	sql_end(q);
	b->copied += b->n;
	b->n = 0;
	arena_reset(&c->row_arena);
	return e == ERR_END ? ERR_OK : e;
}

static enum err take_value(
    struct copy *c, struct sql_query *q, int i, enum sql_kind kind, struct sql_value *ret)
{
	*ret = (struct sql_value){ .kind = sql_col_is_null(q, i) ? SQL_NULL : kind };
	if (ret->kind == SQL_I64) {
		ret->i64 = sql_col_i64(q, i);
	} else if (ret->kind != SQL_NULL) {
		struct slice bytes = kind == SQL_TEXT ? sql_col_text(q, i) : sql_col_blob(q, i);
		return arena_copy(&c->row_arena, bytes, &ret->bytes);
	}
	return ERR_OK;
}

/* The current row of q into the batch, which is written when it is full. */
static enum err take_row(struct copy *c, struct rows *b, struct sql_query *q)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < b->table->n && e == ERR_OK; i++) {
		e = take_value(c, q, (int)i, b->table->columns[i].kind, &b->values[b->n][i]);
	}
	b->n++;
	return e == ERR_OK && b->n == b->most ? write_batch(c, b) : e;
}

/* All rows that one statement gives. */
static enum err take_rows(
    struct copy *c, struct rows *b, const struct sql_stmt *stmt, unsigned *ret_n)
{
	struct sql_query *q;
	enum err e = sql_begin(c->from, stmt, &q, c->note);

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK) {
		*ret_n += 1;
		e = take_row(c, b, q);
		if (e != ERR_OK) {
			break;
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err copy_rows(struct copy *c, struct rows *b)
{
	struct buf select = buf_new(TEXT_BYTES), declare = buf_new(TEXT_BYTES);
	char fetch[128];
	unsigned n = 0;
	bool by_cursor = is_postgres(c->from);
	enum err e = ERR_OK;

	buf_append_str(&select, "SELECT ");
	append_columns(&select, b->table);
	buf_printf(&select, " FROM %s", b->table->name);
	buf_append_char(&select, '\0');
	buf_printf(&declare, "DECLARE copy_%s CURSOR FOR %s", b->table->name, select.data);
	buf_append_char(&declare, '\0');
	snprintf(fetch, sizeof(fetch), "FETCH %d FROM copy_%s", FETCH_ROWS, b->table->name);
	CHECK(!select.failed && !declare.failed);
	if (by_cursor) {
		e = sql_script(c->from, declare.data, b->table->name, c->note);
	}
	struct sql_stmt *stmt = make_stmt(c, by_cursor ? fetch : select.data, 0);
	if (stmt == NULL) {
		e = ERR_MEMORY;
	}
	do {
		e = e == ERR_OK ? take_rows(c, b, stmt, &n) : e;
	} while (e == ERR_OK && by_cursor && n > 0);
	buf_free(&select);
	buf_free(&declare);
	return e == ERR_OK ? write_batch(c, b) : e;
}

/* ---- a table ---- */

static enum err check_empty(struct copy *c, const struct table *t)
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

static enum err compare_counts(struct copy *c, const struct table *t, int64_t copied)
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
static enum err set_numbering(struct copy *c, const struct table *t)
{
	char text[512];
	int64_t ignored = 0;
	enum err e = ERR_OK;

	for (unsigned i = 0; i < t->n && e == ERR_OK && is_postgres(c->to); i++) {
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

static enum err copy_table(struct copy *c, const struct table *t, int64_t *ret_rows)
{
	struct rows *b = arena_alloc(&c->arena, sizeof(*b));
	unsigned fits = t->n == 0 ? 0 : SQL_MAX_PARAMS / t->n;

	if (b == NULL || fits == 0) {
		return ERR_LIMIT;
	}
	memset(b, 0, sizeof(*b));
	b->table = t;
	b->most = fits > BATCH_ROWS ? BATCH_ROWS : fits;
	enum err e = check_empty(c, t);
	if (e == ERR_OK) {
		e = copy_rows(c, b);
	}
	if (e == ERR_OK) {
		e = compare_counts(c, t, b->copied);
	}
	*ret_rows = b->copied;
	return e == ERR_OK ? set_numbering(c, t) : e;
}

static enum err copy_all(struct copy *c, const struct table *tables, unsigned n,
    void (*done)(void *arg, const char *table, int64_t rows), void *arg)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; i < n && e == ERR_OK; i++) {
		int64_t rows = 0;

		e = copy_table(c, &tables[i], &rows);
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
	struct table *tables = arena_alloc(&c.arena, TABLES_MAX * sizeof(*tables));
	unsigned n = 0;
	enum err e = ERR_MEMORY;

	CHECK(is_postgres(from) != is_postgres(to));
	if (tables != NULL) {
		memset(tables, 0, TABLES_MAX * sizeof(*tables));
		e = find_tables(&c, is_postgres(from) ? to : from, tables, &n);
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
