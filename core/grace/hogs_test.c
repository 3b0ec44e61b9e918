/*
 * Who is found to ask for far more than others, and how much of it is treated like theirs. Others'
 * requests are one in a tick unless said otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/grace/hogs.h"

enum {
	COST_US = 1000,
	TICKS = 300,
	HOG = 1000000,
};

static struct hogs hogs;

static int set_up(void **state)
{
	(void)state;
	hogs = (struct hogs){ 0 };
	return 0;
}

/* The share of their last requests, the least of users of that number on, n of them. */
static double ask(unsigned from, unsigned n, unsigned times)
{
	double least = 1;

	for (unsigned i = 0; i < n * times; i++) {
		double share = hogs_count(&hogs, from + i % n, COST_US);
		least = share < least ? share : least;
	}
	return least;
}

static void among_equals_there_is_none(void **state)
{
	(void)state;
	for (unsigned tick = 0; tick < TICKS; tick++) {
		assert_true(ask(1, 30, 1) >= 1);
		hogs_tick(&hogs, COST_US, 30 * COST_US);
	}
}

/* Thirty times as much as each of thirty others: his measure is about one in a tick of thirty. */
static void one_is_given_what_the_middle_one_has(void **state)
{
	double share = 1;

	(void)state;
	for (unsigned tick = 0; tick < TICKS; tick++) {
		assert_true(ask(1, 30, 1) >= 1);
		share = ask(HOG, 1, 30);
		hogs_tick(&hogs, COST_US, 40 * COST_US);
	}
	assert_true(share > 0.9 / 30 && share < 1.1 / 30);
}

static void one_is_found_beside_a_single_other(void **state)
{
	double share = 1;

	(void)state;
	for (unsigned tick = 0; tick < TICKS; tick++) {
		assert_true(ask(1, 1, 4) >= 1);
		share = ask(HOG, 1, 60);
		hogs_tick(&hogs, COST_US, 30 * COST_US);
	}
	assert_true(share > 3.6 / 60 && share < 4.4 / 60);
}

static void who_is_alone_is_none(void **state)
{
	(void)state;
	for (unsigned tick = 0; tick < TICKS; tick++) {
		assert_true(ask(HOG, 1, 100) >= 1);
		hogs_tick(&hogs, COST_US, 10 * COST_US);
	}
}

/* What those who were there have asked for lately is far more than what each of a crowd has. */
static void before_a_crowd_that_has_just_come_nobody_is(void **state)
{
	(void)state;
	for (unsigned tick = 0; tick < TICKS; tick++) {
		hogs_tick(&hogs, COST_US, 100 * COST_US);
		assert_true(ask(1, 30, 1) >= 1);
		if (tick > TICKS / 2) {
			assert_true(ask(1000 + tick * 200, 200, 1) >= 1);
		}
	}
}

/* Ten times what there is room for, by so many that users share cells of the sketch. */
static void who_shares_a_cell_by_chance_is_none(void **state)
{
	(void)state;
	for (unsigned users = 100; users <= 1600; users *= 2) {
		(void)set_up(state);
		for (unsigned tick = 0; tick < TICKS; tick++) {
			assert_true(ask(1, users, 1) >= 1);
			hogs_tick(&hogs, COST_US, users / 10.0 * COST_US);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(among_equals_there_is_none, set_up),
		cmocka_unit_test_setup(one_is_given_what_the_middle_one_has, set_up),
		cmocka_unit_test_setup(one_is_found_beside_a_single_other, set_up),
		cmocka_unit_test_setup(who_is_alone_is_none, set_up),
		cmocka_unit_test_setup(before_a_crowd_that_has_just_come_nobody_is, set_up),
		cmocka_unit_test_setup(who_shares_a_cell_by_chance_is_none, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
