/*
 * What activities that have begun will still ask for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/grace/promised.h"

enum {
	MS = 1000,
	S = 1000000
};

static void nobody_has_begun(void **state)
{
	struct promised p;

	(void)state;
	promised_init(&p, 0);
	assert_int_equal(promised_steps(&p, 0), 0);
	promised_step(&p, 0);
	assert_int_equal(promised_steps(&p, 10 * S), 0);
}

static void a_beginning_promises_a_step_until_it_came(void **state)
{
	struct promised p;

	(void)state;
	promised_init(&p, 0);
	promised_begin(&p, 0);
	promised_begin(&p, 100 * MS);
	assert_int_equal(promised_steps(&p, 100 * MS), 2);
	promised_step(&p, 200 * MS);
	assert_int_equal(promised_steps(&p, 200 * MS), 1);
	promised_step(&p, 600 * MS);
	assert_int_equal(promised_steps(&p, 600 * MS), 0);
}

static void one_that_never_goes_on_is_forgotten(void **state)
{
	struct promised p;

	(void)state;
	promised_init(&p, 0);
	promised_begin(&p, 0);
	assert_int_equal(promised_steps(&p, PROMISED_HORIZON_US - 1), 1);
	assert_int_equal(promised_steps(&p, PROMISED_HORIZON_US), 0);
	/* Nor does a silence of a day leave anything behind. */
	promised_begin(&p, PROMISED_HORIZON_US);
	assert_int_equal(promised_steps(&p, 86400 * (int64_t)S), 0);
}

/* A hundred a second for so long, each of so many steps, one a while after the other. */
static int64_t flow(struct promised *p, int64_t until_us, int each, int64_t apart_us)
{
	int64_t now_us = 0;

	promised_init(p, 0);
	for (; now_us < until_us; now_us += 10 * MS) {
		promised_begin(p, now_us);
		for (int i = 1; i <= each; i++) {
			if (now_us >= i * apart_us) {
				promised_step(p, now_us);
			}
		}
	}
	return now_us;
}

static void a_steady_flow_promises_nothing_more(void **state)
{
	struct promised p;

	(void)state;
	for (int each = 0; each < 12; each += 3) {
		int64_t now_us = flow(&p, 60 * (int64_t)S, each, 100 * MS);
		assert_in_range(promised_steps(&p, now_us), 0, 30);
	}
}

static void how_many_steps_there_are_is_learnt(void **state)
{
	struct promised p;

	(void)state;
	for (int each = 0; each < 12; each += 3) {
		int64_t now_us = flow(&p, 60 * (int64_t)S, each, 20 * MS);
		for (int i = 0; i < 100; i++) {
			promised_begin(&p, now_us);
		}
		assert_in_range(promised_steps(&p, now_us), each * 90, each * 100 + 30);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_has_begun),
		cmocka_unit_test(a_beginning_promises_a_step_until_it_came),
		cmocka_unit_test(one_that_never_goes_on_is_forgotten),
		cmocka_unit_test(a_steady_flow_promises_nothing_more),
		cmocka_unit_test(how_many_steps_there_are_is_learnt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
