/*
 * When an activity grew, and when nothing may be said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lab/trend.h"

static struct record run_of(double us, double half)
{
	struct record r = {
		.kind = "load", .model = "m", .machine = { .cpu = "c", .cores = 2 }, .n_costs = 1
	};

	(void)snprintf(r.costs[0].activity, sizeof(r.costs[0].activity), "visit");
	r.costs[0].us = (struct interval){ us, us - half, us + half, half > 0 };
	return r;
}

static enum trend_verdict verdict_of(const struct record *records, size_t n)
{
	const struct trend t = trend_judge(records, n);

	assert_int_equal(t.n_rows, 1);
	assert_int_equal(t.grew, t.rows[0].verdict == TREND_GREW);
	return t.rows[0].verdict;
}

static void two_runs_by_their_intervals(void **state)
{
	struct record r[2] = { run_of(100, 5), run_of(104, 5) };

	(void)state;
	assert_int_equal(verdict_of(r, 1), TREND_UNKNOWN);
	assert_int_equal(verdict_of(r, 2), TREND_SAME);
	r[1] = run_of(120, 5);
	assert_int_equal(verdict_of(r, 2), TREND_GREW);
	r[1] = run_of(80, 5);
	assert_int_equal(verdict_of(r, 2), TREND_SHRANK);
	r[1] = run_of(120, 0);
	assert_int_equal(verdict_of(r, 2), TREND_UNKNOWN);
}

/* 98, 100, 102: one more is expected in 100 +- 4.303 * 2 * sqrt(4/3) = 9.94. */
static void more_runs_by_how_they_scatter(void **state)
{
	struct record r[4] = { run_of(98, 0), run_of(100, 0), run_of(102, 0), run_of(109, 0) };

	(void)state;
	assert_int_equal(verdict_of(r, 4), TREND_SAME);
	r[3] = run_of(111, 0);
	assert_int_equal(verdict_of(r, 4), TREND_GREW);
	/* So unsure that it may be as before. */
	r[3] = run_of(111, 15);
	assert_int_equal(verdict_of(r, 4), TREND_SAME);
	r[3] = run_of(80, 3);
	assert_int_equal(verdict_of(r, 4), TREND_SHRANK);
}

static void only_what_may_be_compared(void **state)
{
	struct record r[4] = { run_of(100, 5), run_of(10, 1), run_of(10, 1), run_of(104, 5) };

	(void)state;
	r[1].machine.cores = 4;
	r[2].is_void = true;
	struct trend t = trend_judge(r, 4);
	assert_int_equal(t.n_like, 2);
	assert_int_equal(t.rows[0].verdict, TREND_SAME);
	/* A void run at the end is not the newest. */
	r[3].is_void = true;
	t = trend_judge(r, 4);
	assert_ptr_equal(t.newest, &r[1]);
	assert_null(trend_judge(r + 2, 1).newest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_runs_by_their_intervals),
		cmocka_unit_test(more_runs_by_how_they_scatter),
		cmocka_unit_test(only_what_may_be_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
