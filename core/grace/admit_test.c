/*
 * Admission and its meters under a clock that the test turns. What comes of it in a queue is in
 * queue_model_test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

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

static void the_cost_meter_follows_costs_of_few_microseconds(void **state)
{
	struct cost_meter m;

	(void)state;
	cost_meter_init(&m, 40);
	for (int i = 0; i < 200; i++) {
		cost_meter_record(&m, i % 50 == 0 ? 60 : 7 + i % 2);
	}
	assert_in_range(m.mean_us, 7, 9);
}

static bool admits(
    const struct grace_load *load, enum cost_class cost, enum shed_rank rank, int64_t budget_us)
{
	static struct grace g;
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

static void who_tolerates_waits_refuses_later(void **state)
{
	const struct grace_load load = { .compute_wait_us = 1500 * MS, .loop_delay_us = 60 * MS };
	const struct grace_ask ask = {
		.cost = COST_COMPUTE, .rank = SHED_MIDDLE, .budget_us = 3 * S
	};
	const struct grace_ask urgent = {
		.cost = COST_COMPUTE, .rank = SHED_MIDDLE, .budget_us = 1 * S
	};
	static struct grace g;
	unsigned retry_after_s = 0;

	(void)state;
	grace_init(&g, 7, 0);
	grace_set_tolerance(&g, 20);
	assert_true(grace_admit(&g, &load, &ask, 0, &retry_after_s));
	assert_false(grace_admit(&g, &load, &urgent, 0, &retry_after_s)); /* in vain all the same */
	grace_set_tolerance(&g, 1);
	assert_false(grace_admit(&g, &load, &ask, 0, &retry_after_s));
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
		{ { .read_wait_us = INT64_MAX, .read_lanes = 4 }, COST_READ, GRACE_READ },
		{ { .loop_delay_us = 60 * S }, COST_READ, GRACE_LOOP },
		{ { .tasks = 100, .tasks_max = 100 }, COST_READ, GRACE_TASKS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct grace_ask ask = {
			.cost = cases[i].cost, .rank = SHED_MIDDLE, .budget_us = 3 * S
		};
		static struct grace g;
		unsigned retry_after_s = 0;
		grace_init(&g, 7, 0);
		assert_false(grace_admit(&g, &cases[i].load, &ask, 0, &retry_after_s));
		assert_int_equal(g.refused_for, cases[i].why);
	}
}

/*
 * Compute with two workers that is asked every 5 ms for jobs of 50 ms, five times what it can do,
 * by users of a rank each; how many of a second's were let in.
 */
struct crowd {
	struct grace g;
	int64_t now_us;
	double wait_us;
	double done; /* jobs, not counted yet */
	unsigned asked[SHED_RANKS], let[SHED_RANKS];
};

static void work_for_us(struct crowd *c, double us)
{
	static const struct grace_ask ask = { .cost = COST_COMPUTE };
	double worked_us = us < c->wait_us ? us : c->wait_us;

	c->wait_us -= worked_us;
	for (c->done += worked_us / (25 * MS); c->done >= 1; c->done -= 1) {
		grace_served(&c->g, &ask);
	}
}

static void ask_for_a_second(struct crowd *c, const enum shed_rank *ranks, unsigned n)
{
	for (unsigned i = 0; i < SHED_RANKS; i++) {
		c->asked[i] = c->let[i] = 0;
	}
	for (unsigned i = 0; i < 200; i++, c->now_us += 5 * MS) {
		const struct grace_load load = { .compute_wait_us = (int64_t)c->wait_us,
			.compute_run_us = 50 * MS,
			.compute_lanes = 2 };
		const struct grace_ask ask = { .cost = COST_COMPUTE,
			.rank = ranks[i % n],
			.budget_us = 3 * S,
			.user = (uint64_t)i * 7919 + (uint64_t)c->now_us };
		unsigned retry_after_s = 0;
		c->asked[ask.rank]++;
		if (grace_admit(&c->g, &load, &ask, c->now_us, &retry_after_s)) {
			c->let[ask.rank]++;
			c->wait_us += 25 * MS;
		}
		work_for_us(c, 5 * MS);
	}
}

static void begin_crowd(struct crowd *c)
{
	memset(c, 0, sizeof(*c));
	grace_init(&c->g, 7, 0);
	c->now_us = 60 * (int64_t)S;
}

static void a_standing_queue_at_compute_is_held_short(void **state)
{
	static const enum shed_rank ranks[] = { SHED_MIDDLE };
	static struct crowd c;
	struct grace_state seen;
	unsigned cut_permille = 0;

	(void)state;
	begin_crowd(&c);
	ask_for_a_second(&c, ranks, 1);
	ask_for_a_second(&c, ranks, 1);
	for (int s = 0; s < 20; s++) {
		ask_for_a_second(&c, ranks, 1);
		assert_in_range(c.let[SHED_MIDDLE], 30, 50);
		assert_true(c.wait_us < 500 * MS);
		grace_look(&c.g, GRACE_COMPUTE, c.now_us, &seen);
		assert_int_equal(seen.cut, SHED_MIDDLE);
		cut_permille += seen.cut_permille / 20;
	}
	assert_int_equal(seen.target_us, 200 * MS);
	assert_in_range(cut_permille, 100, 300);
	assert_int_equal(grace_load_permille(&c.g), 1200);
}

