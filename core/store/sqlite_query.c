/*
 * Queries: prepared statements kept per connection, bound by name, read by column.
 *
 * A statement is prepared at its first use and found again by the address of its row. The cache is
 * bounded; when it is full the statement that was idle longest goes. A query's struct is the
 * cache's entry, so starting a query allocates nothing.
 */
#include "core/store/sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"

enum {
	INDEX_WAIT_MS = 20 /* the loop waits meanwhile */
};

static struct sqlite_query *sqlite_query_of(struct sql_query *q)
{
	return (struct sqlite_query *)q;
}

static struct sqlite_db *db_of(const struct sqlite_query *q)
{
	return (struct sqlite_db *)q->base.db;
}

static struct sqlite_query **bucket_of(struct sqlite_db *db, const struct sql_stmt *stmt)
{
	uintptr_t at = (uintptr_t)stmt / sizeof(void *);

	return &db->bucket[(at ^ (at >> 7)) % SQL_CACHE_BUCKETS];
}

static struct sqlite_query *cache_find(struct sqlite_db *db, const struct sql_stmt *stmt)
{
	struct sqlite_query *q = *bucket_of(db, stmt);

	while (q != NULL && q->base.stmt != stmt) {
		q = q->next;
	}
	return q;
}

static void cache_drop(struct sqlite_db *db, struct sqlite_query *q)
{
	struct sqlite_query **link = bucket_of(db, q->base.stmt);

	CHECK(!q->base.running);
	while (*link != q) {
		link = &(*link)->next;
	}
	*link = q->next;
	list_remove(&q->age);
	sqlite3_finalize(q->handle);
	free(q);
	db->n_cached--;
}

void sqlite_cache_free(struct sqlite_db *db)
{
	CHECK(db->base.n_running == 0);
	while (!list_is_empty(&db->idle)) {
		cache_drop(db, LIST_OF(db->idle.next, struct sqlite_query, age));
	}
}

static enum err compile(
    struct sqlite_db *db, const struct sql_stmt *stmt, sqlite3_stmt **ret, struct err_note *note)
{
	struct buf text = buf_new(SQL_MAX_TEXT);
	enum err e = ERR_OK;
	int rc;

	sql_expand(stmt->text, SQL_FOR_SQLITE, &text);
	CHECK(!text.failed && text.len > 0);
	errno = 0;
	rc = sqlite3_prepare_v3(
	    db->handle, text.data, (int)text.len, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	if (rc != SQLITE_OK) {
		e = sqlite_error(db, rc, stmt->name, note);
	}
	buf_free(&text);
	return e;
}

/* Prepares stmt into the cache; NULL: not, *ret_why says why. */
static struct sqlite_query *cache_add(
    struct sqlite_db *db, const struct sql_stmt *stmt, enum err *ret_why, struct err_note *note)
{
	struct sqlite_query *q, **link = bucket_of(db, stmt);

	if (db->n_cached == SQL_CACHE_MAX) {
		if (list_is_empty(&db->idle)) {
			*ret_why = err_note_set(
			    note, ERR_LIMIT, "%s: too many statements run at once", stmt->name);
			return NULL;
		}
		cache_drop(db, LIST_OF(db->idle.next, struct sqlite_query, age));
	}
	q = calloc(1, sizeof(*q));
	if (q == NULL) {
		*ret_why = err_note_set(note, ERR_MEMORY, "%s: no memory", stmt->name);
		return NULL;
	}
	*ret_why = compile(db, stmt, &q->handle, note);
	if (*ret_why != ERR_OK) {
		free(q);
		return NULL;
	}
	q->base.db = &db->base;
	q->base.stmt = stmt;
	q->n_params = (unsigned)sqlite3_bind_parameter_count(q->handle);
	CHECK(q->n_params <= SQL_MAX_PARAMS);
	CHECK(sqlite3_stmt_readonly(q->handle) || (stmt->flags & SQL_WRITES) != 0);
	list_init(&q->age);
	q->next = *link;
	*link = q;
	db->n_cached++;
	return q;
}

static enum err begin(
    struct sql_db *base, const struct sql_stmt *stmt, struct sql_query **ret, struct err_note *note)
{
	struct sqlite_db *db = sqlite_db_of(base);
	struct sqlite_query *q = cache_find(db, stmt);
	enum err e = ERR_OK;

