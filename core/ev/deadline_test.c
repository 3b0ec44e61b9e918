/*
 * The deadline heap against the plainest model of it: random adding, removing and popping, the pops
 * must be the minimum of what is in.
 */
#include "core/ev/deadline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/rng.h"

enum {
	N = 200,
	STEPS = 20000
};

static int64_t smallest(const int64_t due[N], const struct deadline nodes[N])
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < N; i++) {
		if (nodes[i].place != 0 && due[i] < least) {
			least = due[i];
		}
	}
	return least;
}

static void test_pop_always_gives_the_earliest(void **state)
{
	struct deadline_heap h;
	struct deadline nodes[N] = { 0 };
	int64_t due[N] = { 0 };

	(void)state;
	assert_int_equal(deadline_init(&h, N), ERR_OK);
	for (unsigned step = 0; step < STEPS; step++) {
		size_t i = (size_t)rng_below(N);
		if (rng_below(4) == 0) {
			int64_t least = smallest(due, nodes);
			struct deadline *d = deadline_pop(&h, INT64_MAX - 1);
			assert_true((d == NULL) == (least == INT64_MAX));
			assert_true(d == NULL || due[d - nodes] == least);
		} else if (nodes[i].place != 0) {
			deadline_remove(&h, &nodes[i]);
		} else {
			due[i] = (int64_t)rng_below(1000);
			deadline_add(&h, &nodes[i], due[i]);
		}
		assert_true(deadline_next_us(&h) == smallest(due, nodes));
	}
	deadline_fini(&h);
}

static void test_pop_leaves_what_is_not_due(void **state)
{
	struct deadline_heap h;
	struct deadline node = { 0 };

	(void)state;
	assert_int_equal(deadline_init(&h, 1), ERR_OK);
	assert_null(deadline_pop(&h, INT64_MAX));
	deadline_add(&h, &node, 100);
	assert_null(deadline_pop(&h, 99));
	assert_ptr_equal(deadline_pop(&h, 100), &node);
	deadline_remove(&h, &node);
	deadline_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pop_always_gives_the_earliest),
		cmocka_unit_test(test_pop_leaves_what_is_not_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
