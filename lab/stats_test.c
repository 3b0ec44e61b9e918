/*
 * Statistics against values from tables and rows whose answer is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "lab/chance.h"
#include "lab/stats.h"

static double normal(struct chance *c)
{
	return stats_normal_quantile(chance_unit(c));
}

static void quantiles_are_those_of_the_tables(void **state)
{
	static const struct {
		double p, degrees, want; /* degrees 0: normal */
	} rows[] = { { 0.975, 0, 1.959964 }, { 0.995, 0, 2.575829 }, { 0.5, 0, 0 },
		{ 0.0001, 0, -3.719016 }, { 0.975, 1, 12.7062 }, { 0.975, 4, 2.776445 },
		{ 0.975, 9, 2.262157 }, { 0.95, 29, 1.699127 }, { 0.025, 9, -2.262157 },
		{ 0.995, 100, 2.625891 } };

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		double got = rows[i].degrees == 0 ? stats_normal_quantile(rows[i].p)
						  : stats_t_quantile(rows[i].p, rows[i].degrees);
		assert_true(fabs(got - rows[i].want) < 1e-3 * fmax(1, fabs(rows[i].want)));
	}
}

/* A row whose neighbours are alike (0.9): intervals from single values would be 4 times too narrow.
 */
static void batch_means_hold_the_mean_as_often_as_they_say(void **state)
{
	enum {
		ROW = 6000,
		ROUNDS = 400
	};
	static double x[ROW];
	unsigned hit = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct chance c = chance_new(round, 1);
		double last = 0, lag = 0;
		for (unsigned i = 0; i < ROW; i++) {
			last = 0.9 * last + normal(&c);
			x[i] = 7 + last;
		}
		struct estimate e = stats_batch_means(x, ROW, 25, 0.95, &lag);
		assert_true(e.low < e.value && e.value < e.high);
		hit += e.low <= 7 && 7 <= e.high ? 1 : 0;
	}
	/* 95 % of 400, and four standard deviations. */
	assert_true(hit >= 360 && hit <= 398);
}

static void the_warm_up_is_found_and_a_trend_is_no_steady_state(void **state)
{
	enum {
		ROW = 600
	};
	static double x[ROW];
	unsigned found = 0, near = 0, trends = 0;

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		struct chance c = chance_new(round, 2);
		size_t cut = 0;
		for (unsigned i = 0; i < ROW; i++) {
			x[i] = 100 - 80 * exp(-(double)i / 20) + 5 * normal(&c);
		}
		found += stats_warm_up(x, ROW, &cut) ? 1 : 0;
		near += cut >= 30 && cut <= 150 ? 1 : 0;
		for (unsigned i = 0; i < ROW; i++) {
			x[i] = (double)i + 20 * normal(&c);
		}
		trends += stats_warm_up(x, ROW, &cut) ? 1 : 0;
	}
	assert_true(found >= 90);
	assert_true(near >= 90);
	assert_int_equal(trends, 0);
	size_t cut = 9;
	assert_false(stats_warm_up(x, 10, &cut));
}

static void a_slope_and_its_error(void **state)
{
	static const double t[] = { 0, 1, 2, 3 }, x[] = { 1, 3, 5, 7 }, y[] = { 0, 1, 1, 2 };
	double error = -1;

	(void)state;
	assert_true(fabs(stats_slope(t, x, 4, &error) - 2) < 1e-12 && error < 1e-9);
	assert_true(fabs(stats_slope(t, y, 4, &error) - 0.6) < 1e-12);
	assert_true(fabs(error - 0.141421) < 1e-5);
	double row[] = { 5, 1, 4, 2, 3 };
	assert_true(stats_quantile(row, 5, 0.5) == 3 && stats_quantile(row, 5, 0.01) == 1 &&
		    stats_quantile(row, 5, 1) == 5 && stats_quantile(row, 0, 0.5) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quantiles_are_those_of_the_tables),
		cmocka_unit_test(batch_means_hold_the_mean_as_often_as_they_say),
		cmocka_unit_test(the_warm_up_is_found_and_a_trend_is_no_steady_state),
		cmocka_unit_test(a_slope_and_its_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
