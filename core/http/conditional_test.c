/*
 * Entity tags, conditions, ranges, codings.
 */
#include "core/http/conditional.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NONE ((struct slice){ NULL, 0 })

static void test_comparing_tags(void **state)
{
	(void)state;
	/* The table of RFC 9110 8.8.3.2. */
	static const struct {
		const char *a, *b;
		bool strong, weak;
	} rows[] = {
		{ "W/\"1\"", "W/\"1\"", false, true },
		{ "W/\"1\"", "W/\"2\"", false, false },
		{ "W/\"1\"", "\"1\"", false, true },
		{ "\"1\"", "\"1\"", true, true },
		{ "\"1\"", "\"11\"", false, false },
		{ "\"\"", "\"\"", true, true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice a = slice_str(rows[i].a), b = slice_str(rows[i].b);
		assert_int_equal(http_etag_eq(a, b, HTTP_ETAG_STRONG), rows[i].strong);
		assert_int_equal(http_etag_eq(a, b, HTTP_ETAG_WEAK), rows[i].weak);
		assert_int_equal(http_etag_eq(b, a, HTTP_ETAG_WEAK), rows[i].weak);
	}
}

static void test_lists_of_tags(void **state)
{
	(void)state;
	static const struct {
		const char *list;
		bool strong, weak;
	} rows[] = {
		{ "\"a\"", true, true },
		{ " \"x\" ,\t\"a\"", true, true },
		{ "\"x\",,\"a\",", true, true },
		{ "\"x\"\"a\"", true, true },
		{ "W/\"a\"", false, true },
		{ "W/\"x\", W/\"a\"", false, true },
		{ "\"x,\\\", \"a\"", true, true },
		{ "*", true, true },
		{ " * ", true, true },
		{ "*, \"a\"", false, false },
		{ "\"A\"", false, false },
		{ "a", false, false },
		{ "\"a", false, false },
		{ "w/\"a\"", false, false },
		{ "\"x\", a, \"a\"", false, false },
		{ "W/", false, false },
		{ "\"", false, false },
		{ "", false, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slice list = slice_str(rows[i].list), tag = SLICE("\"a\"");
		assert_int_equal(http_etag_in_list(list, tag, HTTP_ETAG_STRONG), rows[i].strong);
		assert_int_equal(http_etag_in_list(list, tag, HTTP_ETAG_WEAK), rows[i].weak);
	}
	assert_false(http_etag_in_list(SLICE("*"), SLICE_EMPTY, HTTP_ETAG_WEAK));
	assert_false(http_etag_in_list(SLICE("\"\""), SLICE_EMPTY, HTTP_ETAG_WEAK));
}

static void test_conditions(void **state)
{
	(void)state;
	struct slice tag = SLICE("\"a\""), same = tag, other = SLICE("\"b\""), star = SLICE("*");
	struct slice weak = SLICE("W/\"a\"");

#define CHECK_CONDITION(method, match, none_match, current, expected)                              \
	assert_int_equal(                                                                          \
	    http_condition_check(method, match, none_match, current), HTTP_CONDITION_##expected)
	CHECK_CONDITION(HTTP_GET, NONE, NONE, tag, PASS);
	CHECK_CONDITION(HTTP_GET, NONE, same, tag, NOT_MODIFIED);
	CHECK_CONDITION(HTTP_HEAD, NONE, weak, tag, NOT_MODIFIED);
	CHECK_CONDITION(HTTP_GET, NONE, star, tag, NOT_MODIFIED);
	CHECK_CONDITION(HTTP_GET, NONE, other, tag, PASS);
	CHECK_CONDITION(HTTP_PUT, NONE, same, tag, FAILED);
	CHECK_CONDITION(HTTP_PUT, NONE, star, tag, FAILED);
	CHECK_CONDITION(HTTP_PUT, NONE, star, SLICE_EMPTY, PASS);
	CHECK_CONDITION(HTTP_PUT, same, NONE, tag, PASS);
	CHECK_CONDITION(HTTP_PUT, weak, NONE, tag, FAILED);
	CHECK_CONDITION(HTTP_PUT, other, NONE, tag, FAILED);
	CHECK_CONDITION(HTTP_PUT, star, NONE, tag, PASS);
	CHECK_CONDITION(HTTP_PUT, star, NONE, SLICE_EMPTY, FAILED);
	CHECK_CONDITION(HTTP_PUT, SLICE_EMPTY, NONE, tag, FAILED);
	CHECK_CONDITION(HTTP_GET, other, same, tag, FAILED);
	CHECK_CONDITION(HTTP_GET, same, same, tag, NOT_MODIFIED);
}

static void assert_range(const char *text, uint64_t size, uint64_t first, uint64_t len)
{
	uint64_t got_first = 99, got_len = 99;

	assert_int_equal(
	    http_range_parse(slice_str(text), size, &got_first, &got_len), HTTP_RANGE_PART);
	assert_int_equal(got_first, first);
	assert_int_equal(got_len, len);
}

static void test_ranges(void **state)
{
	(void)state;
	assert_range("bytes=0-0", 10, 0, 1);
	assert_range("bytes=0-9", 10, 0, 10);
	assert_range("bytes=3-5", 10, 3, 3);
	assert_range("bytes=3-", 10, 3, 7);
	assert_range("bytes=9-", 10, 9, 1);
	assert_range("bytes=3-99", 10, 3, 7);
	assert_range("bytes=3-99999999999999999999999", 10, 3, 7);
	assert_range("bytes=-3", 10, 7, 3);
	assert_range("bytes=-99", 10, 0, 10);
	assert_range("bytes=-99999999999999999999999", 10, 0, 10);
	assert_range("Bytes= 1-2 ", 10, 1, 2);
	assert_range("bytes=0000000000000000000000001-2", 10, 1, 2);
}

static void test_ranges_without_a_part(void **state)
{
	(void)state;
	static const char *const whole[] = { "", "bytes", "bytes=", "bytes=-", "bytes=5",
		"bytes=5-4", "bytes=a-b", "bytes=1-b", "bytes=+1-2", "bytes=1 - 2", "bytes=0-1,3-4",
		"bytes=0-1,", "lines=1-2", "bytes =0-1", "bytes=--1", "bytes=1-2-3",
		"bytes=0x1-2" };
	static const char *const none[] = { "bytes=10-", "bytes=10-20", "bytes=-0",
		"bytes=99999999999999999999999-" };
	uint64_t first, len;

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		assert_int_equal(
		    http_range_parse(slice_str(whole[i]), 10, &first, &len), HTTP_RANGE_WHOLE);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_int_equal(http_range_parse(slice_str(none[i]), 10, &first, &len),
		    HTTP_RANGE_UNSATISFIABLE);
	}
	assert_int_equal(http_range_parse(NONE, 10, &first, &len), HTTP_RANGE_WHOLE);
	assert_int_equal(
	    http_range_parse(SLICE("bytes=0-"), 0, &first, &len), HTTP_RANGE_UNSATISFIABLE);
	assert_int_equal(
	    http_range_parse(SLICE("bytes=-1"), 0, &first, &len), HTTP_RANGE_UNSATISFIABLE);
}

static void test_if_range(void **state)
{
	(void)state;
	struct slice tag = SLICE("\"a\"");

	assert_true(http_if_range_holds(NONE, tag));
	assert_true(http_if_range_holds(SLICE("\"a\""), tag));
	assert_false(http_if_range_holds(SLICE("W/\"a\""), tag));
	assert_false(http_if_range_holds(SLICE("\"b\""), tag));
	assert_false(http_if_range_holds(SLICE("Sat, 29 Oct 1994 19:43:31 GMT"), tag));
	assert_false(http_if_range_holds(SLICE_EMPTY, tag));
}

static void test_codings(void **state)
{
	(void)state;
	static const char *const yes[] = { "gzip", "GZIP", "deflate, gzip", "gzip;q=1",
		"gzip;q=0.5", "gzip; q=0.001", "gzip ;Q=1.000", "*", "identity;q=0, *;q=0.1",
		"*;q=0, gzip", "br;q=1.0, gzip;q=0.8, *;q=0.1", ",gzip," };
	static const char *const no[] = { "", "gzip;q=0", "gzip;q=0.000", "identity", "xgzip",
		"gzi", "*;q=0", "gzip;q=0, *", "gzip;q=", "gzip;q=x", "gzip;q=0.0001", "gzip;q=10",
		"gzip;", "gzip;p=1", "gzip;q=-1", "br" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		assert_true(http_accepts_coding(slice_str(yes[i]), SLICE("gzip")));
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (http_accepts_coding(slice_str(no[i]), SLICE("gzip"))) {
			fail_msg("\"%s\" does not accept gzip", no[i]);
		}
	}
	assert_false(http_accepts_coding(NONE, SLICE("gzip")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparing_tags),
		cmocka_unit_test(test_lists_of_tags),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_ranges_without_a_part),
		cmocka_unit_test(test_if_range),
		cmocka_unit_test(test_codings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
