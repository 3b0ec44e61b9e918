/*
 * Whose activity has begun.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/grace/begun.h"

enum {
	WITHIN_S = 60
};

static struct shared_words table;

static int set_up(void **state)
{
	(void)state;
	return shared_words_open(NULL, BEGUN_PLACES, &table, NULL) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	shared_words_close(&table);
	shared_words_close(&table);
	return 0;
}

static void who_was_seen_has_begun_for_a_while(void **state)
{
	(void)state;
	assert_false(begun_is(&table, 42, WITHIN_S, 1000));
	begun_note(&table, 42, 1000);
	assert_true(begun_is(&table, 42, WITHIN_S, 1000));
	assert_true(begun_is(&table, 42, WITHIN_S, 1000 + WITHIN_S - 1));
	assert_false(begun_is(&table, 42, WITHIN_S, 1000 + WITHIN_S));
	assert_false(begun_is(&table, 43, WITHIN_S, 1000));
	begun_note(&table, 42, 1050);
	assert_true(begun_is(&table, 42, WITHIN_S, 1050 + WITHIN_S - 1));
	/* Who asks may be stricter. */
	assert_true(begun_is(&table, 42, 10, 1059));
	assert_false(begun_is(&table, 42, 10, 1060));
}

static void the_smallest_and_the_largest_number_have_places(void **state)
{
	(void)state;
	begun_note(&table, 0, 5);
	begun_note(&table, INT64_C(9999999999), 5);
	assert_true(begun_is(&table, 0, WITHIN_S, 6));
	assert_true(begun_is(&table, INT64_C(9999999999), WITHIN_S, 6));
	assert_false(begun_is(&table, 1, WITHIN_S, 6));
}

/* 792 syncs a second of the largest plan, each known for a minute. */
static void as_many_as_begin_in_a_minute_are_known(void **state)
{
	const int rate = 792, seconds = 3 * WITHIN_S;
	int known = 0;

	(void)state;
	for (int s = 0; s < seconds; s++) {
		for (int i = 0; i < rate; i++) {
			begun_note(&table, (int64_t)(s * rate + i) * 13, 5000 + s);
		}
	}
	for (int s = seconds - WITHIN_S; s < seconds; s++) {
		for (int i = 0; i < rate; i++) {
			known += begun_is(&table, (int64_t)(s * rate + i) * 13, WITHIN_S,
				     5000 + seconds - 1)
				     ? 1
				     : 0;
		}
	}
	assert_true(known > rate * WITHIN_S * 8 / 10);
}

static void two_processes_share_a_table(void **state)
{
	struct shared_words one = { .n = 0 }, two = { .n = 0 };
	char path[] = "/tmp/begun-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(shared_words_open(path, BEGUN_PLACES, &one, NULL), ERR_OK);
	assert_int_equal(shared_words_open(path, BEGUN_PLACES, &two, NULL), ERR_OK);
	begun_note(&one, 7, 100);
	assert_true(begun_is(&two, 7, WITHIN_S, 101));
	shared_words_close(&one);
	shared_words_close(&two);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    who_was_seen_has_begun_for_a_while, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    the_smallest_and_the_largest_number_have_places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    as_many_as_begin_in_a_minute_are_known, set_up, tear_down),
		cmocka_unit_test(two_processes_share_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
