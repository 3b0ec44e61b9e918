/*
 * The timer wheel over an invented clock: never early, at most a tick late, far timers, changes
 * made by the firing function.
 */
#include "core/ev/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/rng.h"

enum {
	TICK = WHEEL_TICK_US,
	START = 7 * WHEEL_TICK_US + 1234
};

/* A timer with what happened to it. */
struct clocked {
	struct wheel_timer timer;
	struct wheel *wheel;
	struct clocked *other; /* what a firing function acts on */
	int64_t now_us;	       /* of the run */
	int64_t fired_us;
	unsigned fired;
};

static struct clocked *of(struct wheel_timer *t)
{
	return LIST_OF(t, struct clocked, timer);
}

static void fire(struct wheel_timer *t, void *arg)
{
	const int64_t *now = arg;

	assert_false(wheel_is_armed(t));
	of(t)->fired++;
	of(t)->fired_us = *now;
}

static void run_to(struct wheel *w, int64_t now_us, wheel_fn *fn)
{
	wheel_run(w, now_us, fn, &now_us);
}

static int setup(void **state)
{
	struct wheel *w = malloc(sizeof(*w));

	assert_non_null(w);
	wheel_init(w, START);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

static void test_timer_fires_once_never_early_and_at_most_a_tick_late(void **state)
{
	static const int64_t delays[] = { 0, 1, TICK - 1, TICK, TICK + 1, 5 * TICK, 123456789,
		(WHEEL_SLOTS - 1) * (int64_t)TICK, WHEEL_SLOTS * (int64_t)TICK,
		3 * WHEEL_SLOTS * (int64_t)TICK + 17 };

	(void)state;
	for (size_t i = 0; i < sizeof(delays) / sizeof(delays[0]); i++) {
		struct wheel *w = *state;
		struct clocked c = { 0 };
		int64_t due = START + delays[i];
		wheel_init(w, START);
		wheel_timer_init(&c.timer);
		wheel_arm(w, &c.timer, due);
		assert_true(wheel_is_armed(&c.timer));
		for (int64_t now = START; now <= due + 2 * TICK; now += TICK) {
			run_to(w, now, fire);
		}
		assert_int_equal(c.fired, 1);
		assert_true(c.fired_us >= due);
		assert_true(c.fired_us - due < 2 * TICK);
	}
}

static void test_disarmed_timer_does_not_fire(void **state)
{
	struct wheel *w = *state;
	struct clocked c = { 0 };

	wheel_timer_init(&c.timer);
	wheel_arm(w, &c.timer, START + TICK);
	wheel_disarm(&c.timer);
	assert_false(wheel_is_armed(&c.timer));
	wheel_disarm(&c.timer);
	run_to(w, START + 10 * TICK, fire);
	assert_int_equal(c.fired, 0);
}

static void test_arming_again_moves_the_timer(void **state)
{
	struct wheel *w = *state;
	struct clocked c = { 0 };

	wheel_timer_init(&c.timer);
	wheel_arm(w, &c.timer, START + TICK);
	wheel_arm(w, &c.timer, START + 20 * TICK);
	run_to(w, START + 10 * TICK, fire);
	assert_int_equal(c.fired, 0);
	run_to(w, START + 21 * TICK, fire);
	assert_int_equal(c.fired, 1);
}

static void test_late_run_fires_everything_due_in_order_of_time(void **state)
{
	struct wheel *w = *state;
	struct clocked c[3] = { 0 };

	for (int i = 0; i < 3; i++) {
		wheel_timer_init(&c[i].timer);
		wheel_arm(w, &c[i].timer, START + (i + 1) * 10 * TICK);
	}
	run_to(w, START + 21 * TICK, fire);
	assert_int_equal(c[0].fired, 1);
	assert_int_equal(c[1].fired, 1);
	assert_int_equal(c[2].fired, 0);
}

static void test_run_after_more_than_the_horizon_fires_everything_due(void **state)
{
	struct wheel *w = *state;
	struct clocked near = { 0 }, far = { 0 };
	int64_t horizon = WHEEL_SLOTS * (int64_t)TICK;

	wheel_timer_init(&near.timer);
	wheel_timer_init(&far.timer);
	wheel_arm(w, &near.timer, START + 5 * TICK);
	wheel_arm(w, &far.timer, START + 9 * horizon);
	run_to(w, START + 5 * horizon, fire);
	assert_int_equal(near.fired, 1);
	assert_int_equal(far.fired, 0);
	run_to(w, START + 9 * horizon + TICK, fire);
	assert_int_equal(far.fired, 1);
}

static void fire_and_disarm_other(struct wheel_timer *t, void *arg)
{
	fire(t, arg);
	wheel_disarm(&of(t)->other->timer);
}

static void test_firing_function_may_disarm_one_due_in_the_same_tick(void **state)
{
	struct wheel *w = *state;
	struct clocked a = { 0 }, b = { 0 };

	a.other = &b;
	b.other = &a;
	wheel_timer_init(&a.timer);
	wheel_timer_init(&b.timer);
	wheel_arm(w, &a.timer, START + TICK);
	wheel_arm(w, &b.timer, START + TICK);
	run_to(w, START + 3 * TICK, fire_and_disarm_other);
	assert_int_equal(a.fired + b.fired, 1);
}

static void fire_and_arm_again(struct wheel_timer *t, void *arg)
{
	fire(t, arg);
	wheel_arm(of(t)->wheel, t, of(t)->fired_us + TICK);
}

static void test_firing_function_may_arm_the_timer_again(void **state)
{
	struct wheel *w = *state;
	struct clocked c = { .wheel = w };

	wheel_timer_init(&c.timer);
	wheel_arm(w, &c.timer, START + TICK);
	for (int i = 0; i <= 10; i++) {
		run_to(w, START + i * TICK, fire_and_arm_again);
	}
	assert_in_range(c.fired, 4, 10);
	assert_true(wheel_is_armed(&c.timer));
	wheel_disarm(&c.timer);
}

static void test_random_timers_keep_their_bounds(void **state)
{
	enum {
		N = 2000
	};
	struct wheel *w = *state;
	struct clocked *c = calloc(N, sizeof(*c));
	const int64_t span = 3 * WHEEL_SLOTS * (int64_t)TICK;

	assert_non_null(c);
	for (size_t i = 0; i < N; i++) {
		wheel_timer_init(&c[i].timer);
		wheel_arm(w, &c[i].timer, START + (int64_t)rng_below((uint64_t)span));
	}
	for (int64_t now = START; now <= START + span + 2 * TICK; now += TICK) {
		run_to(w, now, fire);
	}
	for (size_t i = 0; i < N; i++) {
		assert_int_equal(c[i].fired, 1);
		assert_true(c[i].fired_us >= c[i].timer.due_us);
		assert_true(c[i].fired_us - c[i].timer.due_us < 2 * TICK);
	}
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_timer_fires_once_never_early_and_at_most_a_tick_late),
		T(test_disarmed_timer_does_not_fire),
		T(test_arming_again_moves_the_timer),
		T(test_late_run_fires_everything_due_in_order_of_time),
		T(test_run_after_more_than_the_horizon_fires_everything_due),
		T(test_firing_function_may_disarm_one_due_in_the_same_tick),
		T(test_firing_function_may_arm_the_timer_again),
		T(test_random_timers_keep_their_bounds),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
