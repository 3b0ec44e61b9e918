/*
 * Queries: prepared statements kept per connection, bound by name, read by column.
 *
 * A statement is prepared at its first use and found again by the address of its row. The cache is
 * bounded; when it is full the statement that was idle longest goes. A query's struct is the
 * cache's entry, so starting a query allocates nothing.
 */
#include "core/store/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/store/sql_priv.h"

static struct sql_query **bucket_of(struct sql_db *db, const struct sql_stmt *stmt)
{
	uintptr_t at = (uintptr_t)stmt / sizeof(void *);

	return &db->bucket[(at ^ (at >> 7)) % SQL_CACHE_BUCKETS];
}

static struct sql_query *cache_find(struct sql_db *db, const struct sql_stmt *stmt)
{
	struct sql_query *q = *bucket_of(db, stmt);

	while (q != NULL && q->stmt != stmt) {
		q = q->next;
	}
	return q;
}

static void cache_drop(struct sql_db *db, struct sql_query *q)
{
	struct sql_query **link = bucket_of(db, q->stmt);

	CHECK(!q->running);
	while (*link != q) {
		link = &(*link)->next;
	}
	*link = q->next;
	list_remove(&q->age);
	sqlite3_finalize(q->handle);
	free(q);
	db->n_cached--;
}

void sql_cache_free(struct sql_db *db)
{
	CHECK(db->n_running == 0);
	while (!list_is_empty(&db->idle)) {
		cache_drop(db, LIST_OF(db->idle.next, struct sql_query, age));
	}
}

static enum err compile(
    struct sql_db *db, const struct sql_stmt *stmt, sqlite3_stmt **ret, struct err_note *note)
{
	struct buf text = buf_new(SQL_MAX_TEXT);
	enum err e = ERR_OK;
	int rc;

	sql_expand(stmt->text, &text);
	CHECK(!text.failed && text.len > 0);
	errno = 0;
	rc = sqlite3_prepare_v3(
	    db->handle, text.data, (int)text.len, SQLITE_PREPARE_PERSISTENT, ret, NULL);
	if (rc != SQLITE_OK) {
		e = sql_error(db, rc, stmt->name, note);
	}
	buf_free(&text);
	return e;
}

/* Prepares stmt into the cache; NULL: not, *ret_why says why. */
static struct sql_query *cache_add(
    struct sql_db *db, const struct sql_stmt *stmt, enum err *ret_why, struct err_note *note)
{
	struct sql_query *q, **link = bucket_of(db, stmt);

	if (db->n_cached == SQL_CACHE_MAX) {
		if (list_is_empty(&db->idle)) {
			*ret_why = err_note_set(
			    note, ERR_LIMIT, "%s: too many statements run at once", stmt->name);
			return NULL;
		}
		cache_drop(db, LIST_OF(db->idle.next, struct sql_query, age));
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
	q->db = db;
	q->stmt = stmt;
	q->n_params = (unsigned)sqlite3_bind_parameter_count(q->handle);
	CHECK(q->n_params <= SQL_MAX_PARAMS);
	CHECK(sqlite3_stmt_readonly(q->handle) || (stmt->flags & SQL_WRITES) != 0);
	list_init(&q->age);
	q->next = *link;
	*link = q;
	db->n_cached++;
	return q;
}

enum err sql_begin(
    struct sql_db *db, const struct sql_stmt *stmt, struct sql_query **ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = ERR_OK;

	if ((stmt->flags & SQL_WRITES) != 0 && (db->mode == SQL_READ_ONLY || db->writes_refused)) {
		return err_note_set(
		    note, ERR_DENIED, "%s: only reading is allowed here", stmt->name);
	}
	q = cache_find(db, stmt);
	if (q == NULL) {
		q = cache_add(db, stmt, &e, note);
	}
	if (q == NULL) {
		return e;
	}
	CHECK(!q->running);
	list_remove(&q->age);
	q->running = true;
	q->note = note;
	q->bound = 0;
	q->failed = ERR_OK;
	q->stepped = q->done = false;
	q->started_us = clock_mono_us();
	db->n_running++;
	*ret = q;
	return ERR_OK;
}

/* The number of a parameter, which counts as bound from now on. */
static int parameter(struct sql_query *q, const char *name)
{
	char with_colon[SQL_MAX_NAME + 2] = ":";
	size_t len = strlen(name);
	int i;

	CHECK(q->running && !q->stepped);
	CHECK(len <= SQL_MAX_NAME);
	memcpy(with_colon + 1, name, len + 1);
	i = sqlite3_bind_parameter_index(q->handle, with_colon);
	CHECK(i > 0);
	q->bound |= UINT64_C(1) << (i - 1);
	return i;
}

static void note_bind(struct sql_query *q, int rc)
{
	if (rc != SQLITE_OK && q->failed == ERR_OK) {
		q->failed = sql_error(q->db, rc, q->stmt->name, q->note);
	}
}

void sql_bind_text(struct sql_query *q, const char *name, struct slice text)
{
	const char *bytes = text.ptr == NULL ? "" : text.ptr;

	note_bind(q, sqlite3_bind_text64(q->handle, parameter(q, name), bytes, text.len,
			 SQLITE_STATIC, SQLITE_UTF8));
}

void sql_bind_blob(struct sql_query *q, const char *name, struct slice bytes)
{
	const char *data = bytes.ptr == NULL ? "" : bytes.ptr;

	note_bind(
	    q, sqlite3_bind_blob64(q->handle, parameter(q, name), data, bytes.len, SQLITE_STATIC));
}

void sql_bind_i64(struct sql_query *q, const char *name, int64_t n)
{
	note_bind(q, sqlite3_bind_int64(q->handle, parameter(q, name), n));
}

void sql_bind_null(struct sql_query *q, const char *name)
{
	note_bind(q, sqlite3_bind_null(q->handle, parameter(q, name)));
}

static bool all_bound(const struct sql_query *q)
{
	uint64_t all =
	    q->n_params == SQL_MAX_PARAMS ? UINT64_MAX : (UINT64_C(1) << q->n_params) - 1;

	return q->bound == all;
}

enum err sql_step(struct sql_query *q)
{
	int rc;

