/*
 * Non-negative least squares: exact cases, the conditions that every solution must meet, and
 * intervals that hold the truth as often as they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "lab/nnls.h"

static void exact_rows_give_their_coefficients(void **state)
{
	static const double a[] = { 1, 0, 2, 1, 3, 0, 0, 1, 1, 4, 1, 1 };
	double y[4], x[3];

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		y[i] = 0.5 * a[3 * i] + 0 * a[3 * i + 1] + 2 * a[3 * i + 2];
	}
	assert_int_equal(nnls_solve(a, y, 4, 3, x), ERR_OK);
	assert_true(fabs(x[0] - 0.5) < 1e-9 && x[1] < 1e-9 && fabs(x[2] - 2) < 1e-9);
}

/* The free solution is (-1, 2): without the first column the best is 4 / 5. */
static void what_would_be_negative_is_nothing(void **state)
{
	static const double a[] = { 1, 1, 2, 1, 3, 1 }, y[] = { 1, 0, -1 };
	static const double zeros[] = { 0, 1, 0, 2, 0, 3 }, up[] = { 2, 4, 6 };
	double x[2];

	(void)state;
	assert_int_equal(nnls_solve(a, y, 3, 2, x), ERR_OK);
	assert_true(x[0] == 0 && fabs(x[1]) < 1e-9);
	assert_int_equal(nnls_solve(zeros, up, 3, 2, x), ERR_OK);
	assert_true(x[0] == 0 && fabs(x[1] - 2) < 1e-9);
	assert_int_equal(nnls_solve(a, y, 1, 2, x), ERR_INVALID);
	assert_int_equal(nnls_solve(a, y, 3, NNLS_COLUMNS_MAX + 1, x), ERR_LIMIT);
}

/* Kuhn and Tucker: no way down along any column, and none at all along those in use. */
static void every_solution_meets_the_conditions(void **state)
{
	enum {
		ROWS = 30,
		COLUMNS = 8
	};
	double a[ROWS * COLUMNS], y[ROWS], x[COLUMNS];

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct chance c = chance_new(round, 3);
		for (unsigned i = 0; i < ROWS * COLUMNS; i++) {
			a[i] = chance_unit(&c) < 0.3 ? 0 : chance_exponential(&c);
		}
		for (unsigned i = 0; i < ROWS; i++) {
			y[i] = stats_normal_quantile(chance_unit(&c)) * 3 + 1;
		}
		assert_int_equal(nnls_solve(a, y, ROWS, COLUMNS, x), ERR_OK);
		for (unsigned k = 0; k < COLUMNS; k++) {
			double down = 0, length = 0;
			for (unsigned i = 0; i < ROWS; i++) {
				double off = y[i];
				for (unsigned j = 0; j < COLUMNS; j++) {
					off -= a[i * COLUMNS + j] * x[j];
				}
				down += a[i * COLUMNS + k] * off;
				length += a[i * COLUMNS + k] * a[i * COLUMNS + k];
			}
			assert_true(x[k] >= 0);
			assert_true(down / sqrt(length) < 1e-7);
			assert_true(x[k] == 0 || fabs(down) / sqrt(length) < 1e-7);
		}
	}
}

/* Costs of three activities and idling, from runs of ten rows each with a noise in common. */
static void intervals_hold_the_truth(void **state)
{
	enum {
		RUNS = 24,
		EACH = 8,
		COLUMNS = 4,
		ROUNDS = 120
	};
	static const double truth[COLUMNS] = { 0.02, 0.001, 0.005, 0.0002 };
	static double a[RUNS * EACH * COLUMNS], y[RUNS * EACH];
	static unsigned group[RUNS * EACH];
	static const double along[COLUMNS] = { 1, 100, 50, 200 }; /* 0.02 + 0.1 + 0.25 + 0.04 */
	unsigned hit[COLUMNS] = { 0 }, hit_along = 0;
	struct nnls_fit fit;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct chance c = chance_new(round, 4);
		for (unsigned run = 0; run < RUNS; run++) {
			double common = 0.004 * stats_normal_quantile(chance_unit(&c));
			double weight[3] = { chance_exponential(&c), chance_exponential(&c),
				chance_exponential(&c) };
			for (unsigned i = run * EACH; i < (run + 1) * EACH; i++) {
				double *row = a + i * COLUMNS;
				row[0] = 1;
				y[i] = truth[0] + common +
				       0.004 * stats_normal_quantile(chance_unit(&c));
				for (unsigned k = 1; k < COLUMNS; k++) {
					row[k] =
					    weight[k - 1] * 100 * (0.9 + 0.2 * chance_unit(&c));
					y[i] += row[k] * truth[k];
				}
				group[i] = run;
			}
		}
		assert_int_equal(nnls_fit(a, y, (size_t)RUNS * EACH, COLUMNS, group, RUNS, along,
				     200, 0.95, round, &fit),
		    ERR_OK);
		for (unsigned k = 0; k < COLUMNS; k++) {
			hit[k] += fit.x[k].low <= truth[k] && truth[k] <= fit.x[k].high ? 1 : 0;
			assert_true(
			    fit.x[k].low <= fit.x[k].value && fit.x[k].value <= fit.x[k].high);
		}
		hit_along += fit.along.low <= 0.41 && 0.41 <= fit.along.high ? 1 : 0;
		assert_true(fit.along.high - fit.along.low < 0.02);
		assert_true(fit.r_squared > 0.99 && fit.condition > 1 && fit.condition < 20);
		assert_true(fit.residual > 0.003 && fit.residual < 0.012);
	}
	assert_true(hit_along >= ROUNDS * 87 / 100);
	for (unsigned k = 0; k < COLUMNS; k++) {
		assert_true(hit[k] >= ROUNDS * 87 / 100);
	}
}

static void columns_that_say_the_same_are_told(void **state)
{
	double a[20 * 2], y[20];
	unsigned group[20];
	struct nnls_fit fit;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		a[2 * i] = i + 1;
		a[2 * i + 1] = (i + 1) * 3 + (i % 2 == 0 ? 0.01 : 0);
		y[i] = a[2 * i] + a[2 * i + 1];
		group[i] = i;
	}
	assert_int_equal(nnls_fit(a, y, 20, 2, group, 20, NULL, 50, 0.95, 1, &fit), ERR_OK);
	assert_true(fit.condition > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_rows_give_their_coefficients),
		cmocka_unit_test(what_would_be_negative_is_nothing),
		cmocka_unit_test(every_solution_meets_the_conditions),
		cmocka_unit_test(intervals_hold_the_truth),
		cmocka_unit_test(columns_that_say_the_same_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
