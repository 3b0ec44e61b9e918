/* See wake_early.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/wake_early.h"

enum {
	WAKES = 20000
};

/* Late by 20 us, and every nth time by more: what is learnt in the end. */
static int64_t learnt(unsigned n, int64_t more_us)
{
	struct wake w;

	wake_init(&w);
	for (unsigned i = 1; i <= WAKES; i++) {
		wake_note(&w, i % n == 0 ? more_us : 20);
	}
	return wake_early_us(&w);
}

static void test_wake_ups_in_time_keep_polling_short(void **state)
{
	(void)state;
	assert_int_equal(learnt(WAKES + 1, 0), WAKE_LEAST_US);
}

static void test_what_one_in_fifty_exceeds_is_learnt(void **state)
{
	(void)state;
	assert_in_range(learnt(50, 100), 90, 111);
}

static void test_what_one_in_a_thousand_exceeds_is_not(void **state)
{
	(void)state;
	assert_in_range(learnt(1000, 100), WAKE_LEAST_US, WAKE_LEAST_US + 10);
}

static void test_there_is_a_bound(void **state)
{
	(void)state;
	assert_int_equal(learnt(1, 100000), WAKE_MOST_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wake_ups_in_time_keep_polling_short),
		cmocka_unit_test(test_what_one_in_fifty_exceeds_is_learnt),
		cmocka_unit_test(test_what_one_in_a_thousand_exceeds_is_not),
		cmocka_unit_test(test_there_is_a_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
