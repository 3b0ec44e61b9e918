/*
 * Admission of activities that take several requests: who has begun is served to the end, and who
 * begins is let in only where all of it has room.
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

static bool admits(const struct grace_load *load, enum cost_class cost, enum shed_rank rank)
{
	const struct grace_ask ask = { .cost = cost, .rank = rank, .budget_us = S };
	static struct grace g;
	unsigned retry_after_s = 0;

	grace_init(&g, 7, 0);
	return grace_admit(&g, load, &ask, 0, &retry_after_s);
}

static void work_already_begun_has_the_last_places(void **state)
{
	struct grace_load load = { .store_used = 749 };

	(void)state;
	assert_true(admits(&load, COST_WRITE, SHED_LATE));
	load.store_used = 750;
	assert_false(admits(&load, COST_WRITE, SHED_LATE));
	assert_true(admits(&load, COST_WRITE, SHED_LAST));
	assert_true(admits(&load, COST_READ, SHED_LATE));
	load.store_used = 999;
	assert_true(admits(&load, COST_WRITE, SHED_LAST));
}

static void a_beginning_needs_what_its_steps_will(void **state)
{
	static const struct {
		struct grace_load load;
		bool is_let_in;
	} cases[] = {
		{ { .store_wait_us = 900 * MS }, true },
		{ { .store_wait_us = 1100 * MS }, false },
		{ { .store_wait_us = INT64_MAX }, false },
		{ { .store_used = 800 }, false },
	};
	struct grace_ask first = {
		.cost = COST_READ, .rank = SHED_LATE, .begins = true, .budget_us = 3 * S
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static struct grace g;
		unsigned retry_after_s = 0;
		grace_init(&g, 7, 0);
		first.rank = SHED_LATE;
		assert_int_equal(
		    grace_admit(&g, &cases[i].load, &first, 0, &retry_after_s), cases[i].is_let_in);
		assert_true(cases[i].is_let_in || g.refused_for == GRACE_STORE);
		/* It goes on with what has begun. */
		first.rank = SHED_LAST;
		assert_true(grace_admit(&g, &cases[i].load, &first, 0, &retry_after_s));
	}
}

static void what_is_promised_counts_against_a_beginning(void **state)
{
	const struct grace_load load = { .store_run_us = 10 * MS, .webs = 2 };
	const struct grace_ask first = {
		.cost = COST_READ, .rank = SHED_LATE, .begins = true, .budget_us = 3 * S
	};
	static struct grace g;
	unsigned retry_after_s = 0;
	int n = 0;

	(void)state;
	grace_init(&g, 7, 0);
	while (grace_admit(&g, &load, &first, 0, &retry_after_s)) {
		n++;
	}
	/* A step of 10 ms each, and the other process has as many: 1.6 s of work. */
	assert_in_range(n, 80, 82);
	assert_int_equal(g.refused_for, GRACE_STORE);
	assert_true(retry_after_s > 0);
}

/*
 * A store that does a step in a millisecond, one after the other, and clients whose activity is a
 * question and then three steps, each 50 ms after the answer to the one before. A step that is
 * refused ends the activity.
 */
enum {
	STEPS = 3,
	CALLS = 512,
	CLIENTS = 20000
};

struct model {
	struct grace g;
	int64_t now_us;
	struct {
		int64_t at_us;
		int left;
	} client[CLIENTS];
	int due[CLIENTS], n_due;   /* on their way to the next step */
	int queue[CALLS], n_queue; /* at the store */
	int n, cut;
	int served, in_vain; /* steps; those of activities that were cut */
};

static struct grace_load load_of(const struct model *m)
{
	return (
	    struct grace_load){ .store_wait_us = m->n_queue == CALLS ? INT64_MAX : m->n_queue * MS,
		.store_run_us = MS,
		.store_used = (unsigned)m->n_queue * 1000 / CALLS };
}

static void model_begin(struct model *m, bool begins)
{
	const struct grace_load load = load_of(m);
	const struct grace_ask first = {
		.cost = COST_READ, .rank = SHED_LATE, .begins = begins, .budget_us = 10 * S
	};
	unsigned retry_after_s = 0;

	if (m->n < CLIENTS && grace_admit(&m->g, &load, &first, m->now_us, &retry_after_s)) {
		m->client[m->n].at_us = m->now_us + 50 * MS;
		m->client[m->n].left = STEPS;
		m->due[m->n_due++] = m->n++;
	}
}

static void model_arrive(struct model *m)
{
	const struct grace_ask step = {
		.cost = COST_WRITE, .rank = SHED_LAST, .is_step = true, .budget_us = 10 * S
	};
	unsigned retry_after_s = 0;
	int kept = 0;

	for (int i = 0; i < m->n_due; i++) {
		const struct grace_load load = load_of(m);
		if (m->client[m->due[i]].at_us > m->now_us) {
			m->due[kept++] = m->due[i];
		} else if (grace_admit(&m->g, &load, &step, m->now_us, &retry_after_s)) {
			m->queue[m->n_queue++] = m->due[i];
		} else {
			m->cut++;
			m->in_vain += STEPS - m->client[m->due[i]].left;
		}
	}
	m->n_due = kept;
}

static void model_serve(struct model *m)
{
	if (m->n_queue == 0) {
		return;
	}
	int who = m->queue[0];
	for (int i = 1; i < m->n_queue; i++) {
		m->queue[i - 1] = m->queue[i];
	}
	m->n_queue--;
	m->served++;
	if (--m->client[who].left > 0) {
		m->client[who].at_us = m->now_us + 50 * MS;
		m->due[m->n_due++] = who;
	}
}

/* Ten seconds at so many times what the store can do. */
static void run_model(struct model *m, int times, bool begins)
{
	uint64_t x = 42;

	memset(m, 0, sizeof(*m));
	grace_init(&m->g, 7, 0);
	for (; m->now_us < 10 * S; m->now_us += MS) {
		/* By chance, times / STEPS in a millisecond on the average. */
		for (int i = 0; i < 4 * times; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			if ((x >> 33) % (4 * STEPS) == 0) {
				model_begin(m, begins);
			}
		}
		model_arrive(m);
		model_serve(m);
	}
}

static void what_has_begun_is_finished_far_beyond_the_line(void **state)
{
	struct model *m = malloc(sizeof(*m));
	const int most = 10 * 1000;

	(void)state;
	assert_non_null(m);
	run_model(m, 5, true);
	assert_int_equal(m->cut, 0);
	assert_true(m->served - m->in_vain > most * 95 / 100);
	/* Where beginnings look only at what they themselves need, most of it is in vain. */
	run_model(m, 5, false);
	assert_true(m->cut > m->n * 8 / 10);
	assert_true(m->served - m->in_vain < most * 30 / 100);
	/* Below the line nobody is refused anything. */
	run_model(m, 1, true);
	assert_int_equal(m->cut, 0);
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_already_begun_has_the_last_places),
		cmocka_unit_test(a_beginning_needs_what_its_steps_will),
		cmocka_unit_test(what_is_promised_counts_against_a_beginning),
		cmocka_unit_test(what_has_begun_is_finished_far_beyond_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
