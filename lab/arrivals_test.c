/*
 * Schedules: their rate, their law, their shape, and that a seed repeats them.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lab/arrivals.h"

enum {
	N = 20000
};

static const double ns = 1e9;

static struct arrivals start(enum arrival_law law, enum arrival_shape shape, uint64_t seed)
{
	const struct arrival_plan plan = { .law = law,
		.shape = shape,
		.per_second = 100,
		.length_s = 60,
		.burst_period_s = 1,
		.spike = 10 };

	return arrivals_new(&plan, seed, 7);
}

static void a_seed_repeats_and_another_does_not(void **state)
{
	struct arrivals a = start(ARRIVAL_POISSON, SHAPE_FLAT, 1), b = a;
	struct arrivals other = start(ARRIVAL_POISSON, SHAPE_FLAT, 2);
	int same = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		int64_t t = arrivals_next_ns(&a);
		assert_int_equal(t, arrivals_next_ns(&b));
		same += t == arrivals_next_ns(&other);
	}
	assert_int_equal(same, 0);
}

static void every_law_keeps_the_rate(void **state)
{
	(void)state;
	for (int law = ARRIVAL_POISSON; law <= ARRIVAL_BURST; law++) {
		struct arrivals a = start((enum arrival_law)law, SHAPE_FLAT, 3);
		int64_t before = 0, t = 0;
		for (int i = 0; i < N; i++) {
			t = arrivals_next_ns(&a);
			assert_true(t >= before);
			before = t;
		}
		/* 3 standard deviations of a Poisson count. */
		assert_true(fabs((double)t / ns - N / 100.0) < 3 * sqrt(N) / 100);
	}
}

/* Anderson and Darling's statistic of n sorted values that should be uniform in (0, 1). */
static double anderson_darling(const double *u, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++) {
		sum += (2 * i + 1) * (log(u[i]) + log(1 - u[n - 1 - i]));
	}
	return -n - sum / n;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void poisson_gaps_are_exponential(void **state)
{
	static double u[N];
	int refused = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct arrivals a = start(ARRIVAL_POISSON, SHAPE_FLAT, seed);
		int64_t before = 0;
		for (int i = 0; i < N; i++) {
			int64_t t = arrivals_next_ns(&a);
			double p = 1 - exp(-(double)(t - before) / ns * 100);
			u[i] = p < 1e-12 ? 1e-12 : p > 1 - 1e-12 ? 1 - 1e-12 : p;
			before = t;
		}
		qsort(u, N, sizeof(u[0]), by_size);
		refused += anderson_darling(u, N) > 3.857; /* 1 % */
	}
	assert_true(refused <= 2);
}

static void constant_ones_are_even_and_bursts_together(void **state)
{
	struct arrivals even = start(ARRIVAL_CONSTANT, SHAPE_FLAT, 4);
	struct arrivals burst = start(ARRIVAL_BURST, SHAPE_FLAT, 4);
	int64_t first = arrivals_next_ns(&even);

	(void)state;
	assert_true(first >= 0 && first < 10000000);
	for (int i = 1; i < 1000; i++) {
		assert_true(llabs(arrivals_next_ns(&even) - first - i * 10000000LL) < 1000);
		assert_int_equal(arrivals_next_ns(&burst) % 1000000000, 0);
	}
}

/* How many come before that second. */
static int count_before(enum arrival_shape shape, double seconds)
{
	struct arrivals a = start(ARRIVAL_POISSON, shape, 5);
	int n = 0;

	while ((double)arrivals_next_ns(&a) < seconds * ns) {
		n++;
	}
	return n;
}

static void shapes_grow_as_they_say(void **state)
{
	static const double moments[] = { 3, 17, 30, 59, 61, 200 };

	(void)state;
	for (int shape = SHAPE_FLAT; shape <= SHAPE_SPIKE; shape++) {
		const struct arrival_plan plan = { .shape = (enum arrival_shape)shape,
			.per_second = 100,
			.length_s = 60,
			.spike = 10 };
		for (unsigned i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
			double want = arrivals_expected(&plan, moments[i]);
			double got = count_before((enum arrival_shape)shape, moments[i]);
			assert_true(fabs(got - want) <= 4 * sqrt(want) + 1);
		}
	}
	const struct arrival_plan ramp = { .shape = SHAPE_RAMP, .per_second = 100, .length_s = 60 };
	const struct arrival_plan spike = {
		.shape = SHAPE_SPIKE, .per_second = 100, .length_s = 60, .spike = 10
	};
	const struct arrival_plan step = { .shape = SHAPE_STEP, .per_second = 100, .length_s = 60 };
	assert_true(fabs(arrivals_expected(&ramp, 60) - 3000) < 1e-6);
	assert_true(fabs(arrivals_expected(&step, 6) - 60) < 1e-6);
	assert_true(fabs(arrivals_expected(&step, 60) - 3300) < 1e-6);
	assert_true(fabs(arrivals_expected(&spike, 24) - 2400) < 1e-6);
	assert_true(fabs(arrivals_expected(&spike, 36) - 14400) < 1e-6);
	assert_true(fabs(arrivals_expected(&spike, 70) - 17800) < 1e-6);
}

