/*
 * Floods of warnings: what is written of them, and that nothing is left out unsaid.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/obs/log_flood.h"

static unsigned admitted(struct log_flood *f, const char *event, int64_t second, unsigned lines)
{
	uint64_t left_out = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < lines; i++) {
		n += log_flood_admits(f, "m", event, second, &left_out);
	}
	return n;
}

static void the_first_lines_of_a_second_pass(void **state)
{
	struct log_flood f = { .n = 0 };

	(void)state;
	assert_int_equal(admitted(&f, "a", 1, 1000), FLOOD_LINES);
	assert_int_equal(admitted(&f, "a", 2, 3), 3);
}

static void kinds_do_not_disturb_each_other(void **state)
{
	struct log_flood f = { .n = 0 };

	(void)state;
	assert_int_equal(admitted(&f, "a", 1, 1000), FLOOD_LINES);
	assert_int_equal(admitted(&f, "b", 1, 5), 5);
}

static void what_was_left_out_is_said_once(void **state)
{
	struct log_flood f = { .n = 0 };
	uint64_t left_out = 0;

	(void)state;
	(void)admitted(&f, "a", 1, FLOOD_LINES + 7);
	assert_true(log_flood_admits(&f, "m", "a", 5, &left_out));
	assert_int_equal(left_out, 7);
	assert_true(log_flood_admits(&f, "m", "a", 5, &left_out));
	assert_int_equal(left_out, 0);
}

static void too_many_kinds_share_a_place(void **state)
{
	static const char names[2 * FLOOD_KINDS][2];
	struct log_flood f = { .n = 0 };
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * FLOOD_KINDS; i++) {
		n += admitted(&f, names[i], 1, 2);
	}
	assert_int_equal(n, 2 * (FLOOD_KINDS - 1) + FLOOD_LINES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_lines_of_a_second_pass),
		cmocka_unit_test(kinds_do_not_disturb_each_other),
		cmocka_unit_test(what_was_left_out_is_said_once),
		cmocka_unit_test(too_many_kinds_share_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
