/*
 * The store role's start: tables of the services that are on, and the one line for people when the
 * database cannot be used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/role/roles.h"
#include "core/store/store.h"
#include "core/store/test_dir.h"

static const struct migration first_tables[] = {
	{ 1, "CREATE TABLE first (id BIGINT PRIMARY KEY)" },
	{ 2, "CREATE TABLE second (id BIGINT PRIMARY KEY)" },
};
static const struct migration other_tables[] = {
	{ 1, "CREATE TABLE other (id BIGINT PRIMARY KEY)" },
};
static const struct service first = {
	.name = "first", .migrations = first_tables, .n_migrations = 2
};
static const struct service first_old = {
	.name = "first", .migrations = first_tables, .n_migrations = 1
};
static const struct service other = {
	.name = "other", .migrations = other_tables, .n_migrations = 1
};

struct fixture {
	struct test_dir dir;
	struct role_ctx r;
	struct metric_schema *schema;
	void *block;
	struct err_note note;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	size_t bytes;

	test_dir_make(&f->dir);
	assert_int_equal(metric_schema_new(&f->schema), ERR_OK);
	store_metric_schema(f->schema, NULL, 0);
	bytes = metrics_block_bytes(f->schema, 1);
	f->block = metrics_block_new(f->schema, 1);
	assert_int_equal(metrics_open(f->schema, f->block, bytes, 1, 0, &f->r.env.metrics), ERR_OK);
	assert_int_equal(loop_open(16, &f->r.env.loop), ERR_OK);
	assert_int_equal(conf_new(&runtime_conf, 1, &f->r.conf), ERR_OK);
	f->r.env.conf = f->r.conf;
	f->r.env.role = ROLE_STORE;
	f->r.env.data_dir = f->dir.path;
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	rpc_server_free(&f->r.server);
	loop_close(&f->r.env.loop);
	conf_free(&f->r.conf);
	metrics_close(&f->r.env.metrics);
	metric_schema_free(&f->schema);
	free(f->block);
	test_dir_remove(&f->dir);
	free(f);
	return 0;
}

static enum err start(struct fixture *f, const struct service *const *services, size_t n)
{
	f->note = (struct err_note){ 0 };
	f->r.env.services = services;
	f->r.env.n_services = n;
	return store_role_ops.start(&f->r, &f->note);
}

static void test_starts_with_all_tables(void **state)
{
	static const struct service *const both[] = { &first, &other };
	struct fixture *f = *state;

	assert_int_equal(start(f, both, 2), ERR_OK);
	assert_non_null(f->r.server);
	assert_int_equal(store_role_ops.prepare(&f->r, &f->note), ERR_OK);
	assert_int_equal(test_number(&f->dir, "SELECT count(*) FROM second"), 0);
	assert_int_equal(test_number(&f->dir, "SELECT count(*) FROM other"), 0);
	store_role_ops.stop(&f->r);
}

static void test_newer_database_is_a_configuration_error(void **state)
{
	static const struct service *const now[] = { &first }, *const old[] = { &first_old };
	struct fixture *f = *state;

	assert_int_equal(start(f, now, 1), ERR_OK);
	store_role_ops.stop(&f->r);
	rpc_server_free(&f->r.server);
	assert_int_equal(start(f, old, 1), ERR_CONFIG);
	assert_non_null(strstr(f->note.text, "newer than this program"));
	assert_null(f->r.server);
}

static void test_damaged_database_is_named(void **state)
{
	static const struct service *const now[] = { &first };
	struct fixture *f = *state;
	FILE *out = fopen(f->dir.file, "w");

	assert_non_null(out);
	for (int i = 0; i < 1000; i++) {
		fputs("not a database ", out);
	}
	fclose(out);
	assert_int_equal(start(f, now, 1), ERR_CORRUPT);
	assert_non_null(strstr(f->note.text, f->dir.file));
}

static void test_locked_database_is_named(void **state)
{
	static const struct service *const now[] = { &first };
	struct fixture *f = *state;
	sqlite3 *holder;

	assert_int_equal(sqlite3_open(f->dir.file, &holder), SQLITE_OK);
	assert_int_equal(sqlite3_exec(holder, "BEGIN EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(start(f, now, 1), ERR_LOCKED);
	assert_non_null(strstr(f->note.text, f->dir.file));
	assert_non_null(strstr(f->note.text, "locked"));
	sqlite3_close(holder);
}

int main(void)
{
#define IN_ROLE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_ROLE(test_starts_with_all_tables),
		IN_ROLE(test_newer_database_is_a_configuration_error),
		IN_ROLE(test_damaged_database_is_named),
		IN_ROLE(test_locked_database_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
