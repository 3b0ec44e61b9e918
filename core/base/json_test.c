/*
 * The JSON reader: what is accepted and refused, how deep, and typed reads. Beside it
 * json_size_test.c (long and many), json_write_test.c, and json_peer_test.c with the large table of
 * cases.
 */
#include "core/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_reset(&arena);
	return 0;
}

static enum err parse(struct slice text, const struct json **ret)
{
	return json_parse(&arena, text, ret, NULL);
}

static const struct json *parsed(const char *text)
{
	const struct json *v = NULL;

	assert_int_equal(parse(slice_str(text), &v), ERR_OK);
	assert_non_null(v);
	return v;
}

static void test_every_kind_is_read(void **state)
{
	static const struct {
		const char *text;
		enum json_kind kind;
	} rows[] = { { "null", JSON_KIND_NULL }, { "true", JSON_KIND_BOOL },
		{ "false", JSON_KIND_BOOL }, { "-12", JSON_KIND_INT }, { "1.5", JSON_KIND_REAL },
		{ "1e3", JSON_KIND_REAL }, { "\"x\"", JSON_KIND_STRING }, { "[]", JSON_KIND_ARRAY },
		{ " {} ", JSON_KIND_OBJECT } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(json_kind(parsed(rows[i].text)), rows[i].kind);
	}
}

static void test_malformed_text_is_refused(void **state)
{
	const struct slice rows[] = { SLICE(""), SLICE(" "), SLICE("{"), SLICE("}"), SLICE("[1,]"),
		SLICE("{\"a\":1,}"), SLICE("{a:1}"), SLICE("'x'"), SLICE("01"), SLICE("+1"),
		SLICE("1 2"), SLICE("{} x"), SLICE("[1]]"), SLICE("nul"), SLICE("NaN"),
		SLICE("\"a"), SLICE("\"\\x\""), SLICE("\"\n\""), SLICE("\"\\ud800\""),
		SLICE("\"\\udc00\""), SLICE("\"\xff\""), SLICE("\"\xc0\x80\""),
		SLICE("\"\xed\xa0\x80\""), SLICE("[1]\0"), SLICE("99999999999999999999"),
		SLICE("1e999"), SLICE("{\"a\\u0000b\":1}"), (struct slice){ NULL, 0 } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct json *v = NULL;
		assert_int_equal(parse(rows[i], &v), ERR_SYNTAX);
		assert_null(v);
	}
}

static void test_duplicate_names_are_refused(void **state)
{
	static const char *const rows[] = { "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}",
		"[{\"x\":{\"a\":1,\"b\":2,\"a\":3}}]" };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct json *v = NULL;
		assert_int_equal(parse(slice_str(rows[i]), &v), ERR_SYNTAX);
	}
	parsed("[{\"a\":1},{\"a\":2}]");
}

static void nested(char *out, char open, char close, unsigned depth)
{
	memset(out, open, depth);
	memset(out + depth, close, depth);
	out[2 * depth] = '\0';
}

