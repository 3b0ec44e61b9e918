/*
 * Arenas: alignment, zeroing, the maximum, cleanups.
 */
#include "core/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void test_memory_is_aligned_zeroed_and_apart(void **state)
{
	struct arena a = arena_new(1 << 20);
	unsigned char *p[300];

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		p[i] = arena_alloc(&a, i);
		assert_non_null(p[i]);
		assert_int_equal((uintptr_t)p[i] % alignof(max_align_t), 0);
		for (size_t at = 0; at < i; at++) {
			assert_int_equal(p[i][at], 0);
		}
		memset(p[i], (int)(i % 255) + 1, i);
	}
	for (size_t i = 0; i < 300; i++) {
		for (size_t at = 0; at < i; at++) {
			assert_int_equal(p[i][at], i % 255 + 1);
		}
	}
	arena_reset(&a);
}

static void test_maximum_is_kept(void **state)
{
	struct arena a = arena_new(64 * 1024);
	size_t got = 0;

	(void)state;
	assert_null(arena_alloc(&a, 64 * 1024));
	while (arena_alloc(&a, 1000) != NULL) {
		got += 1000;
		assert_true(got < 64 * 1024);
	}
	assert_true(got >= 48 * 1024);
	assert_true(a.used <= a.max);
	assert_null(arena_alloc(&a, SIZE_MAX));
	assert_null(arena_alloc(&a, SIZE_MAX - 8));
	arena_reset(&a);
	assert_int_equal(a.used, 0);
}

static void test_arena_smaller_than_a_chunk_works(void **state)
{
	struct arena a = arena_new(512);

	(void)state;
	assert_non_null(arena_alloc(&a, 100));
	assert_null(arena_alloc(&a, 512));
	arena_reset(&a);
}

static void test_allocation_larger_than_a_chunk_works(void **state)
{
	struct arena a = arena_new(1 << 20);
	char *big = arena_alloc(&a, 100000);

	(void)state;
	assert_non_null(big);
	memset(big, 1, 100000);
	arena_reset(&a);
}

static void test_copy_ends_with_nul(void **state)
{
	struct arena a = arena_new(8192);
	struct slice s = SLICE_EMPTY;

	(void)state;
	assert_int_equal(arena_copy(&a, SLICE("abcdef"), &s), ERR_OK);
	assert_string_equal(s.ptr, "abcdef");
	assert_int_equal(s.len, 6);
	assert_int_equal(arena_copy(&a, (struct slice){ NULL, 0 }, &s), ERR_OK);
	assert_string_equal(s.ptr, "");
	char big[8192] = { 0 };
	assert_int_equal(arena_copy(&a, SLICE_OF(big, sizeof(big)), &s), ERR_MEMORY);
	arena_reset(&a);
}

static void test_printf(void **state)
{
	struct arena a = arena_new(8192), none = arena_new(0);

	(void)state;
	assert_string_equal(arena_printf(&a, "%d/%s", 5, "x"), "5/x");
	assert_null(arena_printf(&none, "x"));
	arena_reset(&a);
}

static char order[8];

static void note(void *arg)
{
	strcat(order, arg);
}

static void test_cleanups_run_newest_first_and_once(void **state)
{
	struct arena a = arena_new(8192), none = arena_new(0);
	char first[] = "1", second[] = "2", third[] = "3";

	(void)state;
	order[0] = '\0';
	assert_int_equal(arena_defer(&a, note, first), ERR_OK);
	assert_int_equal(arena_defer(&a, note, second), ERR_OK);
	assert_int_equal(arena_defer(&a, note, third), ERR_OK);
	assert_int_equal(arena_defer(&none, note, third), ERR_MEMORY);
	arena_reset(&none);
	assert_string_equal(order, "");
	arena_reset(&a);
	assert_string_equal(order, "321");
	arena_reset(&a);
	assert_string_equal(order, "321");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_aligned_zeroed_and_apart),
		cmocka_unit_test(test_maximum_is_kept),
		cmocka_unit_test(test_arena_smaller_than_a_chunk_works),
		cmocka_unit_test(test_allocation_larger_than_a_chunk_works),
		cmocka_unit_test(test_copy_ends_with_nul),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_cleanups_run_newest_first_and_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
