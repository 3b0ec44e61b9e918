/*
 * Intervals against figures of statistical tables and textbooks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "lab/interval.h"

static void expect(double got, double want, double within)
{
	if (fabs(got - want) > within) {
		fail_msg("%.6f is not %.6f", got, want);
	}
}

static void bounds_of_tables(void **state)
{
	(void)state;
	expect(normal_bound(0.95), 1.959964, 1e-6);
	expect(normal_bound(0.99), 2.575829, 1e-6);
	expect(normal_bound(0.5), 0.674490, 1e-6);
	expect(student_bound(1, 0.95), 12.7062, 1e-3);
	expect(student_bound(2, 0.95), 4.30265, 1e-4);
	expect(student_bound(3, 0.95), 3.18245, 0.03);
	expect(student_bound(9, 0.95), 2.26216, 1e-3);
	expect(student_bound(19, 0.99), 2.86093, 1e-3);
}

/* Newcombe 1998: 56/70 against 48/80 differ by 0.2, from 0.0524 to 0.3339. */
static void shares(void **state)
{
	struct interval a = interval_share(48, 80, 0.95), b = interval_share(56, 70, 0.95);
	struct interval d = interval_difference(a, b);

	(void)state;
	expect(d.value, 0.2, 1e-9);
	expect(d.low, 0.0524, 1e-4);
	expect(d.high, 0.3339, 1e-4);
	struct interval none = interval_share(0, 100, 0.95);
	expect(none.low, 0, 0);
	expect(none.high, 0.0370, 1e-4);
	assert_false(interval_share(0, 0, 0.95).known);
}

static void quantiles_by_rank(void **state)
{
	struct hdr h = { 0 };

	(void)state;
	for (int i = 1; i <= 1000; i++) {
		hdr_record(&h, i);
	}
	/* 500 +- 1.96 sqrt(250) ranks. */
	struct interval half = interval_quantile(&h, 0.5, 0.95);
	expect(half.value, 500, 0);
	expect(half.low, 500 - 31, 1.01);
	expect(half.high, 500 + 32, 1.01);
	assert_true(half.known);
	/* Nothing lies above what would be the upper rank. */
	assert_false(interval_quantile(&h, 0.999, 0.95).known);
	hdr_fini(&h);
}

static void ratios_and_next_values(void **state)
{
	const double y[] = { 2, 4, 6, 8 }, x[] = { 1, 2, 3, 4 }, off[] = { 3, 3, 7, 7 };

	(void)state;
	struct interval exact = interval_ratio(y, x, 4, 0.95);
	assert_true(exact.known && exact.low == 2 && exact.high == 2);
	/* Residuals 1, -1, 1, -1: sqrt(4 * 4 / 3) / 10 * t(3). */
	struct interval r = interval_ratio(off, x, 4, 0.95);
	expect(r.high - r.value, sqrt(16.0 / 3) / 10 * 3.182, 0.01);
	assert_false(interval_ratio(y, x, 3, 0.95).known);
	/* 10, 12, 14: mean 12, s = 2, t(2) = 4.303. */
	const double runs[] = { 10, 12, 14 };
	struct interval next = interval_next(runs, 3, 0.95);
	expect(next.high, 12 + 4.30265 * 2 * sqrt(4.0 / 3), 1e-3);
	assert_false(interval_next(runs, 2, 0.95).known);
	struct interval a = { 100, 90, 110, true }, b = { 200, 180, 220, true };
	struct interval q = interval_quotient(a, b);
	expect(q.value, 2, 1e-9);
	assert_true(q.low > 1.7 && q.low < 1.8 && q.high > 2.25 && q.high < 2.35);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounds_of_tables),
		cmocka_unit_test(shares),
		cmocka_unit_test(quantiles_by_rank),
		cmocka_unit_test(ratios_and_next_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
