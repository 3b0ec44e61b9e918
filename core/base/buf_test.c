/*
 * Buffers: appending, the maximum, failure that sticks, consuming.
 */
#include "core/base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void assert_text(const struct buf *b, const char *want)
{
	struct slice got = SLICE_EMPTY;

	assert_int_equal(buf_finish(b, &got), ERR_OK);
	assert_true(slice_eq(got, slice_str(want)));
}

static void test_new_buffer_is_empty_and_valid(void **state)
{
	struct buf b = buf_new(10);

	(void)state;
	assert_text(&b, "");
	buf_consume(&b, 0);
	buf_append(&b, NULL, 0);
	assert_text(&b, "");
	buf_free(&b);
}

static void test_appends_follow_each_other(void **state)
{
	struct buf b = buf_new(100);

	(void)state;
	buf_append_str(&b, "a");
	buf_append_char(&b, 'b');
	buf_append_slice(&b, SLICE("cd"));
	buf_append(&b, "ef", 2);
	buf_printf(&b, "%d-%s", 7, "g");
	assert_text(&b, "abcdef7-g");
	buf_free(&b);
}

static void test_numbers_at_their_ends(void **state)
{
	static const struct {
		int64_t n;
		const char *text;
	} rows[] = { { 0, "0" }, { -1, "-1" }, { 10, "10" }, { INT64_MAX, "9223372036854775807" },
		{ INT64_MIN, "-9223372036854775808" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b = buf_new(100);
		buf_append_i64(&b, rows[i].n);
		assert_text(&b, rows[i].text);
		buf_free(&b);
	}
	struct buf b = buf_new(100);
	buf_append_u64(&b, UINT64_MAX);
	assert_text(&b, "18446744073709551615");
	buf_free(&b);
}

static void test_exactly_the_maximum_fits(void **state)
{
	struct buf b = buf_new(5), p = buf_new(5);

	(void)state;
	buf_append_str(&b, "hello");
	assert_text(&b, "hello");
	buf_printf(&p, "%s", "hello");
	assert_text(&p, "hello");
	buf_free(&b);
	buf_free(&p);
}

static void test_failure_sticks_and_keeps_what_was_there(void **state)
{
	struct buf b = buf_new(5);
	struct slice got;

	(void)state;
	buf_append_str(&b, "abc");
	buf_append_str(&b, "def");
	assert_true(b.failed);
	buf_append_str(&b, "g");
	buf_printf(&b, "h");
	assert_null(buf_room(&b, 1));
	assert_int_equal(b.len, 3);
	assert_int_equal(buf_finish(&b, &got), ERR_LIMIT);
	buf_free(&b);
}

static void test_too_long_printf_fails(void **state)
{
	struct buf b = buf_new(5);

	(void)state;
	buf_printf(&b, "%s", "123456");
	assert_true(b.failed);
	buf_free(&b);
}

static void test_clear_forgets_failure(void **state)
{
	struct buf b = buf_new(3);

	(void)state;
	buf_append_str(&b, "abcd");
	buf_clear(&b);
	buf_append_str(&b, "xyz");
	assert_text(&b, "xyz");
	buf_free(&b);
}

static void test_free_leaves_a_usable_buffer(void **state)
{
	struct buf b = buf_new(300);

	(void)state;
	buf_append_str(&b, "abc");
	buf_free(&b);
	assert_int_equal(b.len, 0);
	buf_append_str(&b, "def");
	assert_text(&b, "def");
	buf_free(&b);
}

static void test_growth_keeps_the_content(void **state)
{
	struct buf b = buf_new(100000);

	(void)state;
	for (unsigned i = 0; i < 100000; i++) {
		buf_append_char(&b, (char)(i % 251));
	}
	assert_false(b.failed);
	for (unsigned i = 0; i < 100000; i++) {
		assert_int_equal(b.data[i], (char)(i % 251));
	}
	assert_true(b.cap <= b.max);
	buf_append_char(&b, 'x');
	assert_true(b.failed);
	buf_free(&b);
}

static void test_consume_drops_from_the_front(void **state)
{
	struct buf b = buf_new(100);

	(void)state;
	buf_append_str(&b, "abcdef");
	buf_consume(&b, 2);
	assert_text(&b, "cdef");
	buf_consume(&b, 4);
	assert_text(&b, "");
	buf_free(&b);
}

static void test_room_is_filled_by_hand(void **state)
{
	struct buf b = buf_new(1000);

	(void)state;
	char *room = buf_room(&b, 300);
	assert_non_null(room);
	memset(room, 'x', 300);
	buf_grew(&b, 3);
	assert_text(&b, "xxx");
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_buffer_is_empty_and_valid),
		cmocka_unit_test(test_appends_follow_each_other),
		cmocka_unit_test(test_numbers_at_their_ends),
		cmocka_unit_test(test_exactly_the_maximum_fits),
		cmocka_unit_test(test_failure_sticks_and_keeps_what_was_there),
		cmocka_unit_test(test_too_long_printf_fails),
		cmocka_unit_test(test_clear_forgets_failure),
		cmocka_unit_test(test_free_leaves_a_usable_buffer),
		cmocka_unit_test(test_growth_keeps_the_content),
		cmocka_unit_test(test_consume_drops_from_the_front),
		cmocka_unit_test(test_room_is_filled_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