/* A day of two busy hours; three days follow each other, of which the third has an hour. */
static void days_repeat_hour_by_hour(void **state)
{
	const double day[ARRIVALS_HOURS] = { [8] = 6, [20] = 18 };
	struct arrival_plan plan = {
		.shape = SHAPE_DIURNAL, .per_second = 100, .length_s = 24, .day = day
	};
	struct arrivals a = arrivals_new(&plan, 6, 1);
	double sum = 0;
	int in_8 = 0, in_20 = 0, third = 0;

	(void)state;
	for (double t = 0; t < 60;) {
		t = (double)arrivals_next_ns(&a) / ns;
		int hour = (int)fmod(t, 24);
		assert_true(hour == 8 || hour == 20);
		in_8 += t < 48 && hour == 8;
		in_20 += t < 48 && hour == 20;
		third += t >= 48 && t < 57;
	}
	/* 600 and 1800 each day. */
	assert_true(abs(in_8 - 1200) < 4 * sqrt(1200) && abs(in_20 - 3600) < 4 * sqrt(3600));
	assert_true(abs(third - 600) < 4 * sqrt(600));
	assert_true(fabs(arrivals_expected(&plan, 48 + 8.5) - 5100) < 1e-6);
	for (int i = 0; i < ARRIVALS_HOURS; i++) {
		sum += arrivals_day[i];
	}
	assert_true(fabs(sum - ARRIVALS_HOURS) < 1e-9);
}

static void uniform_gaps_are_uniform(void **state)
{
	struct arrivals a = start(ARRIVAL_UNIFORM, SHAPE_FLAT, 8);
	static double u[N];
	int64_t before = 0;

	(void)state;
	for (int i = 0; i < N; i++) {
		int64_t t = arrivals_next_ns(&a);
		u[i] = (double)(t - before) / ns * 100 / 2;
		u[i] = u[i] < 1e-9 ? 1e-9 : u[i] > 1 - 1e-9 ? 1 - 1e-9 : u[i];
		before = t;
	}
	qsort(u, N, sizeof(u[0]), by_size);
	assert_true(anderson_darling(u, N) < 3.857);
}

static void parts_have_rates_of_their_own(void **state)
{
	static const struct arrival_part parts[] = { { 10, 1 }, { 5, 3 }, { 20, 0.1 } };
	const struct arrival_plan plan = { .law = ARRIVAL_CONSTANT,
		.shape = SHAPE_PARTS,
		.per_second = 100,
		.length_s = 35,
		.parts = parts,
		.n_parts = 3 };
	static const struct {
		double seconds;
		int count;
	} rows[] = { { 10, 1000 }, { 15, 2500 }, { 35, 2700 }, { 40, 3200 } };
	struct arrivals a = arrivals_new(&plan, 3, 1);
	int n = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		while ((double)arrivals_next_ns(&a) < rows[i].seconds * ns) {
			n++;
		}
		n++; /* the one that ended the loop */
		assert_in_range(n, rows[i].count - 1, rows[i].count + 2);
		assert_true(fabs(arrivals_expected(&plan, rows[i].seconds) - rows[i].count) < 1e-6);
	}
}

static void names(void **state)
{
	enum arrival_law law = ARRIVAL_POISSON;
	enum arrival_shape shape = SHAPE_FLAT;

	(void)state;
	assert_int_equal(arrival_law_parse(SLICE("uniform"), &law), ERR_OK);
	assert_int_equal(law, ARRIVAL_UNIFORM);
	assert_int_equal(arrival_shape_parse(SLICE("step"), &shape), ERR_OK);
	assert_int_equal(shape, SHAPE_STEP);
	assert_int_equal(arrival_shape_parse(SLICE("diurnal"), &shape), ERR_OK);
	assert_string_equal(arrival_shape_name(shape), "diurnal");
	assert_int_equal(arrival_law_parse(SLICE("replayed"), &law), ERR_INVALID);
	assert_int_equal(arrival_law_parse(SLICE("gauss"), &law), ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_repeats_and_another_does_not),
		cmocka_unit_test(every_law_keeps_the_rate),
		cmocka_unit_test(poisson_gaps_are_exponential),
		cmocka_unit_test(constant_ones_are_even_and_bursts_together),
		cmocka_unit_test(shapes_grow_as_they_say),
		cmocka_unit_test(days_repeat_hour_by_hour),
		cmocka_unit_test(uniform_gaps_are_uniform),
		cmocka_unit_test(parts_have_rates_of_their_own),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
