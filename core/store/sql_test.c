/*
 * The SQL layer on one connection: opening, statements, errors.
 */
#include "core/store/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/store/sqlite.h"
#include "core/store/test_dir.h"

static const struct sql_stmt insert_item = { .name = "test.insert_item",
	.text = "INSERT INTO item (id, name, data, size) VALUES (:id, :name, :data, :size)"
		" ON CONFLICT (id) DO NOTHING",
	.flags = SQL_WRITES };
static const struct sql_stmt insert_strict = { .name = "test.insert_strict",
	.text = "INSERT INTO item (id, name) VALUES (:id, :name)",
	.flags = SQL_WRITES };
static const struct sql_stmt add_returning = { .name = "test.add_returning",
	.text = "INSERT INTO counter (what) VALUES (:what) RETURNING id",
	.flags = SQL_WRITES };
static const struct sql_stmt item_by_id = { .name = "test.item_by_id",
	.text = "SELECT id, name, data, size FROM item WHERE id = :id" };

static const char schema[] = "CREATE TABLE item (id BIGINT PRIMARY KEY, name TEXT UNIQUE,"
			     " data {{BLOB}}, size INTEGER);"
			     "CREATE TABLE counter (id {{SERIAL}}, what TEXT)";

struct fixture {
	struct test_dir dir;
	struct sql_db *db;
	struct err_note note;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	test_dir_make(&f->dir);
	assert_int_equal(sql_open(f->dir.file, SQL_READ_WRITE, &f->db, &f->note), ERR_OK);
	*state = f;
	return 0;
}

