/*
 * The test of gaps: it lets pass what follows its law, and finds what does not.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/gaps.h"

enum {
	RUNS = 100,
	SENDS = 10000,
};

/* How sends are late: by nothing, by what a timer costs, in batches. */
enum lateness {
	LATE_NOT,
	LATE_TIMER, /* 20 to 60 us, each by itself */
	LATE_BATCH, /* at the next whole 20 ms */
};

static struct gaps sends(enum arrival_law law, double per_second, uint64_t seed, enum lateness late)
{
	const struct arrival_plan plan = {
		.law = law, .per_second = per_second, .length_s = 60, .burst_period_s = 1
	};
	struct arrivals a = arrivals_new(&plan, seed, 1);
	struct chance c = chance_new(seed, 2);
	struct gap_stream s = gap_stream_new(&plan);
	struct gaps g = { 0 };

	for (int i = 0; i < SENDS; i++) {
		double t = (double)arrivals_next_ns(&a) / 1e9;
		t += late == LATE_TIMER ? 20e-6 + 40e-6 * chance_unit(&c) : 0;
		t = late == LATE_BATCH ? ceil(t / 0.02) * 0.02 : t;
		gap_stream_sent(&s, &g, t);
	}
	return g;
}

static void what_keeps_the_law_passes(void **state)
{
	static const double rates[] = { 10, 800, 5000, 20000 };
	int refused = 0, wrong = 0;

	(void)state;
	for (uint64_t seed = 0; seed < RUNS; seed++) {
		double rate = rates[seed % 4];
		struct gaps g = sends(ARRIVAL_POISSON, rate, seed, LATE_NOT);
		refused += gaps_anderson(&g) > 3.857; /* 1 % */
		g = sends(ARRIVAL_POISSON, rate, seed, LATE_TIMER);
		wrong += gaps_are_wrong(&g);
		g = sends(ARRIVAL_UNIFORM, 100, seed, LATE_TIMER);
		wrong += gaps_are_wrong(&g);
	}
	assert_true(refused <= 5);
	assert_int_equal(wrong, 0);
}

static void what_does_not_is_found(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		struct gaps g = sends(ARRIVAL_POISSON, 1000, seed, LATE_BATCH);
		assert_true(gaps_are_wrong(&g));
		/* Another law, called by a wrong name. */
		const struct arrival_plan plan = { .law = ARRIVAL_POISSON, .per_second = 100 };
		struct gap_stream s = gap_stream_new(&plan);
		g = (struct gaps){ 0 };
		for (int i = 0; i < 200; i++) {
			gap_stream_sent(&s, &g, i * 0.01);
		}
		assert_true(gaps_are_wrong(&g));
	}
}

static void missing_ones_and_few_are_not_judged(void **state)
{
	const struct arrival_plan plan = { .law = ARRIVAL_POISSON, .per_second = 100 };
	struct gap_stream s = gap_stream_new(&plan);
	struct gaps g = { 0 }, both = { 0 };

	(void)state;
	for (int i = 0; i < 50; i++) {
		gap_stream_sent(&s, &g, i * 0.01);
	}
	assert_int_equal(g.n, 49);
	assert_false(gaps_are_wrong(&g));
	gap_stream_missed(&s);
	gap_stream_sent(&s, &g, 5);
	assert_int_equal(g.n, 49);
	gap_stream_sent(&s, &g, 5.01);
	assert_int_equal(g.n, 50);
	gaps_merge(&both, &g);
	gaps_merge(&both, &g);
	assert_int_equal(both.n, 100);
	assert_true(gaps_are_wrong(&both));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_keeps_the_law_passes),
		cmocka_unit_test(what_does_not_is_found),
		cmocka_unit_test(missing_ones_and_few_are_not_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
