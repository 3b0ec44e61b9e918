/*
 * Error values: every row has words and a status, errno maps, the first note wins.
 */
#include "core/base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_every_error_has_a_name_a_text_and_a_status(void **state)
{
	(void)state;
	for (enum err e = ERR_OK; e < ERR_COUNT; e++) {
		assert_true(strlen(err_name(e)) > 0);
		assert_true(strlen(err_text(e)) > 0);
		assert_in_range(
		    err_http_status(e), e == ERR_OK ? 200 : 400, e == ERR_OK ? 200 : 599);
		for (enum err other = ERR_OK; other < e; other++) {
			assert_string_not_equal(err_name(other), err_name(e));
		}
	}
	assert_int_equal(ERR_OK, 0);
}

static void test_some_rows(void **state)
{
	static const struct {
		enum err e;
		const char *name;
		int status;
	} rows[] = { { ERR_TOO_BUSY, "TOO_BUSY", 503 }, { ERR_NOT_FOUND, "NOT_FOUND", 404 },
		{ ERR_LIMIT, "LIMIT", 413 }, { ERR_SYNTAX, "SYNTAX", 400 },
		{ ERR_UNAUTHENTICATED, "UNAUTHENTICATED", 401 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(err_name(rows[i].e), rows[i].name);
		assert_int_equal(err_http_status(rows[i].e), rows[i].status);
	}
}

static void test_number_that_is_no_error_is_survived(void **state)
{
	(void)state;
	for (int n = -1; n <= 1000000; n += 1000001) {
		assert_string_equal(err_name((enum err)n), "UNKNOWN");
		assert_int_equal(err_http_status((enum err)n), 500);
	}
}

static void test_errno_values_map(void **state)
{
	static const struct {
		int sys;
		enum err want;
	} rows[] = { { ENOSPC, ERR_DISK_FULL }, { EDQUOT, ERR_DISK_FULL }, { EACCES, ERR_DENIED },
		{ EPERM, ERR_DENIED }, { ENOENT, ERR_NOT_FOUND }, { EEXIST, ERR_EXISTS },
		{ EAGAIN, ERR_AGAIN }, { ENOMEM, ERR_MEMORY }, { EMFILE, ERR_MEMORY },
		{ EIO, ERR_IO }, { EPIPE, ERR_PEER_GONE }, { ECANCELED, ERR_CANCELLED },
		{ EINVAL, ERR_SYSTEM }, { 0, ERR_SYSTEM }, { 123456, ERR_SYSTEM } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(err_from_errno(rows[i].sys), rows[i].want);
	}
}

static void test_first_note_wins_and_keeps_errno(void **state)
{
	struct err_note note = { 0 };

	(void)state;
	errno = ENOSPC;
	assert_int_equal(err_note_set(&note, ERR_DISK_FULL, "writing %s", "x"), ERR_DISK_FULL);
	errno = EIO;
	assert_int_equal(err_note_set(&note, ERR_IO, "later"), ERR_IO);
	assert_int_equal(note.code, ERR_DISK_FULL);
	assert_int_equal(note.sys, ENOSPC);
	assert_string_equal(note.text, "writing x");
}

static void test_note_may_be_null(void **state)
{
	(void)state;
	assert_int_equal(err_note_set(NULL, ERR_IO, "x"), ERR_IO);
}

static void test_long_note_is_cut(void **state)
{
	struct err_note note = { 0 };
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(err_note_set(&note, ERR_IO, "%s", text), ERR_IO);
	assert_int_equal(strlen(note.text), sizeof(note.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_error_has_a_name_a_text_and_a_status),
		cmocka_unit_test(test_some_rows),
		cmocka_unit_test(test_number_that_is_no_error_is_survived),
		cmocka_unit_test(test_errno_values_map),
		cmocka_unit_test(test_first_note_wins_and_keeps_errno),
		cmocka_unit_test(test_note_may_be_null),
		cmocka_unit_test(test_long_note_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
