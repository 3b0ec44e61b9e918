/*
 * Places for those who come back: as many as are spare, in their order, and freed as time passes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/grace/comeback.h"

enum {
	S = 1000000,
	JOB_US = 100000
};

/* Two workers, half of it asked for. */
static struct comeback usual(void)
{
	struct comeback c = { 0 };

	for (int i = 0; i < 1000; i++) {
		comeback_calm(&c, 0.99999 * S, 2.0 * S);
	}
	return c;
}

static unsigned book(struct comeback *c, double offered_times, int64_t now_us)
{
	return comeback_book(c, offered_times * 2 * S, 2.0 * S, JOB_US, now_us);
}

static void places_are_given_in_the_order_of_seconds(void **state)
{
	struct comeback c = usual();

	(void)state;
	/* Half of what is spare in a second is five jobs. */
	for (unsigned i = 0; i < COMEBACK_MAX_S * 5; i++) {
		assert_int_equal(book(&c, 2, 5 * (int64_t)S), 1 + i / 5);
	}
	assert_int_equal(book(&c, 2, 5 * (int64_t)S), 0);
}

static void time_frees_places_at_the_end(void **state)
{
	struct comeback c = usual();

	(void)state;
	while (book(&c, 2, 5 * (int64_t)S) != 0) {
	}
	assert_int_equal(book(&c, 2, 6 * (int64_t)S - 1), 0);
	assert_int_equal(book(&c, 2, 8 * (int64_t)S), COMEBACK_MAX_S - 2);
	assert_int_equal(book(&c, 2, 1000 * (int64_t)S), 1);
}

static void nothing_is_spare_where_all_is_asked_for(void **state)
{
	struct comeback c = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		comeback_calm(&c, 9.0 * S, 2.0 * S);
	}
	assert_int_equal(book(&c, 1.5, 0), 0);
	/* And as the workers get fewer. */
	c = usual();
	assert_int_equal(comeback_book(&c, S, 0.9 * S, JOB_US, 0), 0);
}

/* Less than one job is spare in a second: one in so many of them. */
static void long_jobs_have_places_far_apart(void **state)
{
	struct comeback c = usual();

	(void)state;
	for (unsigned i = 1; i <= COMEBACK_MAX_S / 3; i++) {
		assert_int_equal(comeback_book(&c, 4.0 * S, 2.0 * S, 1.5 * S, 0), 3 * i);
	}
	assert_int_equal(comeback_book(&c, 4.0 * S, 2.0 * S, 1.5 * S, 0), 0);
}

static void a_flood_gets_none_and_what_it_leaves_does(void **state)
{
	struct comeback c = usual();

	(void)state;
	assert_int_equal(book(&c, 3.1, 0), 0);
	assert_int_equal(book(&c, 2.9, 0), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_are_given_in_the_order_of_seconds),
		cmocka_unit_test(time_frees_places_at_the_end),
		cmocka_unit_test(nothing_is_spare_where_all_is_asked_for),
		cmocka_unit_test(long_jobs_have_places_far_apart),
		cmocka_unit_test(a_flood_gets_none_and_what_it_leaves_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