	if (q == NULL) {
		q = cache_add(db, stmt, &e, note);
	}
	if (q == NULL) {
		return e;
	}
	CHECK(!q->base.running);
	if (db->snapshot == SNAPSHOT_WANTED) {
		sqlite_snapshot_open(db);
	}
	list_remove(&q->age);
	q->bound = 0;
	q->failed = ERR_OK;
	q->stepped = q->done = false;
	*ret = &q->base;
	return ERR_OK;
}

/* The number of a parameter, which counts as bound from now on. */
static int parameter(struct sqlite_query *q, const char *name)
{
	char with_colon[SQL_MAX_NAME + 2] = ":";
	size_t len = strlen(name);
	int i;

	CHECK(!q->stepped);
	CHECK(len <= SQL_MAX_NAME);
	memcpy(with_colon + 1, name, len + 1);
	i = sqlite3_bind_parameter_index(q->handle, with_colon);
	CHECK(i > 0);
	q->bound |= UINT64_C(1) << (i - 1);
	return i;
}

static void note_bind(struct sqlite_query *q, int rc)
{
	if (rc != SQLITE_OK && q->failed == ERR_OK) {
		q->failed = sqlite_error(db_of(q), rc, q->base.stmt->name, q->base.note);
	}
}

static void bind(struct sql_query *base, const char *name, const struct sql_value *v)
{
	struct sqlite_query *q = sqlite_query_of(base);
	int i = parameter(q, name);
	const char *bytes = v->bytes.ptr == NULL ? "" : v->bytes.ptr;

	switch (v->kind) {
	case SQL_NULL:
		note_bind(q, sqlite3_bind_null(q->handle, i));
		break;
	case SQL_I64:
		note_bind(q, sqlite3_bind_int64(q->handle, i, v->i64));
		break;
	case SQL_TEXT:
		note_bind(q, sqlite3_bind_text64(
				 q->handle, i, bytes, v->bytes.len, SQLITE_STATIC, SQLITE_UTF8));
		break;
	case SQL_BLOB:
		note_bind(q, sqlite3_bind_blob64(q->handle, i, bytes, v->bytes.len, SQLITE_STATIC));
		break;
	}
}

static bool all_bound(const struct sqlite_query *q)
{
	uint64_t all =
	    q->n_params == SQL_MAX_PARAMS ? UINT64_MAX : (UINT64_C(1) << q->n_params) - 1;

	return q->bound == all;
}

/*
 * A store that starts or ends makes the index of the WAL anew, for a moment in which a reader that
 * may not write is told to do it itself. It waits instead, as for a lock.
 */
static int step_when_the_index_is_there(struct sqlite_query *q)
{
	bool is_first = !q->stepped && q->base.db->mode == SQL_READ_ONLY;
	int rc;

	for (int tries = 0;; tries++) {
		errno = 0;
		rc = sqlite3_step(q->handle);
		if (rc != SQLITE_READONLY_RECOVERY || !is_first || tries == INDEX_WAIT_MS) {
			return rc;
		}
		sqlite3_reset(q->handle);
		sqlite3_sleep(1); /* as its own wait for a lock does */
	}
}

static enum err step(struct sql_query *base)
{
	struct sqlite_query *q = sqlite_query_of(base);
	int rc;

	if (q->failed != ERR_OK) {
		return q->failed;
	}
	if (q->done) {
		return ERR_END; /* SQLite would start over */
	}
	CHECK(q->stepped || all_bound(q));
	rc = step_when_the_index_is_there(q);
	q->stepped = true;
	if (rc == SQLITE_ROW) {
		return ERR_OK;
	}
	q->done = true;
	if (rc != SQLITE_DONE) {
		q->failed = sqlite_error(db_of(q), rc, q->base.stmt->name, q->base.note);
		return q->failed;
	}
	return ERR_END;
}

/* A column of the current row. */
static sqlite3_stmt *row_of(struct sql_query *base, int column)
{
	const struct sqlite_query *q = sqlite_query_of(base);

	CHECK(q->stepped && !q->done);
	CHECK(column >= 0 && column < sqlite3_data_count(q->handle));
	return q->handle;
}

static int64_t col_i64(struct sql_query *q, int column)
{
	return sqlite3_column_int64(row_of(q, column), column);
}

static struct slice col_bytes(struct sql_query *q, int column, enum sql_kind kind)
{
	sqlite3_stmt *row = row_of(q, column);
	const void *bytes = kind == SQL_TEXT ? (const void *)sqlite3_column_text(row, column)
					     : sqlite3_column_blob(row, column);

	return bytes == NULL ? SLICE_EMPTY
			     : SLICE_OF(bytes, (size_t)sqlite3_column_bytes(row, column));
}

static bool col_is_null(struct sql_query *q, int column)
{
	return sqlite3_column_type(row_of(q, column), column) == SQLITE_NULL;
}

static int64_t end(struct sql_query *base)
{
	struct sqlite_query *q = sqlite_query_of(base);
	struct sqlite_db *db = db_of(q);

	sqlite3_reset(q->handle); /* repeats the error of the step, which was reported */
	sqlite3_clear_bindings(q->handle);
	list_push(&db->idle, &q->age);
	return q->stepped && (q->base.stmt->flags & SQL_WRITES) != 0 ? sqlite3_changes64(db->handle)
								     : 0;
}

const struct sql_query_ops sqlite_query_ops = {
	.begin = begin,
	.bind = bind,
	.step = step,
	.col_i64 = col_i64,
	.col_bytes = col_bytes,
	.col_is_null = col_is_null,
	.end = end,
};
