/*
 * Connection strings of PostgreSQL: what is wrong with one is said, never its password; what a good
 * one lets a role reach.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/store/pg.h"

static void assert_refused(const char *url, const char *why)
{
	struct pg_target *t = NULL;
	struct err_note note = { 0 };

	assert_int_equal(pg_target_new(url, "[store] url", SQL_READ_WRITE, &t, &note), ERR_CONFIG);
	if (strstr(note.text, why) == NULL || strstr(note.text, "s3cret") != NULL) {
		fail_msg("%s: %s", url, note.text);
	}
}

static void connection_strings_are_explained(void **state)
{
	struct pg_target *t = NULL;
	struct err_note note = { 0 };

	(void)state;
	assert_refused("mysql://a:s3cret@b/c", "must look like postgresql://");
	assert_refused("postgresql://a:s3cret@b/c?nonsense=1", "must look like postgresql://");
	assert_refused("postgresql://b/c", "must name user and database");
	assert_refused("postgresql://a:s3cret@b", "must name user and database");
	assert_refused("postgresql://a:s3cret@b:port/c", "not a port");
	assert_refused("postgresql://a:s3cret@b:99999/c", "not a port");
	assert_refused("postgresql://a:s3cret@b/c?passfile=/x", "passfile is not allowed");
	assert_refused("service=x user=a dbname=c", "service is not allowed");
	assert_refused("postgresql://a@/c?host=@abstract", "abstract sockets");
	assert_refused("postgresql://a@b/c?sslmode=verify-full", "needs sslrootcert");
	assert_refused(
	    "postgresql://a@b/c?sslmode=verify-full&sslrootcert=ca.pem", "absolute path");
	assert_int_equal(
	    pg_target_new("postgresql://a:s3cret@127.0.0.1:6001,127.0.0.1,[::1]:6001/c"
			  "?sslmode=verify-full&sslrootcert=/ca.pem&target_session_attrs=any",
		"[store] url", SQL_READ_WRITE, &t, &note),
	    ERR_OK);
	struct pg_reach reach = pg_target_reach(t);
	assert_int_equal(reach.n_ports, 2);
	assert_int_equal(reach.ports[0], 6001);
	assert_int_equal(reach.ports[1], 5432);
	assert_false(reach.unix_socket);
	assert_int_equal(reach.n_files, 1);
	assert_string_equal(pg_target_user(t), "a");
	assert_int_equal(pg_target_resolve(t, &note), ERR_OK);
	pg_target_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connection_strings_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
