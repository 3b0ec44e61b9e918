/*
 * What gives way to sign-ups, and in which order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "services/pairs/signup_first.h"
#include "services/pairs/signup_gate.h"

enum {
	S_US = 1000000
};

/* The first wait at which a rank gives way, in steps of a hundredth of newcomers' bound. */
static int64_t gives_way_at(const struct signup_first *f, enum shed_rank rank, bool computes)
{
	for (int64_t us = 0; us <= 10 * (int64_t)SIGNUP_NEWCOMER_US;
	     us += SIGNUP_NEWCOMER_US / 100) {
		if (signup_first_sheds(f, rank, computes, us, SIGNUP_NEWCOMER_US)) {
			return us;
		}
	}
	return INT64_MAX;
}

static void everything_gives_way_in_its_order_and_before_a_newcomer(void **state)
{
	static const enum shed_rank order[] = { SHED_FIRST, SHED_POLLING, SHED_EARLY, SHED_MIDDLE };
	const struct signup_first f = { .reserve = 50, .busy = 60 };
	struct signup_gate gate = { 0 };
	struct signup_load load = { .job_us = 50000, .lanes = 2, .webs = 1 };
	int64_t before_us = 0, slot_us = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		int64_t us = gives_way_at(&f, order[i], false);
		assert_true(us > before_us);
		before_us = us;
		load.wait_us = us;
		assert_true(signup_gate_ask(&gate, &load, false, 1, &slot_us));
	}
	/* While slots are out the room is smaller for newcomers, and for all that gives way to
	 * them. */
	load.wait_us = INT64_MAX;
	assert_false(signup_gate_ask(&gate, &load, false, 1, &slot_us));
	load.wait_us = signup_gate_room_us(&gate, 1);
	assert_true(load.wait_us < SIGNUP_NEWCOMER_US);
	assert_true(signup_gate_ask(&gate, &load, false, 1, &slot_us));
	assert_true(signup_first_sheds(&f, SHED_MIDDLE, true, load.wait_us, load.wait_us));
	assert_false(signup_first_sheds(&f, SHED_MIDDLE, true, 0, load.wait_us));
	assert_true(gives_way_at(&f, SHED_LATE, false) == INT64_MAX);
	assert_true(gives_way_at(&f, SHED_LAST, true) == INT64_MAX);
	assert_true(gives_way_at(&f, SHED_NEVER, false) == INT64_MAX);
}

static void who_takes_no_processor_need_not_give_way(void **state)
{
	const struct signup_first idle = { .reserve = 50, .busy = 49 };
	const struct signup_first all = { .reserve = 100, .busy = 0 };
	const struct signup_first off = { .reserve = 0, .busy = 100 };

	(void)state;
	assert_true(gives_way_at(&idle, SHED_EARLY, false) == INT64_MAX);
	assert_true(gives_way_at(&idle, SHED_MIDDLE, true) < SIGNUP_NEWCOMER_US);
	assert_true(gives_way_at(&all, SHED_EARLY, false) < SIGNUP_NEWCOMER_US);
	assert_true(gives_way_at(&off, SHED_EARLY, false) == INT64_MAX);
	assert_true(gives_way_at(&off, SHED_MIDDLE, true) == INT64_MAX);
}

static void the_share_is_measured(void **state)
{
	struct signup_first f = { .reserve = 50 };

	(void)state;
	signup_first_look(&f, 70, 1 * S_US);
	assert_int_equal(f.busy, 0); /* nothing to compare with */
	signup_first_look(&f, 70 + 750000, 2 * S_US);
	assert_int_equal(f.busy, 75);
	signup_first_look(&f, 9 * S_US, 2 * S_US + 1000); /* too soon */
	assert_int_equal(f.busy, 75);
	signup_first_look(&f, 9 * S_US, 3 * S_US);
	assert_int_equal(f.busy, 100);
	signup_first_look(&f, 9 * S_US, 4 * S_US);
	assert_int_equal(f.busy, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_gives_way_in_its_order_and_before_a_newcomer),
		cmocka_unit_test(who_takes_no_processor_need_not_give_way),
		cmocka_unit_test(the_share_is_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
