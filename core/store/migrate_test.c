/*
 * Migrations: order, once only, all or nothing, and a database from the future.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/store/sql.h"
#include "core/store/test_dir.h"

static const struct migration good[] = {
	{ 1, "CREATE TABLE a (id {{SERIAL}}, body {{BLOB}}); CREATE INDEX a_body ON a (body);" },
	{ 2, "INSERT INTO a (body) VALUES ('one'); INSERT INTO a (body) VALUES ('two')" },
	{ 3, "CREATE TABLE b (id BIGINT PRIMARY KEY)" },
};

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

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sql_close(&f->db);
	test_dir_remove(&f->dir);
	free(f);
	return 0;
}

static int64_t count(struct fixture *f, const char *text)
{
	return test_number(&f->dir, text);
}

static void test_each_runs_once_in_order(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sql_migrate(f->db, "test", good, 2, &f->note), ERR_OK);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM a"), 2);
	assert_int_equal(sql_migrate(f->db, "test", good, 3, &f->note), ERR_OK);
	assert_int_equal(sql_migrate(f->db, "test", good, 3, &f->note), ERR_OK);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM a"), 2);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM b"), 0);
	assert_int_equal(count(f, "SELECT MAX(number) FROM schema_migrations"), 3);
}

static void test_services_are_numbered_apart(void **state)
{
	static const struct migration other[] = { { 1, "CREATE TABLE c (id BIGINT)" } };
	struct fixture *f = *state;

	assert_int_equal(sql_migrate(f->db, "test", good, 3, &f->note), ERR_OK);
	assert_int_equal(sql_migrate(f->db, "other", other, 1, &f->note), ERR_OK);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM schema_migrations"), 4);
}

static void test_newer_database_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sql_migrate(f->db, "test", good, 3, &f->note), ERR_OK);
	assert_int_equal(sql_migrate(f->db, "test", good, 2, &f->note), ERR_CONFIG);
	assert_non_null(strstr(f->note.text, "newer than this program"));
	assert_non_null(strstr(f->note.text, "migration 3 of test"));
}

static void test_gap_in_the_record_is_damage(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(sql_migrate(f->db, "test", good, 3, &f->note), ERR_OK);
	assert_int_equal(
	    sql_run(f->db, "DELETE FROM schema_migrations WHERE number = 2", NULL), ERR_OK);
	assert_int_equal(sql_migrate(f->db, "test", good, 3, &f->note), ERR_CORRUPT);
}

static void test_failed_migration_leaves_nothing(void **state)
{
	static const struct migration bad[] = {
		{ 1, "CREATE TABLE a (id BIGINT)" },
		{ 2, "CREATE TABLE b (id BIGINT); INSERT INTO a VALUES (1);"
		     " INSERT INTO nowhere VALUES (1)" },
	};
	struct fixture *f = *state;

	assert_int_equal(sql_migrate(f->db, "test", bad, 2, &f->note), ERR_SYSTEM);
	assert_non_null(strstr(f->note.text, "migration test 2"));
	assert_int_equal(count(f, "SELECT COUNT(*) FROM a"), 0);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM b"), -1);
	assert_int_equal(count(f, "SELECT MAX(number) FROM schema_migrations"), 1);
}

static void test_full_disk_leaves_nothing_and_passes(void **state)
{
	static const struct migration big[] = {
		{ 1, "CREATE TABLE a (body BLOB); INSERT INTO a VALUES (zeroblob(400000))" },
	};
	struct fixture *f = *state;

	assert_int_equal(sql_run(f->db, "PRAGMA max_page_count=50", NULL), ERR_OK);
	assert_int_equal(sql_migrate(f->db, "test", big, 1, &f->note), ERR_DISK_FULL);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM a"), -1);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM schema_migrations"), 0);
	assert_int_equal(sql_run(f->db, "PRAGMA max_page_count=100000", NULL), ERR_OK);
	memset(&f->note, 0, sizeof(f->note));
	assert_int_equal(sql_migrate(f->db, "test", big, 1, &f->note), ERR_OK);
	assert_int_equal(count(f, "SELECT COUNT(*) FROM a"), 1);
}

static void test_reader_can_wait_for_migrations(void **state)
{
	struct fixture *f = *state;
	struct sql_db *reader = NULL;

	assert_int_equal(sql_open(f->dir.file, SQL_READ_ONLY, &reader, &f->note), ERR_OK);
	assert_int_equal(sql_migrated(reader, "test", 3, NULL), ERR_NOT_FOUND);
	assert_int_equal(sql_migrate(f->db, "test", good, 2, &f->note), ERR_OK);
	assert_int_equal(sql_migrated(reader, "test", 3, NULL), ERR_NOT_FOUND);
	assert_int_equal(sql_migrated(reader, "test", 2, NULL), ERR_OK);
	assert_int_equal(sql_migrate(f->db, "test", good, 3, &f->note), ERR_OK);
	assert_int_equal(sql_migrated(reader, "test", 3, NULL), ERR_OK);
	assert_int_equal(sql_migrated(reader, "other", 1, NULL), ERR_NOT_FOUND);
	sql_close(&reader);
}

static void test_check_finds_bad_numbers_and_text(void **state)
{
	static const struct migration gap[] = { { 1, "CREATE TABLE a (id BIGINT)" },
		{ 3, "CREATE TABLE b (id BIGINT)" } };
	static const struct migration blob[] = { { 1, "CREATE TABLE a (id BLOB)" } };
	static const struct migration begin[] = { { 1, "COMMIT; CREATE TABLE a (id BIGINT)" } };
	struct err_note note = { 0 };

	(void)state;
	assert_int_equal(sql_migrations_check(good, 3, &note), ERR_OK);
	assert_int_equal(sql_migrations_check(gap, 2, &note), ERR_INVALID);
	assert_int_equal(sql_migrations_check(blob, 1, NULL), ERR_INVALID);
	assert_int_equal(sql_migrations_check(begin, 1, NULL), ERR_INVALID);
}

int main(void)
{
#define IN_DB(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_DB(test_each_runs_once_in_order),
		IN_DB(test_services_are_numbered_apart),
		IN_DB(test_newer_database_is_refused),
		IN_DB(test_gap_in_the_record_is_damage),
		IN_DB(test_failed_migration_leaves_nothing),
		IN_DB(test_full_disk_leaves_nothing_and_passes),
		IN_DB(test_reader_can_wait_for_migrations),
		cmocka_unit_test(test_check_finds_bad_numbers_and_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
