/*
 * Slices: comparing, searching, cutting, numbers; null pointers in empty slices.
 */
#include "core/base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum {
	N_MAX = 8
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct slice null_slice = { NULL, 0 };

static void test_equality_is_of_bytes(void **state)
{
	const struct {
		struct slice a, b;
		bool equal, nocase;
	} rows[] = {
		{ SLICE("abc"), SLICE("abc"), true, true },
		{ SLICE("abc"), SLICE("abd"), false, false },
		{ SLICE("abc"), SLICE("ab"), false, false },
		{ SLICE("ABC"), SLICE("abc"), false, true },
		{ SLICE("@["), SLICE("`{"), false, false },
		{ SLICE("\xc3\x84"), SLICE("\xc3\xa4"), false, false },
		{ SLICE("a\0b"), SLICE("a\0c"), false, false },
		{ SLICE_EMPTY, null_slice, true, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(slice_eq(rows[i].a, rows[i].b), rows[i].equal);
		assert_int_equal(slice_eq_secret(rows[i].a, rows[i].b), rows[i].equal);
		assert_int_equal(slice_eq_nocase(rows[i].a, rows[i].b), rows[i].nocase);
	}
}

static void test_sub_is_cut_to_the_slice(void **state)
{
	const struct {
		size_t from, to;
		const char *want;
	} rows[] = { { 0, 5, "hello" }, { 1, 3, "el" }, { 3, 99, "lo" }, { 9, 99, "" },
		{ 3, 1, "" }, { 5, 5, "" } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(slice_eq(
		    slice_sub(SLICE("hello"), rows[i].from, rows[i].to), slice_str(rows[i].want)));
	}
	assert_int_equal(slice_sub(null_slice, 0, 5).len, 0);
}

static void test_starts_and_ends(void **state)
{
	const struct {
		struct slice s, affix;
		bool starts, ends;
	} rows[] = {
		{ SLICE("abcab"), SLICE("ab"), true, true },
		{ SLICE("abc"), SLICE("bc"), false, true },
		{ SLICE("abc"), SLICE("abc"), true, true },
		{ SLICE("abc"), SLICE("abcd"), false, false },
		{ SLICE("abc"), SLICE_EMPTY, true, true },
		{ null_slice, null_slice, true, true },
		{ null_slice, SLICE("a"), false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(slice_starts(rows[i].s, rows[i].affix), rows[i].starts);
		assert_int_equal(slice_ends(rows[i].s, rows[i].affix), rows[i].ends);
	}
}

static void test_find_gives_the_position_or_the_length(void **state)
{
	(void)state;
	assert_int_equal(slice_find(SLICE("a=b=c"), '=', 0), 1);
	assert_int_equal(slice_find(SLICE("a=b=c"), '=', 1), 1);
	assert_int_equal(slice_find(SLICE("a=b=c"), '=', 2), 3);
	assert_int_equal(slice_find(SLICE("a=b=c"), '=', 4), 5);
	assert_int_equal(slice_find(SLICE("a=b=c"), '=', 99), 5);
	assert_int_equal(slice_find(null_slice, '=', 0), 0);
}

static void test_trim_takes_spaces_and_tabs_only(void **state)
{
	(void)state;
	assert_true(slice_eq(slice_trim(SLICE(" \t a b \t")), SLICE("a b")));
	assert_true(slice_eq(slice_trim(SLICE("\na\r")), SLICE("\na\r")));
	assert_int_equal(slice_trim(SLICE(" \t ")).len, 0);
	assert_int_equal(slice_trim(null_slice).len, 0);
}

static void test_split_yields_every_piece(void **state)
{
	static const struct {
		const char *text;
		unsigned n;
		const char *pieces[N_MAX];
	} rows[] = {
		{ "a,b,c", 3, { "a", "b", "c" } },
		{ "a", 1, { "a" } },
		{ "", 1, { "" } },
		{ ",", 2, { "", "" } },
		{ "a,,b,", 4, { "a", "", "b", "" } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct slice piece, rest = slice_str(rows[i].text);
		unsigned n = 0;
		while (slice_split(&rest, ',', &piece)) {
			assert_true(n < rows[i].n);
			assert_true(slice_eq(piece, slice_str(rows[i].pieces[n++])));
		}
		assert_int_equal(n, rows[i].n);
	}
}

static void test_split_of_a_null_slice_yields_nothing(void **state)
{
	struct slice piece, rest = null_slice;

	(void)state;
	assert_false(slice_split(&rest, ',', &piece));
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		enum err want;
		uint64_t n;
	} rows[] = {
		{ "0", 0, ERR_OK, 0 },
		{ "007", 7, ERR_OK, 7 },
		{ "18446744073709551615", UINT64_MAX, ERR_OK, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, ERR_LIMIT, 0 },
		{ "99999999999999999999999999", UINT64_MAX, ERR_LIMIT, 0 },
		{ "65535", 65535, ERR_OK, 65535 },
		{ "65536", 65535, ERR_LIMIT, 0 },
		{ "5", 3, ERR_LIMIT, 0 },
		{ "10", 9, ERR_LIMIT, 0 },
		{ "", 9, ERR_SYNTAX, 0 },
		{ "-1", 9, ERR_SYNTAX, 0 },
		{ "+1", 9, ERR_SYNTAX, 0 },
		{ " 1", 9, ERR_SYNTAX, 0 },
		{ "1 ", 9, ERR_SYNTAX, 0 },
		{ "0x1", 99, ERR_SYNTAX, 0 },
		{ "1.0", 99, ERR_SYNTAX, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t n = 12345;
		assert_int_equal(
		    slice_to_u64(slice_str(rows[i].text), rows[i].max, &n), rows[i].want);
		assert_true(n == (rows[i].want == ERR_OK ? rows[i].n : 12345));
	}
}

static void test_cstr_refuses_what_does_not_fit_and_nul_bytes(void **state)
{
	char out[4];

	(void)state;
	assert_int_equal(slice_to_cstr(SLICE("abc"), out, sizeof(out)), ERR_OK);
	assert_string_equal(out, "abc");
	assert_int_equal(slice_to_cstr(SLICE("abcd"), out, sizeof(out)), ERR_LIMIT);
	assert_int_equal(slice_to_cstr(SLICE("a\0b"), out, sizeof(out)), ERR_LIMIT);
	assert_int_equal(slice_to_cstr(SLICE("a"), out, 0), ERR_LIMIT);
	assert_int_equal(slice_to_cstr(null_slice, out, sizeof(out)), ERR_OK);
	assert_string_equal(out, "");
}

static void test_str_of_null_is_empty(void **state)
{
	(void)state;
	assert_int_equal(slice_str(NULL).len, 0);
	assert_int_equal(slice_str("abc").len, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equality_is_of_bytes),
		cmocka_unit_test(test_sub_is_cut_to_the_slice),
		cmocka_unit_test(test_starts_and_ends),
		cmocka_unit_test(test_find_gives_the_position_or_the_length),
		cmocka_unit_test(test_trim_takes_spaces_and_tabs_only),
		cmocka_unit_test(test_split_yields_every_piece),
		cmocka_unit_test(test_split_of_a_null_slice_yields_nothing),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_cstr_refuses_what_does_not_fit_and_nul_bytes),
		cmocka_unit_test(test_str_of_null_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
