/*
 * What people read on an axis.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "lab/quantity.h"

static void expect_text(enum quantity q, double value, const char *want)
{
	struct buf out = buf_new(64);

	quantity_put(q, value, &out);
	buf_append_char(&out, '\0');
	assert_string_equal(out.data, want);
	buf_free(&out);
}

static void numbers_carry_their_unit(void **state)
{
	(void)state;
	expect_text(QUANTITY_NUMBER, 0, "0");
	expect_text(QUANTITY_NUMBER, 0.25, "0.25");
	expect_text(QUANTITY_NUMBER, 5400, "5400");
	expect_text(QUANTITY_NUMBER, 20000, "20k");
	expect_text(QUANTITY_NUMBER, 1500000, "1.5M");
	expect_text(QUANTITY_NUMBER, (double)NAN, "-");
	expect_text(QUANTITY_MS, 0.5, "0.5 ms");
	expect_text(QUANTITY_MS, 20, "20 ms");
	expect_text(QUANTITY_MS, 1500, "1.5 s");
	expect_text(QUANTITY_MS, 999.999, "1 s");
	expect_text(QUANTITY_SECONDS, 45, "45 s");
	expect_text(QUANTITY_SECONDS, 60, "60 s");
	expect_text(QUANTITY_SECONDS, 90, "1.5 min");
	expect_text(QUANTITY_SECONDS, 3600, "1 h");
	expect_text(QUANTITY_MS, 11.752, "11.8 ms");
	expect_text(QUANTITY_SHARE, 0.001, "0.1 %");
	expect_text(QUANTITY_SHARE, 0.011932, "1.19 %");
	expect_text(QUANTITY_SHARE, 0.99974, "99.97 %");
	expect_text(QUANTITY_RANK, 1, "0 %");
	expect_text(QUANTITY_RANK, 2, "50 %");
	expect_text(QUANTITY_RANK, 100, "99 %");
	expect_text(QUANTITY_RANK, 200, "99.5 %");
	expect_text(QUANTITY_RANK, 1000, "99.9 %");
	expect_text(QUANTITY_BYTES, 28900000, "28.9 MB");
	expect_text(QUANTITY_MONTH, 2026 * 12 + 10, "Nov 2026");
}

static void expect_ticks(struct axis a, unsigned most, const double *want, unsigned n)
{
	double got[TICKS_MAX];

	assert_int_equal(axis_ticks(&a, most, got), n);
	for (unsigned i = 0; i < n; i++) {
		assert_true(fabs(got[i] - want[i]) <= 1e-9 * fabs(want[i]));
	}
}

static void ticks_are_round(void **state)
{
	(void)state;
	expect_ticks(
	    (struct axis){ QUANTITY_NUMBER, false, 0, 10 }, 6, (double[]){ 0, 2, 4, 6, 8, 10 }, 6);
	expect_ticks(
	    (struct axis){ QUANTITY_NUMBER, false, 0, 0.3 }, 6, (double[]){ 0, 0.1, 0.2, 0.3 }, 4);
	expect_ticks(
	    (struct axis){ QUANTITY_SECONDS, false, 0, 60 }, 6, (double[]){ 0, 15, 30, 45, 60 }, 5);
	expect_ticks((struct axis){ QUANTITY_SECONDS, false, 0, 3600 }, 5,
	    (double[]){ 0, 900, 1800, 2700, 3600 }, 5);
	expect_ticks((struct axis){ QUANTITY_MONTH, false, 24322, 24334 }, 6,
	    (double[]){ 24324, 24327, 24330, 24333 }, 4);
}

static void log_ticks_fit_the_span(void **state)
{
	(void)state;
	expect_ticks((struct axis){ QUANTITY_MS, true, 1, 10 }, 6, (double[]){ 1, 2, 5, 10 }, 4);
	expect_ticks(
	    (struct axis){ QUANTITY_MS, true, 0.5, 200 }, 6, (double[]){ 1, 3, 10, 30, 100 }, 5);
	expect_ticks((struct axis){ QUANTITY_MS, true, 0.01, 1000 }, 6,
	    (double[]){ 0.01, 0.1, 1, 10, 100, 1000 }, 6);
	expect_ticks((struct axis){ QUANTITY_MS, true, 1e-6, 1e6 }, 5,
	    (double[]){ 1e-6, 1e-3, 1, 1e3, 1e6 }, 5);
}

static void expect_axis(struct axis a, double from, double to)
{
	assert_true(fabs(a.from - from) <= 1e-9 * fabs(from));
	assert_true(fabs(a.to - to) <= 1e-9 * fabs(to));
}

static void axes_end_at_ticks(void **state)
{
	(void)state;
	expect_axis(axis_fit(QUANTITY_NUMBER, false, true, 3, 93.9), 0, 100);
	expect_axis(axis_fit(QUANTITY_NUMBER, false, false, 41, 44), 41, 44);
	expect_axis(axis_fit(QUANTITY_NUMBER, false, true, 0, 0), 0, 1);
	expect_axis(axis_fit(QUANTITY_MS, true, false, 0.7, 130), 0.5, 200);
	expect_axis(axis_fit(QUANTITY_MS, true, false, 5, 5), 2, 10);
	expect_axis(axis_fit(QUANTITY_MS, true, false, (double)INFINITY, -(double)INFINITY), 1, 10);
	expect_axis(axis_fit(QUANTITY_SECONDS, false, true, 0, 63), 0, 63);
}

static void places(void **state)
{
	const struct axis linear = { QUANTITY_NUMBER, false, 10, 20 };
	const struct axis log = { QUANTITY_NUMBER, true, 1, 100 };

	(void)state;
	assert_true(axis_place(&linear, 15) == 0.5);
	assert_true(fabs(axis_place(&log, 10) - 0.5) < 1e-12);
	assert_true(isnan(axis_place(&log, 0)));
	assert_true(isnan(axis_place(&linear, (double)NAN)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_carry_their_unit),
		cmocka_unit_test(ticks_are_round),
		cmocka_unit_test(log_ticks_fit_the_span),
		cmocka_unit_test(axes_end_at_ticks),
		cmocka_unit_test(places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
