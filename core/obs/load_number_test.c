/*
 * The load number over what is known of the last seconds, and over looks at a block.
 */
#include "core/obs/load_number.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum {
	LOOK_US = 250000
};

#define assert_near(got, want) assert_true(fabs((got) - (want)) <= 0.0005)

static void it_is_the_use_of_what_is_fullest(void **state)
{
	static const double uses[] = { 0, 0.25, 0.7, 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++) {
		assert_near(load_number(&(struct load_facts){ .fullest = uses[i] }), uses[i]);
	}
	assert_near(load_number(&(struct load_facts){ .fullest = -1 }), 0.0);
	assert_near(load_number(&(struct load_facts){ .fullest = 3 }), 1.0);
}

static void waits_count_by_their_target_and_beyond_the_line(void **state)
{
	struct load_facts f = { .fullest = 0.3 };
	double before = 0;

	(void)state;
	f.wait_us[ROLE_COMPUTE] = load_wait_target_us(ROLE_COMPUTE) / 2;
	assert_near(load_number(&f), 0.5);
	f.wait_us[ROLE_STORE] = load_wait_target_us(ROLE_STORE);
	assert_near(load_number(&f), 1.0);
	f.wait_us[ROLE_STORE] *= 2;
	assert_near(load_number(&f), 1.1);
	for (int64_t us = 1000; us < INT64_MAX / 8; us *= 8) {
		f.wait_us[ROLE_STORE] = us;
		assert_true(load_number(&f) >= before && load_number(&f) <= LOAD_MOST);
		before = load_number(&f);
	}
	assert_near(before, LOAD_MOST);
	/* Work behind the answer may wait. */
	f = (struct load_facts){ .fullest = 0.3 };
	f.wait_us[ROLE_MEDIA] = f.wait_us[ROLE_FILES] = f.wait_us[ROLE_COURIER] = 60000000;
	assert_near(load_number(&f), 0.3);
}

static void what_is_asked_for_counts_once_something_is_full(void **state)
{
	(void)state;
	assert_near(load_number(&(struct load_facts){ .fullest = 0.6, .asked = 1.1 }), 0.6);
	assert_near(load_number(&(struct load_facts){ .fullest = 1, .asked = 1.1 }), 1.1);
	assert_near(load_number(&(struct load_facts){ .fullest = 1, .asked = 7 }), LOAD_MOST);
	assert_near(load_number(&(struct load_facts){ .fullest = 1, .asked = 0.4 }), 1.0);
}

static void weights_fall_gently(void **state)
{
	(void)state;
	assert_int_equal(load_weight(0), 100);
	assert_int_equal(load_weight(0.5), 80);
	assert_int_equal(load_weight(1), 60);
	assert_int_equal(load_weight(1.2), 52);
	assert_int_equal(load_weight(-1), 100);
	assert_int_equal(load_weight(9), 52);
}

/*
 * Two machines whose weights follow their loads, at every demand up to beyond both: the shares come
 * to rest however uneven they begin.
 */
static void two_machines_come_to_rest(void **state)
{
	(void)state;
	for (double demand = 0.2; demand < 2.6; demand += 0.2) {
		double share = 0.95, before = 0;
		for (int step = 0; step < 60; step++) {
			unsigned a = load_weight(fmin(demand * share, 1));
			unsigned b = load_weight(fmin(demand * (1 - share), 1));
			before = share;
			share = (double)a / (a + b);
		}
		assert_true(fabs(share - 0.5) < 0.03 && fabs(share - before) < 0.03);
	}
}

static void a_window_has_two_seconds_and_waits_that_stand(void **state)
{
	struct load_window w = { .n = 0 };
	struct role_use_look look = { .at_us = 1000000 };

	(void)state;
	for (int i = 0; i <= 2 * LOAD_LOOKS; i++) {
		look.at_us += LOOK_US;
		look.live_us[ROLE_COMPUTE] += LOOK_US;
		look.busy_us[ROLE_COMPUTE] += i < LOAD_LOOKS ? LOOK_US : LOOK_US / 4;
		look.shortest_wait_us[ROLE_COMPUTE] = i % 4 == 0 ? 0 : 400000; /* a burst */
		double load = load_window_add(&w, &look, 0, 2);
		if (i == LOAD_LOOKS - 1) {
			assert_near(load, 1.0);
		} else if (i == 2 * LOAD_LOOKS) {
			assert_near(load, 0.25);
		}
	}
	for (int i = 0; i <= LOAD_LOOKS; i++) {
		look.at_us += LOOK_US;
		look.live_us[ROLE_COMPUTE] += LOOK_US;
		look.busy_us[ROLE_COMPUTE] += LOOK_US;
		look.shortest_wait_us[ROLE_COMPUTE] = 1000000; /* twice the target */
		double load = load_window_add(&w, &look, 0, 2);
		assert_true(i < LOAD_LOOKS ? load <= 1 : load > 1.09 && load < 1.11);
	}
	/* Nobody there: nothing to measure, and nothing to wait for. */
	w = (struct load_window){ .n = 0 };
	look.shortest_wait_us[ROLE_COMPUTE] = -1;
	assert_near(load_window_add(&w, &look, 0, 2), 0.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_use_of_what_is_fullest),
		cmocka_unit_test(waits_count_by_their_target_and_beyond_the_line),
		cmocka_unit_test(what_is_asked_for_counts_once_something_is_full),
		cmocka_unit_test(weights_fall_gently),
		cmocka_unit_test(two_machines_come_to_rest),
		cmocka_unit_test(a_window_has_two_seconds_and_waits_that_stand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
