/*
 * The checks that services run over their tables of statements.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/store/sql.h"
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
static const struct sql_stmt all_items = {
	.name = "test.all_items", .text = "SELECT id FROM item ORDER BY id", .flags = SQL_SCANS
};

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

static enum err check_one(struct fixture *f, struct sql_stmt stmt)
{
	struct sql_table table = { &stmt, 1 };

	memset(&f->note, 0, sizeof(f->note));
	return sql_table_check(f->db, &table, &f->note);
}

static void test_good_table_passes(void **state)
{
	struct fixture *f = *state;
	const struct sql_stmt stmts[] = { insert_item, insert_strict, add_returning, item_by_id,
		all_items };
	struct sql_table table = { stmts, 5 };

	if (sql_table_check(f->db, &table, &f->note) != ERR_OK) {
		fail_msg("%s", f->note.text);
	}
}

static void test_scan_is_found(void **state)
{
	struct fixture *f = *state;
	struct sql_stmt stmt = { .name = "test.scan",
		.text = "SELECT id FROM item WHERE size = :s" };

	assert_int_equal(check_one(f, stmt), ERR_INVALID);
	assert_non_null(strstr(f->note.text, "test.scan: its plan has \"SCAN item"));
	stmt.text = "SELECT COUNT(*) FROM item"; /* an index scan is a scan */
	assert_int_equal(check_one(f, stmt), ERR_INVALID);
	stmt.flags = SQL_SCANS;
	assert_int_equal(check_one(f, stmt), ERR_OK);
	stmt = (struct sql_stmt){ .name = "test.update",
		.flags = SQL_WRITES,
		.text = "UPDATE item SET size = :s WHERE size = :old" };
	assert_int_equal(check_one(f, stmt), ERR_INVALID);
}

static void test_uncommon_sql_is_found(void **state)
{
	static const char *const texts[] = {
		"INSERT OR IGNORE INTO item (id) VALUES (:id)",
		"REPLACE INTO item (id) VALUES (:id)",
		"SELECT id FROM item WHERE id = ?",
		"SELECT id FROM item WHERE id = $id",
		"SELECT id FROM item WHERE rowid = :id",
		"SELECT \"id\" FROM item WHERE id = :id",
		"SELECT [id] FROM item WHERE id = :id",
		"SELECT id FROM item WHERE id == :id",
		"SELECT SUM(size) FROM item WHERE id = :id",
		"SELECT id FROM item WHERE name LIKE :id",
		"SELECT ifnull(size, 0) FROM item WHERE id = :id",
		"SELECT 'open FROM item",
		"SELECT 1; SELECT 2",
		"SELECT 1 FROM nowhere",
		"COMMIT",
	};
	struct fixture *f = *state;
	struct sql_stmt stmt = { .name = "test.uncommon" };

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		stmt.text = texts[i];
		stmt.flags = strstr(texts[i], "INTO") != NULL ? SQL_WRITES : 0;
		if (check_one(f, stmt) != ERR_INVALID) {
			fail_msg("passed: %s", texts[i]);
		}
		assert_non_null(strstr(f->note.text, "test.uncommon"));
	}
}

static void test_common_sql_that_looks_alike_passes(void **state)
{
	static const char *const texts[] = {
		"SELECT CAST(SUM(size) AS BIGINT) FROM item WHERE id = :rowid",
		"SELECT 'INSERT OR ? \"x\"' FROM item WHERE id = :like",
		"SELECT id FROM item -- not LIKE a scan\nWHERE id = :id",
		"SELECT 1",
	};
	struct fixture *f = *state;
	struct sql_stmt stmt = { .name = "test.common" };

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		stmt.text = texts[i];
		if (check_one(f, stmt) != ERR_OK) {
			fail_msg("%s: %s", texts[i], f->note.text);
		}
	}
}

static void test_flag_must_be_true(void **state)
{
	struct fixture *f = *state;
	struct sql_stmt stmt = insert_item;

	stmt.flags = 0;
	assert_int_equal(check_one(f, stmt), ERR_INVALID);
	assert_non_null(strstr(f->note.text, "SQL_WRITES is missing"));
	stmt = item_by_id;
	stmt.flags = SQL_WRITES;
	assert_int_equal(check_one(f, stmt), ERR_INVALID);
}

static void test_names_are_unique_and_formed(void **state)
{
	struct fixture *f = *state;
	const struct sql_stmt twice[] = { item_by_id, item_by_id };
	struct sql_table table = { twice, 2 };
	struct sql_stmt stmt = item_by_id;

	assert_int_equal(sql_table_check(f->db, &table, &f->note), ERR_INVALID);
	assert_non_null(strstr(f->note.text, "twice"));
	stmt.name = "NoDot";
	assert_int_equal(check_one(f, stmt), ERR_INVALID);
}

int main(void)
{
#define IN_SCHEMA(fn) cmocka_unit_test_setup_teardown(fn, set_up_schema, tear_down)
	const struct CMUnitTest tests[] = {
		IN_SCHEMA(test_good_table_passes),
		IN_SCHEMA(test_scan_is_found),
		IN_SCHEMA(test_uncommon_sql_is_found),
		IN_SCHEMA(test_common_sql_that_looks_alike_passes),
		IN_SCHEMA(test_flag_must_be_true),
		IN_SCHEMA(test_names_are_unique_and_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