/* Jobs of two milliseconds: 48 of 64 places are no long wait, but others find none left. */
static void places_that_fill_up_are_a_queue(void **state)
{
	static struct crowd c;
	struct grace_state seen;

	(void)state;
	begin_crowd(&c);
	for (unsigned i = 0; i < 300; i++, c.now_us += MS) {
		const struct grace_load load = { .compute_wait_us = 76 * MS,
			.compute_run_us = 2 * MS,
			.compute_lanes = 1,
			.compute_used = 600 };
		const struct grace_ask ask = { .cost = COST_COMPUTE,
			.rank = SHED_MIDDLE,
			.budget_us = 3 * S,
			.user = (uint64_t)i * 7919 };
		unsigned retry_after_s = 0;
		(void)grace_admit(&c.g, &load, &ask, c.now_us, &retry_after_s);
	}
	grace_look(&c.g, GRACE_COMPUTE, c.now_us, &seen);
	assert_int_equal(seen.cut, SHED_MIDDLE);
	assert_true(seen.budget_permille < 1000);
	/* One that takes no calls at all has no wait to reckon with. */
	const struct grace_load none = { .compute_wait_us = INT64_MAX, .compute_used = 1000 };
	const struct grace_ask ask = { .cost = COST_COMPUTE, .rank = SHED_LAST, .budget_us = S };
	unsigned retry_after_s = 0;
	assert_false(grace_admit(&c.g, &none, &ask, c.now_us, &retry_after_s));
}

static void at_compute_too_the_important_go_first(void **state)
{
	static const enum shed_rank ranks[] = { SHED_EARLY, SHED_EARLY, SHED_EARLY, SHED_EARLY,
		SHED_EARLY, SHED_EARLY, SHED_MIDDLE, SHED_LAST };
	static struct crowd c;
	unsigned asked = 0, let = 0, early = 0;

	(void)state;
	begin_crowd(&c);
	for (int s = 0; s < 20; s++) {
		ask_for_a_second(&c, ranks, 8);
		assert_int_equal(c.let[SHED_LAST], c.asked[SHED_LAST]);
		if (s >= 2) {
			asked += c.asked[SHED_MIDDLE];
			let += c.let[SHED_MIDDLE];
			early += c.let[SHED_EARLY];
		}
	}
	/* An eighth each of five times the line: more than half of it, so the rest is for few. */
	assert_true(let > asked * 60 / 100);
	assert_true(early < let / 2);
}