	CHECK(q->running);
	if (q->failed != ERR_OK) {
		return q->failed;
	}
	if (q->done) {
		return ERR_END; /* SQLite would start over */
	}
	CHECK(q->stepped || all_bound(q));
	q->stepped = true;
	errno = 0;
	rc = sqlite3_step(q->handle);
	if (rc == SQLITE_ROW) {
		return ERR_OK;
	}
	q->done = true;
	if (rc != SQLITE_DONE) {
		q->failed = sql_error(q->db, rc, q->stmt->name, q->note);
		return q->failed;
	}
	return ERR_END;
}

/* A column of the current row. */
static sqlite3_stmt *row_of(const struct sql_query *q, int column)
{
	CHECK(q->stepped && !q->done);
	CHECK(column >= 0 && column < sqlite3_data_count(q->handle));
	return q->handle;
}

int64_t sql_col_i64(struct sql_query *q, int column)
{
	return sqlite3_column_int64(row_of(q, column), column);
}

struct slice sql_col_text(struct sql_query *q, int column)
{
	const unsigned char *text = sqlite3_column_text(row_of(q, column), column);

	return text == NULL
		   ? SLICE_EMPTY
		   : SLICE_OF((const void *)text, (size_t)sqlite3_column_bytes(q->handle, column));
}

struct slice sql_col_blob(struct sql_query *q, int column)
{
	const void *bytes = sqlite3_column_blob(row_of(q, column), column);

	return bytes == NULL ? SLICE_EMPTY
			     : SLICE_OF(bytes, (size_t)sqlite3_column_bytes(q->handle, column));
}

bool sql_col_is_null(struct sql_query *q, int column)
{
	return sqlite3_column_type(row_of(q, column), column) == SQLITE_NULL;
}

void sql_end(struct sql_query *q)
{
	struct sql_db *db = q->db;

	CHECK(q->running);
	sqlite3_reset(q->handle); /* repeats the error of the step, which was reported */
	sqlite3_clear_bindings(q->handle);
	db->changes =
	    q->stepped && (q->stmt->flags & SQL_WRITES) != 0 ? sqlite3_changes64(db->handle) : 0;
	q->running = false;
	q->note = NULL;
	list_push(&db->idle, &q->age);
	db->n_running--;
	if (db->observe != NULL) {
		db->observe(db->observe_arg, q->stmt, clock_mono_us() - q->started_us);
	}
}

int64_t sql_changes(const struct sql_db *db)
{
	return db->changes;
}

unsigned sql_running(const struct sql_db *db)
{
	return db->n_running;
}
