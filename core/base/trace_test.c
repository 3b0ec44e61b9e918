/*
 * Trace ids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/trace.h"

enum {
	IDS = 20000
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void ids_of_many_processes_differ(void **state)
{
	uint64_t *ids = calloc(IDS, sizeof(*ids));
	unsigned n = 0, neighbours = 0;
	(void)state;

	assert_non_null(ids);
	for (uint64_t seed = 0; seed < 10; seed++) {
		struct trace_source s = trace_source_new(seed);
		for (int i = 0; i < IDS / 10; i++) {
			ids[n] = trace_next(&s);
			assert_int_not_equal(ids[n], 0);
			neighbours += i > 0 && ids[n] - ids[n - 1] < 1000000;
			n++;
		}
	}
	assert_int_equal(neighbours, 0);
	qsort(ids, n, sizeof(*ids), compare);
	for (unsigned i = 1; i < n; i++) {
		assert_true(ids[i] != ids[i - 1]);
	}
	free(ids);
}

static void text_has_all_digits(void **state)
{
	char out[TRACE_DIGITS];
	(void)state;

	assert_true(slice_eq(trace_text(0x1a, out), SLICE("000000000000001a")));
	assert_true(slice_eq(trace_text(UINT64_MAX, out), SLICE("ffffffffffffffff")));
}

static void a_traceparent_gives_its_last_half(void **state)
{
	uint64_t id = 0;
	(void)state;

	assert_true(trace_from_parent(
	    SLICE("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), &id));
	assert_true(id == UINT64_C(0xa3ce929d0e0e4736));
	assert_true(trace_from_parent(
	    SLICE("01-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b7-01-more"), &id));
	assert_true(id == UINT64_C(0xa3ce929d0e0e4737));
}

static void what_is_no_traceparent_gives_none(void **state)
{
	static const char *const bad[] = {
		"",
		"00",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
		"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",
		"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7 01",
	};
	uint64_t id = 7;
	(void)state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(trace_from_parent(slice_str(bad[i]), &id));
	}
	assert_int_equal(id, 7);
}

static void current_is_given_back(void **state)
{
	(void)state;

	assert_int_equal(trace_current(), 0);
	uint64_t before = trace_set(5);
	assert_int_equal(trace_current(), 5);
	assert_int_equal(trace_set(before), 5);
	assert_int_equal(trace_current(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_of_many_processes_differ),
		cmocka_unit_test(text_has_all_digits),
		cmocka_unit_test(a_traceparent_gives_its_last_half),
		cmocka_unit_test(what_is_no_traceparent_gives_none),
		cmocka_unit_test(current_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
