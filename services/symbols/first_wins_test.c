/*
 * Overlapping ranges: whatever they look like, the result is that of trying one after the other.
 */
#include "services/symbols/first_wins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
	MOST = 300
};

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static bool overlap(const struct first_wins *a, const struct first_wins *b)
{
	return a->start <= b->last && b->start <= a->last;
}

/* In the order of the file, against all that were kept before. */
static size_t keep_slowly(const struct first_wins *in, size_t n, struct first_wins *out)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool is_free = true;
		for (size_t k = 0; k < kept; k++) {
			is_free = is_free && !overlap(&in[i], &out[k]);
		}
		if (is_free) {
			out[kept++] = in[i];
		}
	}
	return kept;
}

static bool holds(const struct first_wins *set, size_t n, const struct first_wins *wanted)
{
	for (size_t i = 0; i < n; i++) {
		if (memcmp(&set[i], wanted, sizeof(*wanted)) == 0) {
			return true;
		}
	}
	return false;
}

static void check(const struct first_wins *in, size_t n)
{
	struct first_wins fast[MOST], slow[MOST];
	size_t n_fast = n, n_slow = keep_slowly(in, n, slow);

	memcpy(fast, in, n * sizeof(*in));
	assert_int_equal(first_wins_keep(fast, &n_fast), ERR_OK);
	assert_int_equal(n_fast, n_slow);
	for (size_t i = 0; i < n_fast; i++) {
		assert_true(holds(slow, n_slow, &fast[i]));
		assert_true(i == 0 || fast[i - 1].last < fast[i].start);
	}
}

static void random_ranges_are_kept_as_one_after_the_other(void **state)
{
	(void)state;
	uint64_t seed = 42;

	for (int round = 0; round < 2000; round++) {
		struct first_wins in[MOST];
		size_t n = 1 + next_random(&seed) % MOST;
		uint32_t space = 1u << (3 + next_random(&seed) % 12),
			 len = 1u << next_random(&seed) % 9;
		for (size_t i = 0; i < n; i++) {
			uint32_t start = (uint32_t)(next_random(&seed) % space);
			in[i] = (struct first_wins){ .start = start,
				.last = start + (uint32_t)(next_random(&seed) % len),
				.order = (uint32_t)i,
				.data = (uint32_t)i };
		}
		check(in, n);
	}
}

static void the_ends_of_the_address_space_are_no_trap(void **state)
{
	(void)state;
	const struct first_wins in[] = {
		{ UINT32_MAX, UINT32_MAX, 0, 0 },
		{ 0, UINT32_MAX, 1, 1 },
		{ 0, 0, 2, 2 },
		{ 1, UINT32_MAX - 1, 3, 3 },
		{ 0, 0, 4, 4 },
	};

	check(in, sizeof(in) / sizeof(in[0]));
	check(in, 1);
}

static void nothing_is_nothing(void **state)
{
	(void)state;
	size_t n = 0;

	assert_int_equal(first_wins_keep(NULL, &n), ERR_OK);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ranges_are_kept_as_one_after_the_other),
		cmocka_unit_test(the_ends_of_the_address_space_are_no_trap),
		cmocka_unit_test(nothing_is_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
