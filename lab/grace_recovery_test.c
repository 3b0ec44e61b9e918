/*
 * Coming back after peaks, on servers in virtual time: some always do, some never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "lab/grace_recovery.h"
#include "lab/grace_response.h"
#include "lab/grace_sim.h"

static const struct grace_recovery_plan one_peak = { .calm_load = 0.7,
	.peak_load = 10,
	.base_s = 10,
	.peak_s = 10,
	.tail_s = 40,
	.peaks = 1,
	.hold_s = 5,
	.deadline_s = 3 };

static void recovery_ended(void *arg, const struct load_ended *e)
{
	grace_recovery_ended(arg, e);
}

static struct grace_recovery run(
    struct grace_sim_plan server, const struct grace_recovery_plan *plan, uint64_t seed)
{
	struct grace_recovery r;
	struct arrival_part parts[LOAD_PARTS_MAX];

	assert_int_equal(grace_recovery_init(&r, plan), ERR_OK);
	server.parts = parts;
	server.n_parts = grace_recovery_parts(&r, parts);
	grace_sim_run(&server, seed, recovery_ended, NULL, &r);
	grace_recovery_judge(&r);
	return r;
}

static void fifty_of_fifty_come_back(void **state)
{
	/* Nobody is refused at the calm load, where coming again would count as slow. */
	const struct grace_sim_plan server = { .service_s = 0.005,
		.workers = 2,
		.bound_s = 0.06,
		.patience_s = 3,
		.retries = 3,
		.pause_s = 0.2 };
	struct grace_recovery_plan plan = one_peak;

	(void)state;
	plan.peaks = 25;
	plan.peak_s = 2;
	plan.tail_s = 12;
	for (uint64_t seed = 1; seed <= 2; seed++) {
		struct grace_recovery r = run(server, &plan, seed);
		assert_int_equal(r.recovered, 25);
		assert_true(r.longest_s <= 5);
		grace_recovery_fini(&r);
	}
}

/* Refused only beyond everybody's patience: those who come again keep it full for ever. */
static void a_long_queue_never_comes_back(void **state)
{
	const struct grace_sim_plan server = { .service_s = 0.01,
		.workers = 2,
		.bound_s = 10,
		.patience_s = 3,
		.retries = 3,
		.pause_s = 0.5 };

	(void)state;
	struct grace_recovery r = run(server, &one_peak, 1);
	assert_int_equal(r.recovered, 0);
	assert_true(r.recovery_s[0] < 0);
	assert_true(r.base_p99_us > 10000 && r.base_p99_us < 200000);
	grace_recovery_fini(&r);
}

/* The same without clients who come again: as long as its queue needs to empty. */
static void a_queue_that_empties_comes_back(void **state)
{
	const struct grace_sim_plan server = {
		.service_s = 0.01, .workers = 2, .bound_s = 5, .patience_s = 10
	};
	struct grace_recovery_plan plan = one_peak;

	(void)state;
	plan.deadline_s = 10;
	struct grace_recovery r = run(server, &plan, 1);
	assert_int_equal(r.recovered, 1);
	assert_true(r.recovery_s[0] >= 14 && r.recovery_s[0] <= 21); /* 5 s / (1 - 0.7) */
	grace_recovery_fini(&r);
}

static void a_plan_that_is_too_long_is_refused(void **state)
{
	struct grace_recovery_plan plan = one_peak;
	struct grace_recovery r;

	(void)state;
	plan.peaks = GRACE_PEAKS_MAX;
	plan.tail_s = 600;
	assert_int_equal(grace_recovery_init(&r, &plan), ERR_LIMIT);
	grace_recovery_fini(&r);
}

/* ---- a jump of the load ---- */

static void response_ended(void *arg, const struct load_ended *e)
{
	grace_response_ended(arg, e);
}

static struct grace_response jump(struct grace_sim_plan server, int64_t bound_us)
{
	const struct grace_response_plan plan = { .low_load = 0.5,
		.high_load = 1.4,
		.low_s = 2,
		.high_s = 2,
		.times = 10,
		.bound_us = bound_us };
	struct grace_response r;
	struct arrival_part parts[LOAD_PARTS_MAX];

	assert_int_equal(grace_response_init(&r, &plan), ERR_OK);
	server.parts = parts;
	server.n_parts = grace_response_parts(&r, parts);
	grace_sim_run(&server, 1, response_ended, NULL, &r);
	grace_response_judge(&r);
	return r;
}

static void a_bound_answers_at_once_and_a_queue_never(void **state)
{
	struct grace_response r = jump(
	    (struct grace_sim_plan){ .service_s = 0.002, .workers = 2, .bound_s = 0.01 }, 15000);

	(void)state;
	assert_true(r.settled_ms == 0);
	assert_true(r.worst_us > 8000 && r.worst_us < 15000);
	grace_response_fini(&r);
	r = jump((struct grace_sim_plan){ .service_s = 0.002, .workers = 2 }, 15000);
	assert_true(r.settled_ms < 0);
	assert_true(r.worst_us > 300000);
	grace_response_fini(&r);
}

/* Slow for the first 150 ms behind the jump, in the second of two times only. */
static void it_is_over_behind_the_last_slow_bin(void **state)
{
	const struct grace_response_plan plan = {
		.low_load = 0.5, .high_load = 1.4, .low_s = 1, .high_s = 1, .times = 2
	};
	struct grace_response r;

	(void)state;
	assert_int_equal(grace_response_init(&r, &plan), ERR_OK);
	for (int64_t us = 0; us < 4000000; us += 1000) {
		bool slow = us >= 3000000 && us < 3150000;
		const struct load_ended e = {
			.how = RUN_DONE, .due_us = us, .took_us = slow ? 100000 : 2000
		};
		grace_response_ended(&r, &e);
	}
	grace_response_judge(&r);
	assert_in_range(r.bound_us, 3900, 4100);
	assert_true(r.settled_ms == 150);
	assert_true(fabs(r.worst_us - 51000) < 1);
	assert_int_equal(r.bins[0].due, 20);
	grace_response_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fifty_of_fifty_come_back),
		cmocka_unit_test(a_long_queue_never_comes_back),
		cmocka_unit_test(a_queue_that_empties_comes_back),
		cmocka_unit_test(a_plan_that_is_too_long_is_refused),
		cmocka_unit_test(a_bound_answers_at_once_and_a_queue_never),
		cmocka_unit_test(it_is_over_behind_the_last_slow_bin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
