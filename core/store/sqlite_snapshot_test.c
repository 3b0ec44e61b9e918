/*
 * Snapshots of a reader: one state of the database, and whether the file is mapped while others
 * write.
 */
#include "core/store/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/store/sqlite.h"
#include "core/store/test_dir.h"

enum {
	FEW = 20,
	MANY = 400
};

static const struct sql_stmt put_item = {
	.name = "test.put_item", .text = "INSERT INTO item (id) VALUES (:id)", .flags = SQL_WRITES
};
static const struct sql_stmt item_by_id = { .name = "test.item_by_id",
	.text = "SELECT id FROM item WHERE id = :id" };
static const struct migration schema = { 1, "CREATE TABLE item (id BIGINT PRIMARY KEY)" };

struct fixture {
	struct test_dir dir;
	struct sql_db *writer, *reader;
	struct err_note note;
	int64_t n; /* rows put */
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	test_dir_make(&f->dir);
	assert_int_equal(sql_open(f->dir.file, SQL_READ_WRITE, &f->writer, &f->note), ERR_OK);
	assert_int_equal(sql_migrate(f->writer, "test", &schema, 1, &f->note), ERR_OK);
	assert_int_equal(sql_open(f->dir.file, SQL_READ_ONLY, &f->reader, &f->note), ERR_OK);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sql_close(&f->reader);
	sql_close(&f->writer);
	test_dir_remove(&f->dir);
	free(f);
	return 0;
}

static void put(struct fixture *f)
{
	struct sql_query *q;

	assert_int_equal(sql_begin(f->writer, &put_item, &q, &f->note), ERR_OK);
	sql_bind_i64(q, "id", ++f->n);
	assert_int_equal(sql_finish(q), ERR_OK);
}

static bool sees(struct fixture *f, int64_t id)
{
	struct sql_query *q;

	assert_int_equal(sql_begin(f->reader, &item_by_id, &q, &f->note), ERR_OK);
	sql_bind_i64(q, "id", id);
	enum err e = sql_step(q);
	sql_end(q);
	assert_true(e == ERR_OK || e == ERR_END);
	return e == ERR_OK;
}

static void test_a_snapshot_is_one_state_from_its_first_read_on(void **state)
{
	struct fixture *f = *state;

	sql_snapshot_begin(f->reader);
	put(f);
	assert_true(sees(f, 1));
	put(f);
	assert_false(sees(f, 2));
	sql_snapshot_end(f->reader);
	assert_true(sees(f, 2));
	sql_snapshot_begin(f->reader); /* one in which nothing is read */
	sql_snapshot_end(f->reader);
	sql_snapshot_begin(f->reader);
	assert_true(sees(f, 2));
	sql_snapshot_end(f->reader);
}

static void look(struct fixture *f, unsigned times, bool with_news)
{
	for (unsigned i = 0; i < times; i++) {
		if (with_news) {
			put(f);
		}
		sql_snapshot_begin(f->reader);
		assert_true(sees(f, f->n));
		sql_snapshot_end(f->reader);
	}
}

/* The database itself, not the index of its log, lies in this process's memory. */
static bool is_mapped(const struct fixture *f)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t n = strlen(f->dir.file);
	char line[4096];
	bool ret = false;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		size_t len = strcspn(line, "\n");
		ret = ret || (len > n && strncmp(line + len - n, f->dir.file, n) == 0);
	}
	(void)fclose(maps);
	return ret;
}

static void test_a_file_is_mapped_unless_it_changes_all_the_time(void **state)
{
	struct fixture *f = *state;

	look(f, FEW, true);
	assert_int_equal(sql_run(f->writer, "PRAGMA wal_checkpoint(TRUNCATE)", &f->note), ERR_OK);
	look(f, MANY, false);
	assert_true(is_mapped(f));
	look(f, MANY, true);
	assert_false(is_mapped(f));
	look(f, MANY, false);
	assert_int_equal(sql_run(f->writer, "PRAGMA wal_checkpoint(TRUNCATE)", &f->note), ERR_OK);
	look(f, FEW, false);
	assert_true(is_mapped(f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_a_snapshot_is_one_state_from_its_first_read_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_a_file_is_mapped_unless_it_changes_all_the_time, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
