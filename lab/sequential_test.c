/*
 * The sequential test against rows whose drift is known: how often it is wrong, and how long it
 * takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "lab/chance.h"
#include "lab/sequential.h"
#include "lab/stats.h"

enum {
	ROUNDS = 2000
};

/* Batches of half a second at 500 a second with the noise of Poisson arrivals. */
static enum sequential_verdict run(uint64_t seed, double drift, unsigned *ret_batches)
{
	struct chance c = chance_new(seed, 5);
	static struct sequential s;

	s = (struct sequential){ .plan = {
				     .still = 0,
				     .grows = 0.02 * 500,
				     .error = 0.005,
				     .noise_least = 1,
				     .batches_least = 6,
				 } };
	enum sequential_verdict v = SEQUENTIAL_OPEN;
	while (v == SEQUENTIAL_OPEN && s.n < 2000) {
		double noise = sqrt(250) * stats_normal_quantile(chance_unit(&c));
		sequential_add(&s, 0.5, drift * 0.5 + noise);
		v = sequential_verdict(&s);
	}
	*ret_batches += s.n;
	return v;
}

static void it_is_seldom_wrong_and_soon_sure_where_it_is_clear(void **state)
{
	static const struct {
		double share; /* of 500 a second that it grows */
		enum sequential_verdict right;
		double seconds; /* on average at most */
	} rows[] = { { 0, SEQUENTIAL_STILL, 75 }, { 0.02, SEQUENTIAL_GROWS, 75 },
		{ 0.05, SEQUENTIAL_GROWS, 22 }, { 0.5, SEQUENTIAL_GROWS, 4.5 },
		{ -0.05, SEQUENTIAL_STILL, 16 } };

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned wrong = 0, batches = 0;
		for (uint64_t seed = 0; seed < ROUNDS; seed++) {
			wrong += run(seed, rows[i].share * 500, &batches) != rows[i].right ? 1 : 0;
		}
		assert_true(wrong <= ROUNDS * 15 / 1000);
		assert_true(batches * 0.5 / ROUNDS <= rows[i].seconds);
	}
}

static void it_waits_for_its_least_batches_and_takes_no_more_than_it_can_hold(void **state)
{
	static struct sequential s = { .plan = { 0, 1, 0.01, 0.01, 8 } };

	(void)state;
	for (unsigned i = 0; i < 7; i++) {
		sequential_add(&s, 1, 100);
		assert_int_equal(sequential_verdict(&s), SEQUENTIAL_OPEN);
	}
	sequential_add(&s, 0, 100); /* nothing */
	assert_int_equal(sequential_verdict(&s), SEQUENTIAL_OPEN);
	sequential_add(&s, 1, 100);
	assert_int_equal(sequential_verdict(&s), SEQUENTIAL_GROWS);
	assert_true(sequential_drift(&s) == 100);
	for (unsigned i = 0; i < SEQUENTIAL_BATCHES_MAX; i++) {
		sequential_add(&s, 1, 0);
	}
	assert_int_equal(s.n, SEQUENTIAL_BATCHES_MAX);
}

/* What one batch takes the next one gives back: the sum is quiet, and it says so soon. */
static void a_queue_that_empties_again_is_quiet(void **state)
{
	static struct sequential s = { .plan = { 0, 5, 0.005, 0.5, 6 } };
	struct chance c = chance_new(1, 6);
	double level = 0;

	(void)state;
	while (sequential_verdict(&s) == SEQUENTIAL_OPEN && s.n < 100) {
		double next = 10 * chance_unit(&c);
		sequential_add(&s, 0.5, next - level);
		level = next;
	}
	assert_int_equal(sequential_verdict(&s), SEQUENTIAL_STILL);
	assert_true(s.n < 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_seldom_wrong_and_soon_sure_where_it_is_clear),
		cmocka_unit_test(it_waits_for_its_least_batches_and_takes_no_more_than_it_can_hold),
		cmocka_unit_test(a_queue_that_empties_again_is_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