static void a_reserve_is_for_those_it_was_made_for(void **state)
{
	static struct grace g;

	(void)state;
	grace_init(&g, 7, 0);
	grace_set_reserve(&g, 1, 0.4);
	for (unsigned i = 0; i < GRACE_RESOURCES; i++) {
		assert_true(g.resources[i].level.reserve[0] > 0.39);
	}
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

static void who_comes_to_a_long_line_does_not_join_it(void **state)
{
	static const struct grace_load load = { .read_lanes = 0 };
	struct grace_ask ask = { .cost = COST_MEMORY, .budget_us = 3 * S, .joins = true };
	unsigned retry_after_s = 0;
	static struct grace g;

	(void)state;
	grace_init(&g, 7, 0);
	for (unsigned rank = SHED_LAST; rank < SHED_RANKS; rank++) {
		ask.rank = (enum shed_rank)rank;
		ask.line_us = 19 * MS;
		assert_true(grace_admit(&g, &load, &ask, 0, &retry_after_s));
		ask.line_us = 101 * MS;
		assert_int_equal(
		    grace_admit(&g, &load, &ask, 0, &retry_after_s), rank == SHED_LAST);
	}
	ask.rank = SHED_FIRST;
	assert_false(grace_admit(&g, &load, &ask, 0, &retry_after_s));
	assert_int_equal(g.refused_for, GRACE_LOOP);
	/* Whoever stood in it and has come to its end is not asked again. */
	ask.joins = false;
	assert_true(grace_admit(&g, &load, &ask, 0, &retry_after_s));
	/* Once a queue stands it is shorter. */
	ask.joins = true;
	ask.rank = SHED_LATE;
	g.resources[GRACE_LOOP].is_over = true;
	ask.line_us = 5 * MS;
	assert_true(grace_admit(&g, &load, &ask, 0, &retry_after_s));
	ask.line_us = 10 * MS;
	assert_false(grace_admit(&g, &load, &ask, 0, &retry_after_s));
	/* But for those who have room while others are cut. */
	g.resources[GRACE_LOOP].level.classes[SHED_FIRST].share = 0.5;
	assert_true(grace_admit(&g, &load, &ask, 0, &retry_after_s));
	ask.line_us = 21 * MS;
	assert_false(grace_admit(&g, &load, &ask, 0, &retry_after_s));
	ask.rank = SHED_FIRST;
	ask.line_us = 10 * MS;
	assert_false(grace_admit(&g, &load, &ask, 0, &retry_after_s));
}

/* A loop in which a queue stands: those who go on ask for all that it works off, others as well. */
static void fill_loop(struct grace *g, const struct grace_load *load)
{
	struct grace_ask ask = { .cost = COST_MEMORY, .loop_us = 1000, .budget_us = 3 * S };
	unsigned retry_after_s = 0;

	grace_init(g, 7, 0);
	for (int64_t now_us = 20 * S; now_us < 22 * S; now_us += 500) {
		grace_waited(g, 8 * MS, now_us);
		grace_measure(g, load, now_us);
		for (unsigned i = 0; i < 2; i++) {
			ask.rank = i == 0 ? SHED_LAST : SHED_MIDDLE;
			(void)grace_admit(g, load, &ask, now_us, &retry_after_s);
		}
	}
	assert_true(g->resources[GRACE_LOOP].is_over);
}

static void what_costs_no_more_than_its_refusal_is_let_in(void **state)
{
	struct grace_load load = { .loop_delay_us = 8 * MS, .refusal_us = 7 };
	struct grace_ask ask = { .cost = COST_READ, .rank = SHED_MIDDLE, .budget_us = 3 * S };
	static struct grace g;
	unsigned retry_after_s = 0;

	(void)state;
	fill_loop(&g, &load);
	ask.loop_wait_us = 8 * MS;
	ask.loop_us = 25;
	assert_true(grace_admit(&g, &load, &ask, 22 * S, &retry_after_s));
	ask.loop_us = 30;
	assert_false(grace_admit(&g, &load, &ask, 22 * S, &retry_after_s));
	/* Nor where more than the loop is needed, or nobody has measured what it takes. */
	ask.loop_us = 25;
	load.read_lanes = 4;
	assert_false(grace_admit(&g, &load, &ask, 22 * S, &retry_after_s));
	load.read_lanes = 0;
	ask.loop_us = 0;
	assert_false(grace_admit(&g, &load, &ask, 22 * S, &retry_after_s));
}

/* A budget goes by what was done: of every resource, or it would shrink while all is well. */
static void what_was_done_counts_where_it_was_done(void **state)
{
	static const struct {
		enum cost_class cost;
		enum grace_refusal which;
	} cases[] = { { COST_COMPUTE, GRACE_COMPUTE }, { COST_WRITE, GRACE_STORE },
		{ COST_SIGN, GRACE_SIGNER }, { COST_READ, GRACE_READ } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct grace g;
		const struct grace_ask ask = { .cost = cases[i].cost };

		grace_init(&g, 7, 0);
		grace_served(&g, &ask);
		for (unsigned k = 0; k < GRACE_RESOURCES; k++) {
			bool is_its = k == cases[i].which || k == GRACE_LOOP;
			assert_int_equal(g.resources[k].served_us > 0, is_its);
		}
	}
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
	static struct grace g;
	unsigned least, most;

	(void)state;
	grace_init(&g, 42, 0);
	the_longest_retry_after(&g, 900, &least, &most);
	assert_int_equal(least, 1);
	assert_int_equal(most, 1);
	the_longest_retry_after(&g, 9100, &least, &most);
	assert_int_equal(least, 1);
	assert_in_range(most, 9, 11);
	the_longest_retry_after(&g, 100000, &least, &most);
	assert_int_equal(most, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_is_not_a_standing_queue),
		cmocka_unit_test(a_standing_queue_is_seen_after_one_interval),
		cmocka_unit_test(one_short_delay_ends_the_alarm),
		cmocka_unit_test(an_idle_interval_counts_as_no_delay),
		cmocka_unit_test(the_cost_meter_forgets_a_wrong_guess),
		cmocka_unit_test(the_cost_meter_follows_costs_of_few_microseconds),
		cmocka_unit_test(a_resource_that_cannot_begin_in_time_refuses),
		cmocka_unit_test(who_tolerates_waits_refuses_later),
		cmocka_unit_test(a_refusal_says_what_was_short),
		cmocka_unit_test(a_standing_queue_at_compute_is_held_short),
		cmocka_unit_test(places_that_fill_up_are_a_queue),
		cmocka_unit_test(at_compute_too_the_important_go_first),
		cmocka_unit_test(a_reserve_is_for_those_it_was_made_for),
		cmocka_unit_test(ranks_are_cut_one_after_the_other),
		cmocka_unit_test(who_comes_to_a_long_line_does_not_join_it),
		cmocka_unit_test(what_costs_no_more_than_its_refusal_is_let_in),
		cmocka_unit_test(what_was_done_counts_where_it_was_done),
		cmocka_unit_test(the_last_tasks_are_kept_for_work_already_begun),
		cmocka_unit_test(retries_are_spread_as_refusals_grow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
