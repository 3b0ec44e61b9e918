/*
 * Forms and queries, and the percent-decoding below them; reason phrases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/http/http.h"
#include "core/http/target.h"

static void assert_value(const char *form, const char *name, const char *value)
{
	struct arena arena = arena_new(65536);
	struct slice found;

	assert_true(http_form_get(&arena, slice_str(form), slice_str(name), &found));
	if (!slice_eq(found, slice_str(value))) {
		fail_msg("%s of \"%s\" is \"%.*s\"", name, form, SLICE_ARG(found));
	}
	arena_reset(&arena);
}

static void assert_none(const char *form, const char *name)
{
	struct arena arena = arena_new(65536);
	struct slice found;

	assert_false(http_form_get(&arena, slice_str(form), slice_str(name), &found));
	arena_reset(&arena);
}

static void test_values(void **state)
{
	(void)state;
	assert_value("a=1&b=2", "a", "1");
	assert_value("a=1&b=2", "b", "2");
	assert_value("a=1&a=2", "a", "1");
	assert_value("a=x%20y+z%2B", "a", "x y z+");
	assert_value("%61b=1", "ab", "1");
	assert_value("a", "a", "");
	assert_value("a=", "a", "");
	assert_value("a=b=c", "a", "b=c");
	assert_value("&&a=1&", "a", "1");
	assert_value("=x", "", "x");
	assert_value("a=%C3%a9", "a", "\xc3\xa9");
	assert_value("a=\xc3\xa9", "a", "\xc3\xa9");
	assert_value("a=1;b=2", "a", "1;b=2");
	assert_none("a=1&b=2", "c");
	assert_none("", "a");
	assert_none("", "");
	assert_none("A=1", "a");
}

static void test_undecodable_pairs_are_skipped(void **state)
{
	(void)state;
	static const char *const bad[] = { "a=%", "a=%4", "a=%zz", "a=%00", "a=%e3h", "a=\xff",
		"%ff=1", "a%=1", "a=%c0%80" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char form[32];
		snprintf(form, sizeof(form), "%s&b=2", bad[i]);
		assert_none(form, "a");
		assert_value(form, "b", "2");
	}
}

static void test_walking(void **state)
{
	(void)state;
	struct arena arena = arena_new(65536);
	struct slice rest = SLICE("a=1&&b=%zz&c&a=%33"), name, value;

	assert_true(http_form_next(&arena, &rest, &name, &value));
	assert_true(slice_eq(name, SLICE("a")) && slice_eq(value, SLICE("1")));
	assert_true(http_form_next(&arena, &rest, &name, &value));
	assert_true(slice_eq(name, SLICE("c")) && slice_eq(value, SLICE_EMPTY));
	assert_true(http_form_next(&arena, &rest, &name, &value));
	assert_true(slice_eq(name, SLICE("a")) && slice_eq(value, SLICE("3")));
	assert_false(http_form_next(&arena, &rest, &name, &value));
	assert_false(http_form_next(&arena, &rest, &name, &value));
	arena_reset(&arena);
}

static void test_plus_is_a_space_in_forms_only(void **state)
{
	(void)state;
	char out[8];
	size_t len;

	assert_true(http_percent_decode(SLICE("a+b"), HTTP_PLUS_IS_PLUS, out, &len));
	assert_true(slice_eq(SLICE_OF(out, len), SLICE("a+b")));
	assert_true(http_percent_decode(SLICE("a+b"), HTTP_PLUS_IS_SPACE, out, &len));
	assert_true(slice_eq(SLICE_OF(out, len), SLICE("a b")));
	assert_true(http_percent_decode(SLICE("%2b"), HTTP_PLUS_IS_SPACE, out, &len));
	assert_true(slice_eq(SLICE_OF(out, len), SLICE("+")));
}

static void test_decoding_in_place(void **state)
{
	(void)state;
	char text[] = "%41b%43";
	size_t len;

	assert_true(http_percent_decode(SLICE_OF(text, 7), HTTP_PLUS_IS_PLUS, text, &len));
	assert_true(slice_eq(SLICE_OF(text, len), SLICE("AbC")));
}

static void test_utf8(void **state)
{
	(void)state;
	static const char *const good[] = { "", "a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80", "\xc2", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xe3h1", "\xe3\x81", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80", "\xff", "\xe3\x81\x61", "\xf0\x90\x80" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(http_is_utf8(slice_str(good[i])));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(http_is_utf8(slice_str(bad[i])));
	}
}

static void test_phrases(void **state)
{
	(void)state;
	assert_string_equal(http_status_phrase(100), "Continue");
	assert_string_equal(http_status_phrase(200), "OK");
	assert_string_equal(http_status_phrase(431), "Request Header Fields Too Large");
	assert_string_equal(http_status_phrase(507), "Insufficient Storage");
	assert_string_equal(http_status_phrase(299), "Unknown");
	assert_string_equal(http_status_phrase(0), "Unknown");
	assert_string_equal(http_status_phrase(1000), "Unknown");
	for (int e = 0; e < ERR_COUNT; e++) {
		assert_string_not_equal(
		    http_status_phrase(err_http_status((enum err)e)), "Unknown");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_undecodable_pairs_are_skipped),
		cmocka_unit_test(test_walking),
		cmocka_unit_test(test_plus_is_a_space_in_forms_only),
		cmocka_unit_test(test_decoding_in_place),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_phrases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
