/*
 * Admission and its meters under a clock that the test turns, and the queue model of
 * load-and-overload.md 4.4: with a bound shorter than the clients' patience the goodput stays,
 * with the old bound of 10 s it collapses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/grace/admit.h"

enum {
	MS = 1000,
	S = 1000000
};

static void a_burst_is_not_a_standing_queue(void **state)
{
	struct delay_meter m;

	(void)state;
	delay_meter_init(&m, 5 * MS, 100 * MS, 0);
	for (int64_t t = 0; t < 300 * MS; t += MS) {
		delay_meter_record(&m, t % (50 * MS) == 0 ? 0 : 80 * MS, t);
	}
	assert_false(delay_meter_is_over(&m, 300 * MS));
}

static void a_standing_queue_is_seen_after_one_interval(void **state)
{
	struct delay_meter m;

	(void)state;
	delay_meter_init(&m, 5 * MS, 100 * MS, 0);
	for (int64_t t = 0; t < 150 * MS; t += MS) {
		delay_meter_record(&m, 20 * MS + t % 7, t);
	}
	assert_true(delay_meter_is_over(&m, 150 * MS));
	assert_int_equal(delay_meter_standing_us(&m, 150 * MS), 20 * MS);
}

static void one_short_delay_ends_the_alarm(void **state)
{
	struct delay_meter m;

	(void)state;
	delay_meter_init(&m, 5 * MS, 100 * MS, 0);
	for (int64_t t = 0; t < 150 * MS; t += MS) {
		delay_meter_record(&m, 20 * MS, t);
	}
	delay_meter_record(&m, 1 * MS, 151 * MS);
	assert_false(delay_meter_is_over(&m, 152 * MS));
}

static void an_idle_interval_counts_as_no_delay(void **state)
{
	struct delay_meter m;

	(void)state;
	delay_meter_init(&m, 5 * MS, 100 * MS, 0);
	for (int64_t t = 0; t < 150 * MS; t += MS) {
		delay_meter_record(&m, 20 * MS, t);
	}
	assert_int_equal(delay_meter_standing_us(&m, 2 * S), 0);
}

static void the_cost_meter_forgets_a_wrong_guess(void **state)
{
	struct cost_meter m;

	(void)state;
	cost_meter_init(&m, 1 * S);
	for (int i = 0; i < 40; i++) {
		cost_meter_record(&m, 50 * MS);
	}
	assert_in_range(m.mean_us, 49 * MS, 60 * MS);
}

static bool admits(
    const struct grace_load *load, enum cost_class cost, enum shed_rank rank, int64_t budget_us)
{
	struct grace g;
	unsigned retry_after_s = 0;

	const struct grace_ask ask = { .cost = cost, .rank = rank, .budget_us = budget_us };

	grace_init(&g, 7, 0);
	bool yes = grace_admit(&g, load, &ask, 0, &retry_after_s);
	assert_int_equal(yes, retry_after_s == 0);
	return yes;
}

static void a_resource_that_cannot_begin_in_time_refuses(void **state)
{
	struct grace_load load = { .compute_wait_us = 1500 * MS };

	(void)state;
	assert_false(admits(&load, COST_COMPUTE, SHED_MIDDLE, 3 * S));
	assert_true(admits(&load, COST_COMPUTE, SHED_LAST, 3 * S));
	assert_false(admits(&load, COST_COMPUTE, SHED_LAST, 1 * S));
	assert_true(admits(&load, COST_READ, SHED_MIDDLE, 3 * S));
	load.store_wait_us = INT64_MAX;
	assert_false(admits(&load, COST_WRITE, SHED_LAST, 3 * S));
}

static void a_refusal_says_what_was_short(void **state)
{
	static const struct {
		struct grace_load load;
		enum cost_class cost;
		enum grace_refusal why;
	} cases[] = {
		{ { .compute_wait_us = INT64_MAX }, COST_COMPUTE, GRACE_COMPUTE },
		{ { .store_wait_us = INT64_MAX }, COST_WRITE, GRACE_STORE },
		{ { .signer_wait_us = INT64_MAX }, COST_SIGN, GRACE_SIGNER },
		{ { .loop_delay_us = 60 * S }, COST_READ, GRACE_LOOP },
		{ { .tasks = 100, .tasks_max = 100 }, COST_READ, GRACE_TASKS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct grace_ask ask = {
			.cost = cases[i].cost, .rank = SHED_MIDDLE, .budget_us = 3 * S
		};
		struct grace g;
		unsigned retry_after_s = 0;
		grace_init(&g, 7, 0);
		assert_false(grace_admit(&g, &cases[i].load, &ask, 0, &retry_after_s));
		assert_int_equal(g.refused_for, cases[i].why);
	}
}

/* Meets the controller every 10 ms for a second with a wait at compute; the last verdict. */
static bool after_a_second(struct grace *g, int64_t *now_us, int64_t wait_us, enum shed_rank rank)
{
	struct grace_load load = { .compute_wait_us = wait_us, .compute_run_us = 50 * MS };
	const struct grace_ask ask = { .cost = COST_COMPUTE, .rank = rank, .budget_us = 3 * S };
	unsigned retry_after_s = 0;
	bool yes = false;

	for (int i = 0; i < 100; i++) {
		*now_us += 10 * MS;
		yes = grace_admit(g, &load, &ask, *now_us, &retry_after_s);
	}
	return yes;
}