static int set_up_schema(void **state)
{
	struct fixture *f;
	struct migration m = { 1, schema };

	set_up(state);
	f = *state;
	assert_int_equal(sql_migrate(f->db, "test", &m, 1, &f->note), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sql_close(&f->db);
	test_dir_remove(&f->dir);
	free(f);
	return 0;
}

static enum err put(struct fixture *f, int64_t id, const char *name, struct slice data)
{
	struct sql_query *q;
	enum err e = sql_begin(f->db, &insert_item, &q, &f->note);

	assert_int_equal(e, ERR_OK);
	sql_bind_i64(q, "id", id);
	sql_bind_text(q, "name", slice_str(name));
	sql_bind_blob(q, "data", data);
	sql_bind_null(q, "size");
	e = sql_step(q);
	sql_end(q);
	return e;
}

static int64_t pragma(struct fixture *f, const char *text)
{
	return test_number(&f->dir, text);
}

static int64_t number(struct fixture *f, const struct sql_stmt *stmt)
{
	struct sql_query *q;
	int64_t n = -1;

	assert_int_equal(sql_begin(f->db, stmt, &q, &f->note), ERR_OK);
	assert_int_equal(sql_step(q), ERR_OK);
	n = sql_col_i64(q, 0);
	sql_end(q);
	return n;
}

static void test_writer_is_durable_and_private(void **state)
{
	static const struct sql_stmt sync_level = { .name = "t.a", .text = "PRAGMA synchronous" };
	static const struct sql_stmt keys = { .name = "t.b", .text = "PRAGMA foreign_keys" };
	static const struct sql_stmt automatic = { .name = "t.c",
		.text = "PRAGMA wal_autocheckpoint" };
	struct fixture *f = *state;
	struct stat st;
	char wal[160];

	assert_int_equal(number(f, &sync_level), 2);
	assert_int_equal(number(f, &keys), 1);
	assert_int_equal(number(f, &automatic), 0);
	assert_int_equal(pragma(f, "PRAGMA application_id"), 0x504c494d);
	assert_int_equal(stat(f->dir.file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	snprintf(wal, sizeof(wal), "%s-wal", f->dir.file);
	assert_int_equal(stat(wal, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* SQLite may look at what is bound to plan again: then a statement is parsed at each use. */
static void test_a_statement_is_planned_once(void **state)
{
	static const struct sql_stmt range = { .name = "test.range",
		.text =
		    "SELECT COUNT(*) FROM item WHERE id > :low AND (size = 0 OR size > :size)" };
	struct fixture *f = *state;
	sqlite3 *handle = sqlite_handle(f->db);
	int again = 0;

	assert_int_equal(
	    sql_run(f->db, "CREATE INDEX item_size ON item (size) WHERE size > 0", NULL), ERR_OK);
	for (int64_t i = 1; i < 20; i++) {
		struct sql_query *q;
		assert_int_equal(sql_begin(f->db, &range, &q, &f->note), ERR_OK);
		sql_bind_i64(q, "low", i);
		sql_bind_i64(q, "size", 2 * i);
		assert_int_equal(sql_step(q), ERR_OK);
		sql_end(q);
	}
	for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(handle, s)) != NULL;) {
		again += sqlite3_stmt_status(s, SQLITE_STMTSTATUS_REPREPARE, 0);
	}
	assert_int_equal(again, 0);
}

static void test_wal_and_shm_stay_after_close(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char name[160];

	assert_int_equal(put(f, 1, "one", SLICE_EMPTY), ERR_END);
	sql_close(&f->db);
	snprintf(name, sizeof(name), "%s-wal", f->dir.file);
	assert_int_equal(stat(name, &st), 0);
	snprintf(name, sizeof(name), "%s-shm", f->dir.file);
	assert_int_equal(stat(name, &st), 0);
}

static void test_values_come_back(void **state)
{
	struct fixture *f = *state;
	struct sql_query *q;

	assert_int_equal(put(f, 7, "caf\xc3\xa9", SLICE_OF("\0\1\xff", 3)), ERR_END);
	assert_int_equal(sql_changes(f->db), 1);
	assert_int_equal(sql_begin(f->db, &item_by_id, &q, &f->note), ERR_OK);
	sql_bind_i64(q, "id", 7);
	assert_int_equal(sql_step(q), ERR_OK);
	assert_int_equal(sql_col_i64(q, 0), 7);
	assert_true(slice_eq(sql_col_text(q, 1), SLICE("caf\xc3\xa9")));
	assert_true(slice_eq(sql_col_blob(q, 2), SLICE_OF("\0\1\xff", 3)));
	assert_true(sql_col_is_null(q, 3));
	assert_false(sql_col_is_null(q, 2));
	assert_int_equal(sql_step(q), ERR_END);
	assert_int_equal(sql_step(q), ERR_END); /* and does not start over */
	sql_end(q);
	assert_int_equal(sql_changes(f->db), 0);
}

static void test_empty_is_not_null(void **state)
{
	struct fixture *f = *state;
	struct sql_query *q;

	assert_int_equal(put(f, 1, "", (struct slice){ NULL, 0 }), ERR_END);
	assert_int_equal(sql_begin(f->db, &item_by_id, &q, &f->note), ERR_OK);
	sql_bind_i64(q, "id", 1);
	assert_int_equal(sql_step(q), ERR_OK);
	assert_false(sql_col_is_null(q, 1));
	assert_false(sql_col_is_null(q, 2));
	assert_int_equal(sql_col_text(q, 1).len, 0);
	assert_int_equal(sql_col_blob(q, 2).len, 0);
	sql_end(q);
}

static void test_on_conflict_reports_no_change(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put(f, 1, "a", SLICE_EMPTY), ERR_END);
	assert_int_equal(put(f, 1, "b", SLICE_EMPTY), ERR_END);
	assert_int_equal(sql_changes(f->db), 0);
}

static void test_serial_and_returning(void **state)
{
	struct fixture *f = *state;
	struct sql_query *q;

	for (int64_t want = 1; want <= 3; want++) {
		assert_int_equal(sql_begin(f->db, &add_returning, &q, &f->note), ERR_OK);
		sql_bind_text(q, "what", SLICE("x"));
		assert_int_equal(sql_step(q), ERR_OK);
		assert_int_equal(sql_col_i64(q, 0), want);
		sql_end(q); /* before the end of rows: still done */
		assert_int_equal(sql_changes(f->db), 1);
	}
	assert_int_equal(pragma(f, "SELECT count(*) FROM counter"), 3);
}

static void test_broken_constraint_names_statement_not_value(void **state)
{
	struct fixture *f = *state;
	struct sql_query *q;

	assert_int_equal(put(f, 1, "secret-value", SLICE_EMPTY), ERR_END);
	assert_int_equal(sql_begin(f->db, &insert_strict, &q, &f->note), ERR_OK);
	sql_bind_i64(q, "id", 2);
	sql_bind_text(q, "name", SLICE("secret-value"));
	assert_int_equal(sql_step(q), ERR_EXISTS);
	assert_int_equal(sql_step(q), ERR_EXISTS); /* stays */
	sql_end(q);
	assert_non_null(strstr(f->note.text, "test.insert_strict"));
	assert_null(strstr(f->note.text, "secret-value"));
}

static void test_missing_table_is_an_error_not_a_crash(void **state)
{
	static const struct sql_stmt bad = { .name = "test.bad", .text = "SELECT 1 FROM nowhere" };
	struct fixture *f = *state;
	struct sql_query *q;

	assert_int_equal(sql_begin(f->db, &bad, &q, &f->note), ERR_SYSTEM);
	assert_non_null(strstr(f->note.text, "test.bad: no such table"));
}

static void test_more_statements_than_are_kept(void **state)
{
	enum {
		N = 600
	};
	struct fixture *f = *state;
	static struct sql_stmt stmts[N];
	static char texts[N][32];
	struct sql_query *q;

	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < N; i++) {
			snprintf(texts[i], sizeof(texts[i]), "SELECT %d", i);
			stmts[i] = (struct sql_stmt){ .name = "test.many", .text = texts[i] };
			assert_int_equal(sql_begin(f->db, &stmts[i], &q, &f->note), ERR_OK);
			assert_int_equal(sql_step(q), ERR_OK);
			assert_int_equal(sql_col_i64(q, 0), i);
			sql_end(q);
		}
	}
}

static void test_too_many_running_is_refused(void **state)
{
	enum {
		N = 257
	};
	struct fixture *f = *state;
	static struct sql_stmt stmts[N];
	struct sql_query *q[N];
	enum err e = ERR_OK;
	int n = 0;

	for (; n < N && e == ERR_OK; n++) {
		stmts[n] = (struct sql_stmt){ .name = "test.many", .text = "SELECT 1" };
		e = sql_begin(f->db, &stmts[n], &q[n], &f->note);
	}
	assert_int_equal(e, ERR_LIMIT);
	assert_int_equal(n, N);
	for (int i = 0; i < N - 1; i++) {
		sql_end(q[i]);
	}
}

static int64_t observed_us;
static const struct sql_stmt *observed;

static void on_query(void *arg, const struct sql_stmt *stmt, int64_t us)
{
	*(int *)arg += 1;
	observed = stmt;
	observed_us = us;
}

static void test_observer_sees_each_query(void **state)
{
	struct fixture *f = *state;
	int n = 0;

	sql_observe(f->db, on_query, &n);
	assert_int_equal(put(f, 1, "a", SLICE_EMPTY), ERR_END);
	assert_int_equal(n, 1);
	assert_ptr_equal(observed, &insert_item);
	assert_true(observed_us >= 0 && observed_us < 10 * 1000 * 1000);
}

static void test_reader_sees_commits_and_may_not_write(void **state)
{
	struct fixture *f = *state;
	struct sql_db *writer = f->db, *reader = NULL;
	struct sql_query *q;

	assert_int_equal(sql_open(f->dir.file, SQL_READ_ONLY, &reader, &f->note), ERR_OK);
	f->db = reader;
	assert_int_equal(sql_begin(reader, &insert_item, &q, &f->note), ERR_DENIED);
	memset(&f->note, 0, sizeof(f->note));
	f->db = writer;
	for (int64_t i = 1; i <= 3; i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%d", (int)i);
		assert_int_equal(put(f, i, name, SLICE_EMPTY), ERR_END);
		assert_int_equal(sql_begin(reader, &item_by_id, &q, &f->note), ERR_OK);
		sql_bind_i64(q, "id", i);
		assert_int_equal(sql_step(q), ERR_OK);
		sql_end(q);
	}
	/* What goes around the flags is refused by the connection itself. */
	assert_int_not_equal(sql_run(reader, "DELETE FROM item", NULL), ERR_OK);
	sql_close(&reader);
}

static void test_reader_before_the_store_finds_nothing(void **state)
{
	struct fixture *f = *state;
	struct sql_db *reader = NULL;
	char path[192];
	FILE *empty;

	snprintf(path, sizeof(path), "%s-absent", f->dir.file);
	assert_int_equal(sql_open(path, SQL_READ_ONLY, &reader, &f->note), ERR_NOT_FOUND);
	empty = fopen(path, "w"); /* the store has just begun to make it */
	assert_non_null(empty);
	fclose(empty);
	assert_int_equal(sql_open(path, SQL_READ_ONLY, &reader, NULL), ERR_NOT_FOUND);
	unlink(path);
}

static void write_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void test_damaged_and_foreign_files_are_refused(void **state)
{
	struct fixture *f = *state;
	struct sql_db *db = NULL;
	struct err_note note = { 0 };
	sqlite3 *other;
	char path[192];

	snprintf(path, sizeof(path), "%s/db/other", f->dir.path);
	write_file(path,
	    "This is not a database, it is only long enough to be looked at."
	    "........................................................................");
	assert_int_equal(sql_open(path, SQL_READ_WRITE, &db, &note), ERR_CORRUPT);
	assert_true(note.text[0] != '\0');
	unlink(path);
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "CREATE TABLE t (a)", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	memset(&note, 0, sizeof(note));
	assert_int_equal(sql_open(path, SQL_READ_WRITE, &db, &note), ERR_CONFIG);
	assert_non_null(strstr(note.text, "another program"));
	unlink(path);
	memset(&note, 0, sizeof(note));
	snprintf(path, sizeof(path), "%s/nowhere/plimsoll.db", f->dir.path);
	assert_int_equal(sql_open(path, SQL_READ_WRITE, &db, &note), ERR_NOT_FOUND);
	assert_non_null(strstr(note.text, "nowhere"));
}

static void test_locked_database_says_so_soon(void **state)
{
	struct fixture *f = *state;
	sqlite3 *other;

	assert_int_equal(sqlite3_open(f->dir.file, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(put(f, 1, "a", SLICE_EMPTY), ERR_LOCKED);
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	assert_int_equal(put(f, 1, "a", SLICE_EMPTY), ERR_END);
}

static void test_full_disk_is_an_error_and_passes(void **state)
{
	static char big[300000];
	struct fixture *f = *state;
	struct rlimit old, small;

	assert_int_equal(put(f, 1, "before", SLICE_EMPTY), ERR_END);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = old;
	small.rlim_cur = 200000;
	setrlimit(RLIMIT_FSIZE, &small);
	assert_int_equal(put(f, 2, "big", SLICE_OF(big, sizeof(big))), ERR_DISK_FULL);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(put(f, 2, "big", SLICE_OF(big, sizeof(big))), ERR_END);
	assert_int_equal(pragma(f, "SELECT count(*) FROM item"), 2);
}

int main(void)
{
#define IN_DB(fn)     cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
#define IN_SCHEMA(fn) cmocka_unit_test_setup_teardown(fn, set_up_schema, tear_down)
	const struct CMUnitTest tests[] = {
		IN_DB(test_writer_is_durable_and_private),
		IN_SCHEMA(test_wal_and_shm_stay_after_close),
		IN_SCHEMA(test_a_statement_is_planned_once),
		IN_SCHEMA(test_values_come_back),
		IN_SCHEMA(test_empty_is_not_null),
		IN_SCHEMA(test_on_conflict_reports_no_change),
		IN_SCHEMA(test_serial_and_returning),
		IN_SCHEMA(test_broken_constraint_names_statement_not_value),
		IN_DB(test_missing_table_is_an_error_not_a_crash),
		IN_DB(test_more_statements_than_are_kept),
		IN_DB(test_too_many_running_is_refused),
		IN_SCHEMA(test_observer_sees_each_query),
		IN_SCHEMA(test_reader_sees_commits_and_may_not_write),
		IN_DB(test_reader_before_the_store_finds_nothing),
		IN_DB(test_damaged_and_foreign_files_are_refused),
		IN_SCHEMA(test_locked_database_says_so_soon),
		IN_SCHEMA(test_full_disk_is_an_error_and_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
