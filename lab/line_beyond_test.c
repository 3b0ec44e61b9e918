/*
 * Plateau, collapse and hysteresis, planted in simulated servers: told apart every time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "lab/line_beyond.h"
#include "lab/queue_sim.h"

/* Counts of the parts so far, which the simulation begins anew in each. */
struct course {
	struct line_beyond beyond;
	struct line_tick before;
	struct line_tick now;
};

static bool tick(void *arg, const struct line_tick *now)
{
	struct course *c = arg;

	c->now = *now;
	c->now.at_s += c->before.at_s;
	c->now.begun += c->before.begun;
	c->now.done += c->before.done;
	c->now.refused += c->before.refused;
	c->now.failed += c->before.failed;
	c->now.slo[0].slow += c->before.slo[0].slow;
	return line_beyond_tick(&c->beyond, &c->now);
}

static struct line_beyond run(
    const struct queue_sim_plan *server, uint64_t seed, const struct line_slo *slo)
{
	static struct queue_sim q;
	struct course c = { .now = { .at_s = 0 } };
	double capacity = queue_sim_capacity(server);

	queue_sim_init(&q, server, seed);
	line_beyond_init(&c.beyond, capacity, 5, slo != NULL);
	for (unsigned i = 0; i < LINE_STEPS && c.beyond.at < LINE_STEPS; i++) {
		const struct arrival_part *p = &c.beyond.parts[i];
		c.before = c.now;
		queue_sim_run(
		    &q, capacity * p->factor, true, p->seconds, slo, slo != NULL, tick, &c);
	}
	assert_true(c.now.at_s <= line_beyond_seconds(&c.beyond) + 0.2);
	line_beyond_judge(&c.beyond);
	return c.beyond;
}

static void each_shape_is_told_every_time(void **state)
{
	static const struct {
		struct queue_sim_plan server;
		enum line_shape shape;
		bool collapsed;
	} rows[] = {
		/* Refuses at once; a long queue and patient clients; chance in the service; stops.
		 */
		{ { .service_s = 0.005, .workers = 1, .waiting_max = 20 }, LINE_SHAPE_PLATEAU,
		    false },
		{ { .service_s = 0.01, .workers = 4 }, LINE_SHAPE_PLATEAU, false },
		{ { .service_s = 0.02,
		      .workers = 4,
		      .law = QUEUE_SIM_EXPONENTIAL,
		      .waiting_max = 50 },
		    LINE_SHAPE_PLATEAU, false },
		{ { .service_s = 0.004, .workers = 2, .law = QUEUE_SIM_MIXED, .waiting_max = 100 },
		    LINE_SHAPE_PLATEAU, false },
		{ { .service_s = 0.002, .workers = 1, .stop_share = 0.05, .waiting_max = 200 },
		    LINE_SHAPE_PLATEAU, false },
		/* Serves clients who are gone; a lock that is slower the more wait. */
		{ { .service_s = 0.005, .workers = 1, .waiting_max = 400, .patience_s = 1 },
		    LINE_SHAPE_COLLAPSE, true },
		{ { .service_s = 0.02,
		      .workers = 4,
		      .waiting_max = 600,
		      .patience_s = 1,
		      .law = QUEUE_SIM_EXPONENTIAL },
		    LINE_SHAPE_COLLAPSE, true },
		{ { .service_s = 0.005, .workers = 1, .slower = 0.003, .waiting_max = 100 },
		    LINE_SHAPE_COLLAPSE, true },
		/* A cache that is lost; a lock that does not let go. */
		{ { .service_s = 0.01,
		      .workers = 4,
		      .trap_at = 80,
		      .trap_factor = 3,
		      .waiting_max = 150 },
		    LINE_SHAPE_HYSTERESIS, true },
		{ { .service_s = 0.005,
		      .workers = 1,
		      .trap_at = 60,
		      .trap_factor = 2,
		      .patience_s = 1 },
		    LINE_SHAPE_HYSTERESIS, true },
		{ { .service_s = 0.005, .workers = 1, .slower = 0.003, .waiting_max = 500 },
		    LINE_SHAPE_HYSTERESIS, true },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint64_t seed = 0; seed < 20; seed++) {
			struct line_beyond b = run(&rows[i].server, seed, NULL);
			if (b.shape != rows[i].shape || b.collapsed != rows[i].collapsed) {
				fail_msg(
				    "server %u, seed %u: %s, ratio %.2f, area %.2f, recovery %.1f",
				    i, (unsigned)seed, line_shape_name(b.shape), b.collapse_ratio,
				    b.hysteresis_area, b.recovery_s);
			}
			bool back = b.shape != LINE_SHAPE_HYSTERESIS;
			assert_true((b.recovery_s >= 0) == back);
			assert_true(back || b.hysteresis_area > 0.05);
		}
	}
}

/* With a limit for the latency, what comes later is not good: the long queue is then a collapse. */
static void what_is_late_is_not_good(void **state)
{
	static const struct queue_sim_plan server = { .service_s = 0.005, .workers = 1 };
	struct line_slo slo = { .quantile = 0.99, .limit_us = 200000, .share = 0.01 };

	(void)state;
	struct line_beyond b = run(&server, 1, &slo);
	assert_int_equal(b.shape, LINE_SHAPE_COLLAPSE);
	assert_true(b.collapse_ratio < 0.2);
	assert_true(b.recovery_s > 5);
	b = run(&server, 1, NULL);
	assert_int_equal(b.shape, LINE_SHAPE_PLATEAU);
	assert_true(b.collapse_ratio > 0.97);
}

static void without_its_end_it_says_nothing(void **state)
{
	struct line_beyond b;
	const struct line_tick now = { .at_s = 3, .begun = 30, .done = 30 };

	(void)state;
	line_beyond_init(&b, 100, 5, false);
	assert_true(line_beyond_tick(&b, &now));
	line_beyond_judge(&b);
	assert_int_equal(b.shape, LINE_SHAPE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_shape_is_told_every_time),
		cmocka_unit_test(what_is_late_is_not_good),
		cmocka_unit_test(without_its_end_it_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
