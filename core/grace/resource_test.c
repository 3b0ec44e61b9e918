/*
 * The controller of a resource: a queue with so many workers, under an open load, with a clock that
 * the test turns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/grace/resource.h"

enum {
	MS = 1000,
	S = 1000000
};

/* Work that waits for a worker, in microseconds of it; STEP_US of the clock after each other. */
struct queue {
	struct resource r;
	int64_t now_us;
	double backlog_us;
	double job_us;
	double owed;  /* arrivals */
	double speed; /* of the worker; 1: as announced */
	uint64_t random;
	unsigned asked, let;
	double done_us, most_us;
	unsigned steps, long_steps; /* in which the wait was longer than four targets */
};

enum {
	STEP_US = MS,
	BURST_US = 100 * MS, /* the bound that admission has beside it */
};

static const struct resource_limits limits = {
	.target_us = 20 * MS, .target_max_us = 500 * MS, .target_jobs = 3
};

static void begin(struct queue *q, double job_us)
{
	memset(q, 0, sizeof(*q));
	q->job_us = job_us;
	q->speed = 1;
	q->random = 88172645463325252u;
	resource_init(&q->r, &limits, 0);
	q->now_us = 20 * (int64_t)S; /* the slow start is over */
}

static double chance(struct queue *q)
{
	q->random ^= q->random << 13;
	q->random ^= q->random >> 7;
	q->random ^= q->random << 17;
	return (double)(q->random >> 11) / 9007199254740992.0;
}

static void arrive(struct queue *q)
{
	const struct resource_seen seen = {
		.wait_us = (int64_t)q->backlog_us, .run_us = (int64_t)q->job_us, .lanes = 1
	};
	const struct level_ask ask = {
		.rank = SHED_MIDDLE, .user = (uint64_t)(chance(q) * 10000), .cost_us = q->job_us
	};

	resource_look(&q->r, &seen, q->now_us);
	q->asked++;
	if (resource_ask(&q->r, &ask) && q->backlog_us < BURST_US) {
		q->let++;
		q->backlog_us += q->job_us;
	}
}

/* So long at so many times what the worker can do. */
static void live(struct queue *q, double times, int64_t us)
{
	q->asked = q->let = 0;
	q->done_us = q->most_us = 0;
	q->steps = q->long_steps = 0;
	for (int64_t end_us = q->now_us + us; q->now_us < end_us; q->now_us += STEP_US) {
		q->owed += times * STEP_US / q->job_us * 2 * chance(q);
		for (; q->owed >= 1; q->owed -= 1) {
			arrive(q);
		}
		double done_us =
		    q->backlog_us < q->speed * STEP_US ? q->backlog_us : q->speed * STEP_US;
		q->backlog_us -= done_us;
		q->done_us += done_us;
		resource_served(&q->r, done_us);
		q->most_us = q->backlog_us > q->most_us ? q->backlog_us : q->most_us;
		q->steps++;
		q->long_steps += q->backlog_us > 4 * (double)limits.target_us;
	}
}

static void below_the_line_nobody_is_refused(void **state)
{
	static struct queue q;

	(void)state;
	begin(&q, 2 * MS);
	live(&q, 0.8, 30 * S);
	assert_int_equal(q.let, q.asked);
	assert_false(q.r.is_over);
	assert_in_range(resource_load_permille(&q.r), 600, 1000);
}

static void beyond_it_the_worker_stays_busy_and_the_wait_short(void **state)
{
	static const double times[] = { 1.2, 2, 5, 10, 50 };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		static struct queue q;
		begin(&q, 2 * MS);
		live(&q, times[i], 5 * S);
		live(&q, times[i], 20 * S);
		assert_true(q.done_us > 0.97 * 20 * S);
		assert_true(q.long_steps < q.steps / 50);
		assert_true(q.r.is_over);
		assert_true(resource_load_permille(&q.r) >= 1000);
	}
}

/* A step: from half of the line to 1.4 times it, and to ten times it. */
static void a_step_is_worked_off_soon(void **state)
{
	static const struct {
		double times;
		int64_t within_us;
	} steps[] = { { 1.4, 200 * MS }, { 10, 500 * MS } };

	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		static struct queue q;
		begin(&q, 2 * MS);
		live(&q, 0.5, 10 * S);
		live(&q, steps[i].times, 200 * MS);
		/* What the bound of admission would not have let in. */
		q.backlog_us = q.backlog_us < 100 * MS ? q.backlog_us : 100 * MS;
		live(&q, steps[i].times, steps[i].within_us - 200 * MS + 50 * MS);
		live(&q, steps[i].times, S);
		assert_true(q.most_us < 4 * (double)limits.target_us);
	}
}