static void a_standing_queue_at_compute_is_held_short_until_it_was_empty(void **state)
{
	struct grace g;
	int64_t now_us = 0;

	(void)state;
	grace_init(&g, 7, 0);
	assert_true(after_a_second(&g, &now_us, 450 * MS, SHED_MIDDLE));
	assert_false(after_a_second(&g, &now_us, 800 * MS, SHED_MIDDLE));
	/* Held short: those who find less wait are let in, and the bound stays. */
	assert_true(after_a_second(&g, &now_us, 480 * MS, SHED_MIDDLE));
	assert_false(after_a_second(&g, &now_us, 700 * MS, SHED_MIDDLE));
	assert_true(after_a_second(&g, &now_us, 700 * MS, SHED_LAST));
	/* Empty for a while: a burst may wait again. */
	assert_true(after_a_second(&g, &now_us, 0, SHED_MIDDLE));
	struct grace_load burst = { .compute_wait_us = 800 * MS, .compute_run_us = 50 * MS };
	const struct grace_ask ask = {
		.cost = COST_COMPUTE, .rank = SHED_MIDDLE, .budget_us = 3 * S
	};
	unsigned retry_after_s = 0;
	assert_true(grace_admit(&g, &burst, &ask, now_us + MS, &retry_after_s));
}

static void ranks_are_cut_one_after_the_other(void **state)
{
	int refused_before = 0;

	(void)state;
	for (int64_t delay_us = MS; delay_us < 2 * S; delay_us *= 2) {
		struct grace_load load = { .loop_delay_us = delay_us };
		int refused = 0;
		for (int rank = SHED_FIRST; rank >= SHED_LAST; rank--) {
			bool yes = admits(&load, COST_MEMORY, (enum shed_rank)rank, 10 * S);
			/* Once one rank is let in, all more important ones are. */
			assert_true(yes || refused == SHED_FIRST - rank);
			refused += !yes;
		}
		assert_true(refused >= refused_before);
		refused_before = refused;
		assert_true(admits(&load, COST_HEALTH, SHED_NEVER, 10 * S));
	}
	assert_int_equal(refused_before, SHED_FIRST - SHED_LAST + 1);
}

static void the_last_tasks_are_kept_for_work_already_begun(void **state)
{
	struct grace_load load = { .tasks = 3900, .tasks_max = 4096 };

	(void)state;
	assert_false(admits(&load, COST_READ, SHED_MIDDLE, S));
	assert_true(admits(&load, COST_READ, SHED_LAST, S));
	load.tasks = 4096;
	assert_false(admits(&load, COST_READ, SHED_LAST, S));
}

