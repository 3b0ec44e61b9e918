/*
 * Whose sync has begun.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "services/sync/begun.h"

static struct shared_words table;

static int set_up(void **state)
{
	(void)state;
	return shared_words_open(NULL, SYNC_BEGUN_PLACES, &table, NULL) == ERR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	shared_words_close(&table);
	shared_words_close(&table);
	return 0;
}

static void a_sync_has_begun_for_a_minute(void **state)
{
	(void)state;
	assert_false(sync_has_begun(&table, 42, 1000));
	sync_begun_note(&table, 42, 1000);
	assert_true(sync_has_begun(&table, 42, 1000));
	assert_true(sync_has_begun(&table, 42, 1000 + SYNC_BEGUN_S - 1));
	assert_false(sync_has_begun(&table, 42, 1000 + SYNC_BEGUN_S));
	assert_false(sync_has_begun(&table, 43, 1000));
	sync_begun_note(&table, 42, 1050);
	assert_true(sync_has_begun(&table, 42, 1050 + SYNC_BEGUN_S - 1));
}

static void the_smallest_and_the_largest_uid_have_places(void **state)
{
	(void)state;
	sync_begun_note(&table, 0, 5);
	sync_begun_note(&table, INT64_C(9999999999), 5);
	assert_true(sync_has_begun(&table, 0, 6));
	assert_true(sync_has_begun(&table, INT64_C(9999999999), 6));
	assert_false(sync_has_begun(&table, 1, 6));
}

/* 792 syncs a second of the largest plan, each known for a minute. */
static void as_many_as_begin_in_a_minute_are_known(void **state)
{
	const int rate = 792, seconds = 3 * SYNC_BEGUN_S;
	int known = 0;

	(void)state;
	for (int s = 0; s < seconds; s++) {
		for (int i = 0; i < rate; i++) {
			sync_begun_note(&table, (int64_t)(s * rate + i) * 13, 5000 + s);
		}
	}
	for (int s = seconds - SYNC_BEGUN_S; s < seconds; s++) {
		for (int i = 0; i < rate; i++) {
			known +=
			    sync_has_begun(&table, (int64_t)(s * rate + i) * 13, 5000 + seconds - 1)
				? 1
				: 0;
		}
	}
	assert_true(known > rate * SYNC_BEGUN_S * 8 / 10);
}

static void two_processes_share_a_table(void **state)
{
	struct shared_words one = { .n = 0 }, two = { .n = 0 };
	char path[] = "/tmp/begun-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(shared_words_open(path, SYNC_BEGUN_PLACES, &one, NULL), ERR_OK);
	assert_int_equal(shared_words_open(path, SYNC_BEGUN_PLACES, &two, NULL), ERR_OK);
	sync_begun_note(&one, 7, 100);
	assert_true(sync_has_begun(&two, 7, 101));
	shared_words_close(&one);
	shared_words_close(&two);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(close(fd), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_sync_has_begun_for_a_minute, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    the_smallest_and_the_largest_uid_have_places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    as_many_as_begin_in_a_minute_are_known, set_up, tear_down),
		cmocka_unit_test(two_processes_share_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