/* Waits of 25 ms at a target of 5, from 10 ms behind the end of a tick on. */
static bool is_over_behind(struct resource *r, int64_t us)
{
	static const struct resource_limits loop = { .target_us = 5 * MS, .target_max_us = 5 * MS };
	const int64_t begin_us = 20 * S + 10 * MS;
	struct resource_seen seen = { .wait_us = 1 * MS, .lanes = 1 };

	resource_init(r, &loop, 0);
	for (int64_t now_us = 19 * S; now_us < begin_us; now_us += STEP_US) {
		resource_look(r, &seen, now_us);
	}
	seen.wait_us = 25 * MS;
	for (int64_t now_us = begin_us; now_us < begin_us + us; now_us += STEP_US) {
		resource_look(r, &seen, now_us);
	}
	return r->is_over;
}

static void a_wait_that_stays_long_is_seen_within_the_tick_and_a_burst_is_none(void **state)
{
	static struct resource r;
	const struct resource_seen none = { .wait_us = 0, .lanes = 1 };

	(void)state;
	assert_true(is_over_behind(&r, 55 * MS));
	assert_false(is_over_behind(&r, 40 * MS));
	for (int64_t us = 40 * MS; us < 500 * MS; us += STEP_US) {
		resource_look(&r, &none, 20 * S + 10 * MS + us);
		assert_false(r.is_over);
	}
	/* Nor is the first who comes to a loop that had been held up. */
	resource_look(&r, &(struct resource_seen){ .wait_us = 25 * MS, .lanes = 1 }, 30 * S);
	assert_false(r.is_over);
}

static void after_it_all_are_let_in_again(void **state)
{
	static struct queue q;

	(void)state;
	begin(&q, 2 * MS);
	live(&q, 10, 20 * S);
	live(&q, 0.7, S);
	live(&q, 0.7, 10 * S);
	assert_true(q.let >= q.asked * 99 / 100);
	assert_false(q.r.is_over);
}

/* A worker that does half of what was announced: the budget finds it. */
static void a_slow_worker_is_noticed(void **state)
{
	static struct queue q;

	(void)state;
	begin(&q, 2 * MS);
	q.speed = 0.5;
	live(&q, 3, 20 * S);
	live(&q, 3, 20 * S);
	assert_true(q.done_us > 0.97 * 0.5 * 20 * S);
	assert_true(q.most_us < 6 * (double)limits.target_us);
}

static void long_jobs_have_a_longer_target(void **state)
{
	static struct queue q;

	(void)state;
	begin(&q, 100 * MS);
	live(&q, 5, 10 * S);
	assert_int_equal(resource_target_us(&q.r), 300 * MS);
	live(&q, 5, 60 * (int64_t)S);
	assert_true(q.done_us > 0.97 * 60 * S);
	assert_true(q.most_us < 1000.0 * MS);
}

static void a_start_is_slow(void **state)
{
	static struct queue q;

	(void)state;
	begin(&q, 2 * MS);
	resource_init(&q.r, &limits, q.now_us);
	live(&q, 10, 3 * S);
	assert_true(q.r.u <= 0.3);
	assert_true(q.done_us > 0.95 * 3 * S - 300 * MS); /* while nothing waits all are let in */
	live(&q, 10, 12 * S);
	assert_true(q.r.u > 0.3);
}

/* More at once is less done: raises that bring nothing are taken back. */
static void raises_without_more_work_are_taken_back(void **state)
{
	static struct queue q;

	(void)state;
	begin(&q, 2 * MS);
	q.r.is_over = true;
	q.r.u = q.r.u_before = q.r.u_2 = 0.5;
	q.r.good_before = q.r.good_2 = 900 * MS;
	bool was_taken_back = false;
	double before = 0.5;
	/* Asked for much more than the budget, and always half a target of wait. */
	for (int i = 0; i < 5000; i++, q.now_us += MS) {
		q.backlog_us = 12 * MS;
		for (int k = 0; k < 5; k++) {
			arrive(&q);
		}
		resource_served(&q.r, 0.9 * MS);
		was_taken_back = was_taken_back || q.r.u < before - 0.005;
		before = q.r.u;
	}
	assert_true(was_taken_back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(below_the_line_nobody_is_refused),
		cmocka_unit_test(beyond_it_the_worker_stays_busy_and_the_wait_short),
		cmocka_unit_test(a_step_is_worked_off_soon),
		cmocka_unit_test(
		    a_wait_that_stays_long_is_seen_within_the_tick_and_a_burst_is_none),
		cmocka_unit_test(after_it_all_are_let_in_again),
		cmocka_unit_test(a_slow_worker_is_noticed),
		cmocka_unit_test(long_jobs_have_a_longer_target),
		cmocka_unit_test(a_start_is_slow),
		cmocka_unit_test(raises_without_more_work_are_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
