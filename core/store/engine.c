/*
 * The front of both engines: what sql.h promises whatever is behind it. Refuses writes where only
 * reading is allowed, knows which queries run, and tells how long each took; the rest is the
 * engine's.
 */
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/store/sql_priv.h"

enum err sql_begin(
    struct sql_db *db, const struct sql_stmt *stmt, struct sql_query **ret, struct err_note *note)
{
	bool may_write = db->mode == SQL_READ_WRITE && !db->writes_refused;
	struct sql_query *q = NULL;
	int64_t now_us = clock_mono_us();

	if ((stmt->flags & SQL_WRITES) != 0 && !may_write) {
		return err_note_set(
		    note, ERR_DENIED, "%s: only reading is allowed here", stmt->name);
	}
	enum err e = db->engine->query->begin(db, stmt, &q, note);
	if (e != ERR_OK) {
		return e;
	}
	*q = (struct sql_query){
		.db = db, .stmt = stmt, .note = note, .started_us = now_us, .running = true
	};
	db->n_running++;
	*ret = q;
	return ERR_OK;
}

static void bind(struct sql_query *q, const char *name, struct sql_value v)
{
	CHECK(q->running);
	q->db->engine->query->bind(q, name, &v);
}

void sql_bind_text(struct sql_query *q, const char *name, struct slice text)
{
	bind(q, name, (struct sql_value){ .kind = SQL_TEXT, .bytes = text });
}

void sql_bind_blob(struct sql_query *q, const char *name, struct slice bytes)
{
	bind(q, name, (struct sql_value){ .kind = SQL_BLOB, .bytes = bytes });
}

void sql_bind_i64(struct sql_query *q, const char *name, int64_t n)
{
	bind(q, name, (struct sql_value){ .kind = SQL_I64, .i64 = n });
}

void sql_bind_null(struct sql_query *q, const char *name)
{
	bind(q, name, (struct sql_value){ .kind = SQL_NULL });
}

enum err sql_step(struct sql_query *q)
{
	CHECK(q->running);
	return q->db->engine->query->step(q);
}

int64_t sql_col_i64(struct sql_query *q, int column)
{
	return q->db->engine->query->col_i64(q, column);
}

struct slice sql_col_text(struct sql_query *q, int column)
{
	return q->db->engine->query->col_bytes(q, column, SQL_TEXT);
}

struct slice sql_col_blob(struct sql_query *q, int column)
{
	return q->db->engine->query->col_bytes(q, column, SQL_BLOB);
}

bool sql_col_is_null(struct sql_query *q, int column)
{
	return q->db->engine->query->col_is_null(q, column);
}

void sql_end(struct sql_query *q)
{
	struct sql_db *db = q->db;
	const struct sql_stmt *stmt = q->stmt;
	int64_t started_us = q->started_us;

	CHECK(q->running);
	q->running = false;
	q->note = NULL;
	db->n_running--;
	db->changes = db->engine->query->end(q);
	if (db->observe != NULL) {
		db->observe(db->observe_arg, stmt, clock_mono_us() - started_us);
	}
}

enum err sql_finish(struct sql_query *q)
{
	enum err e = sql_step(q);

	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

enum err sql_finish_number(struct sql_query *q, int64_t *ret)
{
	enum err e = sql_step(q);

	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e;
}

static void snapshot(struct sql_db *db, bool on)
{
	if (db->engine->snapshot != NULL) {
		CHECK(db->mode == SQL_READ_ONLY && db->n_running == 0);
		db->engine->snapshot(db, on);
	}
}

void sql_snapshot_begin(struct sql_db *db)
{
	snapshot(db, true);
}

void sql_snapshot_end(struct sql_db *db)
{
	snapshot(db, false);
}

enum err sql_script(struct sql_db *db, const char *text, const char *what, struct err_note *note)
{
	return db->engine->script(db, text, what, note);
}

enum err sql_run(struct sql_db *db, const char *text, struct err_note *note)
{
	return sql_script(db, text, text, note);
}

void sql_close(struct sql_db **db)
{
	if (*db != NULL) {
		(*db)->engine->close(*db);
		*db = NULL;
	}
}

bool sql_is_there(const struct sql_db *db)
{
	return db->engine->is_there == NULL || db->engine->is_there(db);
}

int64_t sql_changes(const struct sql_db *db)
{
	return db->changes;
}

unsigned sql_running(const struct sql_db *db)
{
	return db->n_running;
}

void sql_observe(
    struct sql_db *db, void (*fn)(void *arg, const struct sql_stmt *stmt, int64_t us), void *arg)
{
	db->observe = fn;
	db->observe_arg = arg;
}

bool sql_in_txn(const struct sql_db *db)
{
	return db->engine->in_txn(db);
}

void sql_refuse_writes(struct sql_db *db, bool on)
{
	db->writes_refused = on;
}
