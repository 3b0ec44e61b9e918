/*
 * The JSON writer: commas, escapes, and output that is valid whatever goes in.
 */
#include "core/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void test_writer_puts_commas_by_itself(void **state)
{
	struct buf b = buf_new(1000);
	struct json_writer w = json_writer_new(&b);

	(void)state;
	json_begin_object(&w);
	json_put_name(&w, SLICE("a"));
	json_begin_array(&w);
	json_put_i64(&w, INT64_MIN);
	json_put_bool(&w, true);
	json_put_null(&w);
	json_begin_array(&w);
	json_end_array(&w);
	json_put_raw(&w, SLICE("{\"r\":1}"));
	json_end_array(&w);
	json_put_name(&w, SLICE("b\""));
	json_begin_object(&w);
	json_end_object(&w);
	json_put_name(&w, SLICE("c"));
	json_put_bool(&w, false);
	json_end_object(&w);
	assert_true(slice_eq(buf_slice(&b),
	    SLICE(
		"{\"a\":[-9223372036854775808,true,null,[],{\"r\":1}],\"b\\\"\":{},\"c\":false}")));
	buf_free(&b);
}

static void test_strings_are_escaped(void **state)
{
	const struct {
		struct slice s;
		const char *text;
	} rows[] = {
		{ SLICE(""), "\"\"" },
		{ SLICE("a/b"), "\"a/b\"" },
		{ SLICE("\"\\"), "\"\\\"\\\\\"" },
		{ SLICE("\n\r\t"), "\"\\n\\r\\t\"" },
		{ SLICE("\0\x01\x1f\x7f"), "\"\\u0000\\u0001\\u001f\\u007f\"" },
		{ SLICE("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"),
		    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = buf_new(1000);
		struct json_writer w = json_writer_new(&b);
		json_put_string(&w, rows[i].s);
		assert_true(slice_eq(buf_slice(&b), slice_str(rows[i].text)));
		buf_free(&b);
	}
}

static void test_bytes_that_are_not_utf8_become_the_replacement(void **state)
{
#define R "\xef\xbf\xbd"
	const struct {
		struct slice s;
		const char *text;
	} rows[] = {
		{ SLICE("a\xff"
			"b"),
		    "\"a" R "b\"" },
		{ SLICE("\x80"), "\"" R "\"" },
		{ SLICE("\xc3"), "\"" R "\"" },
		{ SLICE("\xc3("), "\"" R "(\"" },
		{ SLICE("\xc0\xaf"), "\"" R R "\"" },
		{ SLICE("\xe0\x80\xaf"), "\"" R R R "\"" },
		{ SLICE("\xed\xa0\x80"), "\"" R R R "\"" },
		{ SLICE("\xf4\x90\x80\x80"), "\"" R R R R "\"" },
		{ SLICE("\xf0\x9f\x98"), "\"" R R R "\"" },
	};
#undef R

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = buf_new(1000);
		struct json_writer w = json_writer_new(&b);
		json_put_string(&w, rows[i].s);
		assert_true(slice_eq(buf_slice(&b), slice_str(rows[i].text)));
		buf_free(&b);
	}
}

static void test_any_pair_of_bytes_written_is_valid_json(void **state)
{
	(void)state;
	for (unsigned pair = 0; pair < 65536; pair += 7) {
		struct arena own = arena_new(1 << 14);
		struct buf b = buf_new(100);
		struct json_writer w = json_writer_new(&b);
		const struct json *v = NULL;
		char bytes[2] = { (char)(pair >> 8), (char)(pair & 255) };
		json_put_string(&w, SLICE_OF(bytes, 2));
		assert_int_equal(json_parse(&own, buf_slice(&b), &v, NULL), ERR_OK);
		arena_reset(&own);
		buf_free(&b);
	}
}

static void test_what_was_read_is_written_again(void **state)
{
	static const char text[] = "{\"a\":[1,-2,0.1,1.5e+300,true,false,null,[],{}],"
				   "\"\\\"\":\"x\\n\",\"big\":9223372036854775807}";
	struct arena arena = arena_new(1 << 16);
	struct buf b = buf_new(1000);
	struct json_writer w = json_writer_new(&b);
	const struct json *v = NULL;

	(void)state;
	assert_int_equal(json_parse(&arena, slice_str(text), &v, NULL), ERR_OK);
	json_begin_array(&w);
	json_put_value(&w, v);
	json_put_value(&w, json_element(json_member(v, "a"), 2));
	json_end_array(&w);
	struct slice got = buf_slice(&b);
	assert_true(slice_eq(slice_sub(got, 1, got.len - 5), slice_str(text)));
	assert_true(slice_ends(got, SLICE(",0.1]")));
	buf_free(&b);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writer_puts_commas_by_itself),
		cmocka_unit_test(test_strings_are_escaped),
		cmocka_unit_test(test_bytes_that_are_not_utf8_become_the_replacement),
		cmocka_unit_test(test_any_pair_of_bytes_written_is_valid_json),
		cmocka_unit_test(test_what_was_read_is_written_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
