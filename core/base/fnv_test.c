/*
 * Published values of FNV-1a (64 bits) and of the finaliser of MurmurHash3.
 */
#include "core/base/fnv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_fnv1a_is_as_published(void **state)
{
	(void)state;
	assert_true(fnv1a(FNV1A_START, SLICE_EMPTY) == UINT64_C(0xcbf29ce484222325));
	assert_true(fnv1a(FNV1A_START, SLICE("a")) == UINT64_C(0xaf63dc4c8601ec8c));
	assert_true(fnv1a(FNV1A_START, SLICE("foobar")) == UINT64_C(0x85944171f73967e8));
}

static void test_parts_one_after_the_other_are_the_whole(void **state)
{
	uint64_t h = fnv1a(fnv1a(FNV1A_START, SLICE("foo")), SLICE("bar"));

	(void)state;
	assert_true(h == fnv1a(FNV1A_START, SLICE("foobar")));
	assert_true(fnv1a_byte(FNV1A_START, 'a') == fnv1a(FNV1A_START, SLICE("a")));
}

static void test_spread_moves_half_of_the_bits(void **state)
{
	unsigned moved = 0;

	(void)state;
	assert_true(hash_spread(0) == 0);
	for (unsigned bit = 0; bit < 64; bit++) {
		uint64_t changed = hash_spread(12345) ^ hash_spread(12345 ^ UINT64_C(1) << bit);
		moved += (unsigned)__builtin_popcountll(changed);
	}
	assert_in_range(moved, 64 * 28, 64 * 36);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fnv1a_is_as_published),
		cmocka_unit_test(test_parts_one_after_the_other_are_the_whole),
		cmocka_unit_test(test_spread_moves_half_of_the_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
