/*
 * Rows of a table. They come one by one from SQLite, by a cursor from PostgreSQL (so that no table
 * has to fit into memory), and go in several per INSERT.
 */
#include "core/store/copy_priv.h"

#include <stdio.h>
#include <string.h>

#include "core/base/check.h"

enum {
	TEXT_BYTES = 8192, /* of a statement made here */
	BATCH_ROWS = 16,   /* at most; parameters bound it, too */
	FETCH_ROWS = 200,
};

static void append_columns(struct buf *text, const struct copy_table *t)
{
	for (unsigned i = 0; i < t->n; i++) {
		buf_printf(text, "%s%s", i == 0 ? "" : ", ", t->columns[i].name);
	}
}

/* Statements of one table; a batch of n rows has n of the insert's row groups. */
struct rows {
	const struct copy_table *table;
	struct sql_stmt *insert[BATCH_ROWS + 1];
	struct sql_value values[BATCH_ROWS][COPY_COLUMNS_MAX];
	unsigned n, most;
	int64_t copied;
};

static struct sql_stmt *make_insert(struct copy *c, const struct copy_table *t, unsigned n_rows)
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
	struct sql_stmt *stmt = text.failed ? NULL : copy_stmt(c, text.data, SQL_WRITES);
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

static enum err read_rows(struct copy *c, struct rows *b)
{
	struct buf select = buf_new(TEXT_BYTES), declare = buf_new(TEXT_BYTES);
	char fetch[128];
	unsigned n = 0;
	bool by_cursor = copy_is_postgres(c->from);
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
	struct sql_stmt *stmt = copy_stmt(c, by_cursor ? fetch : select.data, 0);
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

enum err copy_rows(struct copy *c, const struct copy_table *t, int64_t *ret_rows)
{
	struct rows *b = arena_alloc(&c->arena, sizeof(*b));
	unsigned fits = t->n == 0 ? 0 : SQL_MAX_PARAMS / t->n;

	if (b == NULL || fits == 0) {
		return ERR_LIMIT;
	}
	memset(b, 0, sizeof(*b));
	b->table = t;
	b->most = fits > BATCH_ROWS ? BATCH_ROWS : fits;
	enum err e = read_rows(c, b);
	*ret_rows = b->copied;
	return e;
}