static void the_longest_retry_after(struct grace *g, int refusals, unsigned *least, unsigned *most)
{
	*least = 1000;
	*most = 0;
	for (int i = 0; i < refusals; i++) {
		unsigned s = grace_retry_after_s(g, 20);
		*least = s < *least ? s : *least;
		*most = s > *most ? s : *most;
	}
}

static void retries_are_spread_as_refusals_grow(void **state)
{
	struct grace g;
	unsigned least, most;

	(void)state;
	grace_init(&g, 42, 0);
	the_longest_retry_after(&g, 200, &least, &most);
	assert_int_equal(least, 1);
	assert_int_equal(most, 1);
	the_longest_retry_after(&g, 2500, &least, &most);
	assert_int_equal(least, 1);
	assert_in_range(most, 9, 11);
	the_longest_retry_after(&g, 100000, &least, &most);
	assert_int_equal(most, 60);
}

/*
 * The event model: two workers of 100 ms a job, Poisson arrivals at twice the capacity, clients
 * give up after 3 s. A job is good when it is done within the patience. bound_us is what the
 * expected wait may be at admission.
 */
static double goodput_share(int64_t bound_us, unsigned seed)
{
	const int64_t service_us = 100 * MS, patience = 3 * S, end_us = 120 * S;
	int64_t free_at[2] = { 0, 0 };
	int64_t now_us = 0, good = 0;
	uint64_t x = seed;

	while (now_us < end_us) {
		/* Geometric gaps of 1 ms with mean 25 ms: 40 arrivals/s against 20/s of capacity.
		 */
		do {
			now_us += MS;
			x = x * 6364136223846793005u + 1442695040888963407u;
		} while ((x >> 33) % 25 != 0);
		int worker = free_at[0] <= free_at[1] ? 0 : 1;
		int64_t wait_us = free_at[worker] > now_us ? free_at[worker] - now_us : 0;
		if (wait_us > bound_us) {
			continue;
		}
		free_at[worker] = now_us + wait_us + service_us;
		good += wait_us + service_us <= patience;
	}
	return (double)good / (double)(end_us / service_us * 2);
}

static void a_bound_shorter_than_patience_keeps_the_goodput(void **state)
{
	struct grace_load load = { .compute_wait_us = 0 };
	int64_t bound_us = 0;

	(void)state;
	/* The bound under test is the one that grace_admit really applies. */
	while (admits(&load, COST_COMPUTE, SHED_MIDDLE, 60 * S)) {
		bound_us = load.compute_wait_us;
		load.compute_wait_us += 10 * MS;
	}
	assert_in_range(bound_us, 500 * MS, 2 * S);
	assert_true(goodput_share(bound_us, 1) > 0.97);
	assert_true(goodput_share(10 * (int64_t)S, 1) < 0.2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_not_a_standing_queue),
		cmocka_unit_test(a_standing_queue_is_seen_after_one_interval),
		cmocka_unit_test(one_short_delay_ends_the_alarm),
		cmocka_unit_test(an_idle_interval_counts_as_no_delay),
		cmocka_unit_test(the_cost_meter_forgets_a_wrong_guess),
		cmocka_unit_test(a_resource_that_cannot_begin_in_time_refuses),
		cmocka_unit_test(a_refusal_says_what_was_short),
		cmocka_unit_test(a_standing_queue_at_compute_is_held_short_until_it_was_empty),
		cmocka_unit_test(ranks_are_cut_one_after_the_other),
		cmocka_unit_test(the_last_tasks_are_kept_for_work_already_begun),
		cmocka_unit_test(retries_are_spread_as_refusals_grow),
		cmocka_unit_test(a_bound_shorter_than_patience_keeps_the_goodput),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
