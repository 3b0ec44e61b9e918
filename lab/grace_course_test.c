/*
 * The goodput curve: what counts of a step, and what it says of servers in virtual time whose
 * answer to too much work is known (load-and-overload.md 4.4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "lab/grace_sim.h"
#include "lab/grace_course.h"

static const struct grace_course_plan usual = { .loads = { 0.5, 0.8, 1, 2, 5, 10 },
	.n_loads = 6,
	.settle_s = 4,
	.step_s = 6,
	.deadline_s = 3,
	.users = 100 };

static void ended(void *arg, const struct load_ended *e)
{
	grace_course_ended(arg, e);
}

static void refusal(void *arg, int64_t at_us, int64_t took_us)
{
	grace_course_refusal(arg, (double)at_us / 1e6, took_us);
}

static struct grace_course run(struct grace_sim_plan server, uint64_t seed)
{
	struct grace_course c;
	struct arrival_part parts[GRACE_STEPS_MAX];

	assert_int_equal(grace_course_init(&c, &usual), ERR_OK);
	grace_course_parts(&c, parts);
	server.parts = parts;
	server.n_parts = c.n_steps;
	grace_sim_run(&server, seed, ended, refusal, &c);
	grace_course_judge(&c);
	return c;
}

static double share(const struct grace_course *c, double load, bool down)
{
	for (unsigned i = 0; i < c->n_steps; i++) {
		const struct grace_step *s = &c->steps[i];
		if (s->load == load && s->down == down) {
			return grace_step_rate(s, s->all.good) / c->peak;
		}
	}
	fail();
	return 0;
}

static void a_short_bound_keeps_its_goodput(void **state)
{
	const struct grace_sim_plan server = {
		.service_s = 0.01, .workers = 2, .bound_s = 0.2, .patience_s = 3
	};

	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct grace_course c = run(server, seed);
		assert_true(c.peak > 190 && c.peak < 205);
		assert_true(share(&c, 2, false) > 0.97 && share(&c, 10, false) > 0.97);
		assert_true(share(&c, 5, true) > 0.97 && share(&c, 0.5, true) > 0.4);
		assert_true(c.hysteresis_area < 0.02);
		const struct grace_step *top = &c.steps[usual.n_loads - 1];
		assert_true(hdr_quantile_us(&top->served, 0.99) < 230000);
		assert_int_equal(hdr_quantile_us(&top->refused, 0.99), 500);
		assert_true(top->all.refused == top->refused.count);
		assert_true(top->fairness.known && top->fairness.even > 0.9);
		assert_true(top->fairness.jain > top->fairness.even - 0.05);
		grace_course_fini(&c);
	}
}

/* Nobody waits so long: the formula of the old service, and no bound at all. */
static void a_bound_beyond_patience_is_none(void **state)
{
	const double bounds[] = { 10, 0 };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct grace_course c = run(
		    (struct grace_sim_plan){
			.service_s = 0.01, .workers = 2, .bound_s = bounds[i], .patience_s = 3 },
		    1);
		assert_true(share(&c, 1, false) > 0.9);
		assert_true(share(&c, 5, false) < 0.02 && share(&c, 10, false) < 0.02);
		assert_true(c.hysteresis_area > 0.05);
		grace_course_fini(&c);
	}
}

static void a_server_that_limps_afterwards_shows(void **state)
{
	struct grace_course c = run(
	    (struct grace_sim_plan){
		.service_s = 0.01, .workers = 2, .bound_s = 0.2, .patience_s = 3, .limp_s = 0.19 },
	    1);

	(void)state;
	assert_true(share(&c, 1, true) < 0.6);
	assert_true(c.hysteresis_area > 0.05);
	grace_course_fini(&c);
}

static struct load_ended one(double due_s, enum load_outcome how, double slowest_s)
{
	return (struct load_ended){ .how = how,
		.due_us = (int64_t)(due_s * 1e6),
		.took_us = (int64_t)(slowest_s * 2e6),
		.slowest_us = (int64_t)(slowest_s * 1e6),
		.admitted = slowest_s > 0 };
}

static void each_counts_where_it_was_due(void **state)
{
	const struct load_ended rows[] = {
		one(3.9, RUN_DONE, 0.1),  /* still settling */
		one(4.1, RUN_DONE, 2.9),  /* in time in each step, if not as a whole */
		one(4.2, RUN_DONE, 3.1),  /* not in time */
		one(9.9, RUN_REFUSED, 0), /* */
		one(9.9, RUN_FAILED, 1),  /* let in, and not finished */
		one(9.9, RUN_GAVE_UP, 0), /* */
		one(9.9, RUN_ABORTED, 0), /* */
		one(9.9, RUN_MISSED, 0),  /* */
		one(10.1, RUN_DONE, 0.1), /* the next one settles */
		one(500, RUN_DONE, 0.1),  /* it is over */
	};
	struct arrival_part parts[GRACE_STEPS_MAX];
	struct grace_course c;

	(void)state;
	assert_int_equal(grace_course_init(&c, &usual), ERR_OK);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		grace_course_ended(&c, &rows[i]);
	}
	const struct grace_counts *n = &c.steps[0].all;
	assert_int_equal(n->offered, 7);
	assert_int_equal(n->good, 1);
	assert_int_equal(n->late, 1);
	assert_int_equal(n->refused, 1);
	assert_int_equal(n->failed, 3);
	assert_int_equal(n->missed, 1);
	assert_int_equal(n->admitted, 3);
	assert_int_equal(n->completed, 2);
	assert_int_equal(c.steps[0].served.count, 2);
	assert_int_equal(c.steps[1].all.offered, 0);
	double seconds = 0;
	grace_course_parts(&c, parts);
	for (unsigned i = 0; i < c.n_steps; i++) {
		seconds += parts[i].seconds;
	}
	assert_true(seconds == 110);
	grace_course_fini(&c);
}

/* One user has half of it all: Jain's index of (n - 1) others with 1/(n - 1) of the rest each. */
static void a_hog_shows_in_the_index(void **state)
{
	struct grace_course_plan plan = usual;
	struct grace_course c;

	(void)state;
	plan.users = 5;
	assert_int_equal(grace_course_init(&c, &plan), ERR_OK);
	for (unsigned user = 0; user < 5; user++) {
		for (unsigned i = 0; i < (user == 0 ? 40 : 10); i++) {
			struct load_ended e = one(5, RUN_DONE, 0.1);
			e.user = user;
			grace_course_ended(&c, &e);
		}
	}
	grace_course_judge(&c);
	assert_true(c.steps[0].fairness.known);
	assert_true(fabs(c.steps[0].fairness.jain - 80.0 * 80 / (5 * (1600 + 400))) < 1e-9);
	assert_true(fabs(c.steps[0].fairness.even - 1 / (1 + 4 / 80.0)) < 1e-9);
	assert_false(c.steps[1].fairness.known);
	grace_course_fini(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_bound_keeps_its_goodput),
		cmocka_unit_test(a_bound_beyond_patience_is_none),
		cmocka_unit_test(a_server_that_limps_afterwards_shows),
		cmocka_unit_test(each_counts_where_it_was_due),
		cmocka_unit_test(a_hog_shows_in_the_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