static void test_nesting_is_limited(void **state)
{
	static char text[200001];
	const struct json *v = NULL;

	(void)state;
	nested(text, '[', ']', JSON_MAX_DEPTH);
	parsed(text);
	nested(text, '[', ']', JSON_MAX_DEPTH + 1);
	assert_int_equal(parse(slice_str(text), &v), ERR_LIMIT);
	memset(text, '[', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(parse(slice_str(text), &v), ERR_LIMIT);
}

static void test_brackets_in_strings_are_not_nesting(void **state)
{
	(void)state;
	parsed("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[\"");
	parsed("[\"\\\\\",\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"]");
}

static void test_note_says_where_but_does_not_quote_the_input(void **state)
{
	struct err_note note = { 0 };
	const struct json *v = NULL;

	(void)state;
	assert_int_equal(json_parse(&arena, SLICE("{\"pass\": hunter2}"), &v, &note), ERR_SYNTAX);
	assert_non_null(strstr(note.text, "JSON at byte "));
	assert_null(strstr(note.text, "hunter2"));
}

static void test_members_and_elements(void **state)
{
	const struct json *v = parsed("{\"list\":[1,\"two\"],\"yes\":true}");
	struct slice s;
	int64_t n = 0;
	bool b = false;

	(void)state;
	assert_int_equal(json_count(v), 2);
	assert_int_equal(json_count(json_member(v, "list")), 2);
	assert_int_equal(json_count(json_member(v, "yes")), 0);
	assert_true(json_get_i64(json_element(json_member(v, "list"), 0), &n) && n == 1);
	assert_true(json_get_string(json_element(json_member(v, "list"), 1), &s));
	assert_true(slice_eq(s, SLICE("two")));
	assert_true(json_get_bool(json_member(v, "yes"), &b) && b);
	assert_null(json_member(v, "none"));
	assert_null(json_member(json_member(v, "list"), "x"));
	assert_null(json_element(json_member(v, "list"), 2));
	assert_null(json_element(v, 0));
}

static void test_null_and_wrong_type_read_as_false(void **state)
{
	const struct json *text = parsed("\"1\""), *real = parsed("1.0"), *null = parsed("null");
	struct slice s = SLICE("kept");
	int64_t n = 7;
	bool b = true;

	(void)state;
	assert_null(json_member(NULL, "a"));
	assert_null(json_element(NULL, 0));
	assert_int_equal(json_count(NULL), 0);
	assert_false(
	    json_get_string(NULL, &s) || json_get_string(real, &s) || json_get_string(null, &s));
	assert_false(json_get_i64(NULL, &n) || json_get_i64(text, &n) || json_get_i64(real, &n));
	double d = 7;
	assert_false(json_get_real(NULL, &d) || json_get_real(text, &d) || json_get_real(null, &d));
	assert_true(d == 7 && json_get_real(real, &d) && d == 1);
	assert_true(json_get_real(parsed("-3"), &d) && d == -3);
	assert_false(json_get_bool(NULL, &b) || json_get_bool(text, &b) || json_get_bool(null, &b));
	assert_true(slice_eq(s, SLICE("kept")) && n == 7 && b);
}

static void test_string_may_hold_nul(void **state)
{
	struct slice s;

	(void)state;
	assert_true(json_get_string(parsed("\"a\\u0000b\\ud83d\\ude00\""), &s));
	assert_true(slice_eq(s, SLICE("a\0b\xf0\x9f\x98\x80")));
}

static void test_integers_at_their_ends(void **state)
{
	int64_t n = 0;

	(void)state;
	assert_true(json_get_i64(parsed("9223372036854775807"), &n) && n == INT64_MAX);
	assert_true(json_get_i64(parsed("-9223372036854775808"), &n) && n == INT64_MIN);
}

static void test_walk_sees_every_member_once(void **state)
{
	const struct json *v = parsed("{\"a\":1,\"b\":2,\"c\":4}"), *value = NULL;
	struct slice key;
	void *cursor = NULL;
	int64_t sum = 0, n = 0;

	(void)state;
	while (json_next(v, &cursor, &key, &value)) {
		assert_int_equal(key.len, 1);
		assert_true(json_get_i64(value, &n));
		assert_int_equal(n, 1 << (key.ptr[0] - 'a'));
		sum += n;
	}
	assert_int_equal(sum, 7);
	cursor = NULL;
	assert_false(json_next(parsed("[1]"), &cursor, &key, &value));
}

static void test_document_outlives_its_text(void **state)
{
	char text[] = "{\"name\":[\"plain\",\"esc\\u0061ped\",7]}";
	const struct json *v = parsed(text), *list = json_member(v, "name");
	struct slice s;
	int64_t n = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	list = json_member(v, "name");
	assert_true(json_get_string(json_element(list, 0), &s) && slice_eq(s, SLICE("plain")));
	assert_true(json_get_string(json_element(list, 1), &s) && slice_eq(s, SLICE("escaped")));
	assert_true(json_get_i64(json_element(list, 2), &n) && n == 7);
}

static void test_note_names_the_byte(void **state)
{
	static const struct {
		const char *text, *note;
	} rows[] = { { "[1,x]", "JSON at byte 3: no value" },
		{ "{\"a\":1,\"a\":2}", "JSON at byte 12: a name occurs twice" },
		{ "[1", "JSON at byte 2: ends too early" },
		{ "\"ab", "JSON at byte 3: ends too early" },
		{ "[] 1", "JSON at byte 3: something follows the value" },
		{ "[\"\\q\"]", "JSON at byte 3: unknown escape" },
		{ "[\"ab\xff\"]", "JSON at byte 4: not UTF-8" },
		{ "[\"ab\x01\"]", "JSON at byte 4: control character in a string" },
		{ "[99999999999999999999]", "JSON at byte 1: number too large" } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err_note note = { 0 };
		const struct json *v = NULL;
		assert_int_equal(
		    json_parse(&arena, slice_str(rows[i].text), &v, &note), ERR_SYNTAX);
		assert_string_equal(note.text, rows[i].note);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_every_kind_is_read),
		T(test_malformed_text_is_refused),
		T(test_duplicate_names_are_refused),
		T(test_nesting_is_limited),
		T(test_brackets_in_strings_are_not_nesting),
		T(test_note_says_where_but_does_not_quote_the_input),
		T(test_members_and_elements),
		T(test_null_and_wrong_type_read_as_false),
		T(test_string_may_hold_nul),
		T(test_integers_at_their_ends),
		T(test_walk_sees_every_member_once),
		T(test_document_outlives_its_text),
		T(test_note_names_the_byte),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
