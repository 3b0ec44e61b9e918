/*
 * Use and cost of a course whose figures are known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "lab/load_use.h"

enum {
	SECONDS = 60
};

/* Ten activities a second at 20 ms in two roles, looked at every 1.5 s; noise_s every other look.
 */
static struct load_result course(struct load_second *seconds, struct load_use *uses, double noise_s)
{
	struct load_result r = {
		.seconds = seconds, .n_seconds = SECONDS, .uses = uses, .elapsed_s = SECONDS
	};

	for (unsigned i = 0; i < SECONDS; i++) {
		seconds[i] = (struct load_second){ .done = 10, .length_s = 1 };
	}
	for (unsigned i = 0; i <= 40; i++) {
		double at_s = i * 1.5;
		uses[r.n_uses++] = (struct load_use){ at_s,
			{ 0.15 * at_s, 0.05 * at_s + (i % 4 == 0 ? noise_s : 0) } };
	}
	return r;
}

static void cost_and_how_sure_it_is(void **state)
{
	struct load_second seconds[SECONDS];
	struct load_use uses[64];
	struct load_result r = course(seconds, uses, 0);
	struct interval cost = load_use_cost_us(&r);

	(void)state;
	assert_true(fabs(load_use_cpu_at(&r, 10) - 2) < 1e-9);
	assert_true(fabs(load_use_done_at(&r, 10.5) - 105) < 1e-9);
	assert_true(cost.known && fabs(cost.value - 20000) < 1e-6);
	assert_true(cost.high - cost.low < 1e-3);
	r = course(seconds, uses, 0.03);
	cost = load_use_cost_us(&r);
	assert_true(cost.low < 20000 && cost.high > 20000 && cost.high - cost.low > 100);
	/* Too short for batches: a figure, without an interval. */
	r.elapsed_s = 8;
	assert_false(load_use_cost_us(&r).known);
	assert_true(load_use_cost_us(&r).value > 0);
	r.n_uses = 0;
	assert_true(load_use_cost_us(&r).value == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cost_and_how_sure_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
