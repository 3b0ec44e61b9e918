/*
 * The heap of what is due: order, bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/chance.h"
#include "lab/due.h"

static void the_earliest_comes_first(void **state)
{
	struct due_heap h = { .max = 5000 };
	struct chance c = chance_new(1, 1);
	struct due d = { 0 };
	int64_t before = 0;
	unsigned in = 0, out = 0;

	(void)state;
	assert_int_equal(due_next_us(&h), INT64_MAX);
	assert_false(due_pop(&h, INT64_MAX, &d));
	/* Adding and taking by turns, so that the heap is seen in many forms. */
	for (int round = 0; round < 50; round++) {
		for (int i = 0; i < 80; i++, in++) {
			d = (struct due){ before + (int64_t)chance_below(&c, 1000), &h };
			assert_int_equal(due_add(&h, d), ERR_OK);
		}
		for (int i = 0; i < 60; i++, out++) {
			assert_true(due_pop(&h, INT64_MAX, &d));
			assert_true(d.at_us >= before);
			before = d.at_us;
		}
	}
	while (due_pop(&h, INT64_MAX, &d)) {
		assert_true(d.at_us >= before);
		before = d.at_us;
		out++;
	}
	assert_int_equal(in, out);
	due_fini(&h);
}

static void nothing_is_due_before_its_time_and_there_is_a_most(void **state)
{
	struct due_heap h = { .max = 3 };
	struct due d = { 0 };

	(void)state;
	for (int64_t i = 3; i > 0; i--) {
		assert_int_equal(due_add(&h, (struct due){ i * 10, NULL }), ERR_OK);
	}
	assert_int_equal(due_add(&h, (struct due){ 1, NULL }), ERR_LIMIT);
	assert_int_equal(due_next_us(&h), 10);
	assert_false(due_pop(&h, 9, &d));
	assert_true(due_pop(&h, 10, &d));
	assert_false(due_pop(&h, 10, &d));
	due_fini(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_earliest_comes_first),
		cmocka_unit_test(nothing_is_due_before_its_time_and_there_is_a_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
