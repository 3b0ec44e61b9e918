/*
 * Random numbers: bounds, no gross bias, the alphabet of tokens. The limits are so wide that chance
 * breaks them less than once in a billion runs.
 */
#include "core/base/rng.h"

#include <setjmp.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void test_below_stays_below(void **state)
{
	static const uint64_t bounds[] = { 1, 2, 3, 7, 62, 256, UINT64_C(1) << 63, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		for (int n = 0; n < 1000; n++) {
			assert_true(rng_below(bounds[i]) < bounds[i]);
		}
	}
}

static void test_below_is_even(void **state)
{
	enum {
		BOUND = 6,
		DRAWS = 60000
	};
	unsigned seen[BOUND] = { 0 };

	(void)state;
	for (int n = 0; n < DRAWS; n++) {
		seen[rng_below(BOUND)]++;
	}
	/* Expected 10,000 each, standard deviation 91. */
	for (int i = 0; i < BOUND; i++) {
		assert_in_range(seen[i], 9300, 10700);
	}
}

static void test_below_is_even_where_modulo_would_not_be(void **state)
{
	/* With plain modulo the lower half would come up twice as often as the upper. */
	const uint64_t bound = UINT64_MAX / 3 * 2;
	unsigned lower = 0;

	(void)state;
	for (int n = 0; n < 20000; n++) {
		lower += rng_below(bound) < bound / 2;
	}
	assert_in_range(lower, 9500, 10500);
}

static void test_every_bit_changes(void **state)
{
	unsigned ones[64] = { 0 };

	(void)state;
	for (int n = 0; n < 10000; n++) {
		uint64_t x = rng_u64();
		for (int bit = 0; bit < 64; bit++) {
			ones[bit] += (unsigned)(x >> bit & 1);
		}
	}
	for (int bit = 0; bit < 64; bit++) {
		assert_in_range(ones[bit], 4600, 5400);
	}
}

static void test_bytes_of_any_length_fill_just_that(void **state)
{
	static const size_t lengths[] = { 0, 1, 8, 255, 256, 257, 1000 };
	unsigned char out[1001];

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t len = lengths[i];
		unsigned changed = 0;
		for (int again = 0; again < 8; again++) {
			memset(out, 0, sizeof(out));
			rng_bytes(out, len);
			assert_int_equal(out[len], 0);
			changed |= len == 0 || out[len - 1] != 0;
		}
		assert_true(changed);
	}
}

static void test_tokens_are_letters_and_digits_and_differ(void **state)
{
	char a[49], b[49];
	unsigned seen[256] = { 0 };
	unsigned kinds = 0;

	(void)state;
	rng_token(a, 48);
	rng_token(b, 48);
	assert_int_equal(strlen(a), 48);
	assert_string_not_equal(a, b);
	for (int n = 0; n < 200; n++) {
		rng_token(a, 48);
		for (int i = 0; i < 48; i++) {
			seen[(unsigned char)a[i]]++;
		}
	}
	for (int c = 0; c < 256; c++) {
		bool allowed =
		    (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
		assert_true(allowed || seen[c] == 0);
		kinds += seen[c] > 0;
	}
	assert_int_equal(kinds, 62);
}

static void test_token_of_no_length_is_the_empty_string(void **state)
{
	char out[1] = { 'x' };

	(void)state;
	rng_token(out, 0);
	assert_string_equal(out, "");
}

static void test_a_child_does_not_repeat_its_parent(void **state)
{
	uint64_t child = 0;
	int fds[2], status = 0;

	(void)state;
	(void)rng_u64(); /* something is left over */
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		child = rng_u64();
		_exit(write(fds[1], &child, sizeof(child)) == sizeof(child) ? 0 : 1);
	}
	assert_int_equal(read(fds[0], &child, sizeof(child)), sizeof(child));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_true(child != rng_u64());
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_below_stays_below),
		cmocka_unit_test(test_a_child_does_not_repeat_its_parent),
		cmocka_unit_test(test_below_is_even),
		cmocka_unit_test(test_below_is_even_where_modulo_would_not_be),
		cmocka_unit_test(test_every_bit_changes),
		cmocka_unit_test(test_bytes_of_any_length_fill_just_that),
		cmocka_unit_test(test_tokens_are_letters_and_digits_and_differ),
		cmocka_unit_test(test_token_of_no_length_is_the_empty_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
