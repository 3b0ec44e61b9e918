/*
 * Addresses, networks, X-Forwarded-For.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/http/address.h"

static struct http_address address(const char *text)
{
	struct http_address a = { { 0 } };

	assert_true(http_address_parse(slice_str(text), &a));
	return a;
}

static void texts_of_addresses(void **state)
{
	static const char *const pairs[][2] = {
		{ "127.0.0.1", "127.0.0.1" },
		{ "127.0.0.1:80", "127.0.0.1" },
		{ "255.100.10.9", "255.100.10.9" },
		{ "0.99.200.0", "0.99.200.0" },
		{ "::1", "::1" },
		{ "[::1]", "::1" },
		{ "[2001:db8::7]:443", "2001:db8::7" },
		{ "::ffff:10.0.0.1", "10.0.0.1" },
	};
	char text[HTTP_ADDRESS_TEXT];
	(void)state;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct http_address a = address(pairs[i][0]);
		http_address_text(&a, text);
		assert_string_equal(text, pairs[i][1]);
	}
}

static void what_is_no_address(void **state)
{
	static const char *const wrong[] = { "", "x", "1.2.3", "1.2.3.4.5", "1.2.3.256", "[::1",
		":::", "unknown", "1.2.3.4 ", "_hidden", "[]",
		"12345678901234567890123456789012345678901234567" };
	struct http_address a;
	(void)state;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_false(http_address_parse(slice_str(wrong[i]), &a));
	}
}

static void an_ipv6_group_is_a_64(void **state)
{
	struct http_address a = address("2001:db8:1:2:3:4:5:6"), same = address("2001:db8:1:2::"),
			    v4 = address("192.0.2.1");
	(void)state;

	struct http_address group = http_address_group(&a);
	assert_memory_equal(&group, &same, sizeof(group));
	group = http_address_group(&v4);
	assert_memory_equal(&group, &v4, sizeof(group));
}

static void networks_match_by_prefix(void **state)
{
	struct http_networks n;
	(void)state;

	assert_int_equal(
	    http_networks_parse(SLICE("10.0.0.0/8, 192.0.2.7,2001:db8::/33 ,"), &n, NULL), ERR_OK);
	assert_int_equal(n.n, 3);
	static const struct {
		const char *text;
		bool is_in;
	} cases[] = {
		{ "10.255.1.2", true },
		{ "11.0.0.0", false },
		{ "192.0.2.7", true },
		{ "192.0.2.6", false },
		{ "2001:db8:7fff::1", true },
		{ "2001:db8:8000::1", false },
		{ "::ffff:10.1.1.1", true },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_address a = address(cases[i].text);
		assert_int_equal(http_networks_have(&n, &a), cases[i].is_in);
	}
}

static void wrong_networks_are_named(void **state)
{
	struct http_networks n = { .n = 7 };
	struct err_note note = { .code = ERR_OK };
	(void)state;

	assert_int_equal(http_networks_parse(SLICE("10.0.0.0/8, nonsense"), &n, &note), ERR_SYNTAX);
	assert_non_null(strstr(note.text, "nonsense"));
	assert_int_equal(n.n, 7);
	assert_int_equal(http_networks_parse(SLICE("10.0.0.0/33"), &n, NULL), ERR_SYNTAX);
	assert_int_equal(http_networks_parse(SLICE("::1/129"), &n, NULL), ERR_SYNTAX);
	assert_int_equal(http_networks_parse(SLICE("10.0.0.0/"), &n, NULL), ERR_SYNTAX);
	assert_int_equal(http_networks_parse(SLICE(""), &n, NULL), ERR_OK);
	assert_int_equal(n.n, 0);
}

static void more_networks_than_fit(void **state)
{
	char text[HTTP_NETWORKS_MAX * 10 + 20];
	size_t at = 0;
	struct http_networks n;
	(void)state;

	for (int i = 0; i <= HTTP_NETWORKS_MAX; i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "10.0.0.%d,", i);
	}
	assert_int_equal(http_networks_parse(slice_str(text), &n, NULL), ERR_LIMIT);
}

static void expect_forwarded(const char *fields, const char *expected)
{
	char text[1024];
	struct http_head h = { .base = NULL };
	struct http_networks trusted;

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	assert_int_equal(
	    http_parse_head(&h, text, strlen(text), &HTTP_PARSE_LIMITS_DEFAULT), HTTP_PARSE_DONE);
	assert_int_equal(
	    http_networks_parse(SLICE("127.0.0.0/8, 10.0.0.0/8"), &trusted, NULL), ERR_OK);
	struct slice found = http_forwarded_for(&h, &trusted);
	if (expected == NULL) {
		assert_null(found.ptr);
		return;
	}
	assert_int_equal(found.len, strlen(expected));
	assert_memory_equal(found.ptr, expected, found.len);
}

static void the_last_untrusted_address_is_the_client(void **state)
{
	(void)state;
	expect_forwarded("", NULL);
	expect_forwarded("X-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9");
	expect_forwarded("X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.1.1.1\r\n", "203.0.113.9");
	expect_forwarded(
	    "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 203.0.113.9\r\n", "203.0.113.9");
	expect_forwarded(
	    "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 10.1.1.1\r\n", "203.0.113.9");
	expect_forwarded("X-Forwarded-For: 10.1.1.2, 10.1.1.1\r\n", "10.1.1.2");
	expect_forwarded("X-Forwarded-For: 203.0.113.9:4711\r\n", "203.0.113.9");
	expect_forwarded("X-Forwarded-For: [2001:db8::1]:5\r\n", "2001:db8::1");
}

static void what_stands_before_nonsense_is_not_believed(void **state)
{
	(void)state;
	expect_forwarded("X-Forwarded-For: nonsense\r\n", NULL);
	expect_forwarded("X-Forwarded-For:\r\n", NULL);
	expect_forwarded("X-Forwarded-For: 203.0.113.9, unknown\r\n", NULL);
	expect_forwarded("X-Forwarded-For: 203.0.113.9, unknown, 10.1.1.1\r\n", "10.1.1.1");
	expect_forwarded("X-Forwarded-For: 203.0.113.9,\r\n", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_addresses),
		cmocka_unit_test(what_is_no_address),
		cmocka_unit_test(an_ipv6_group_is_a_64),
		cmocka_unit_test(networks_match_by_prefix),
		cmocka_unit_test(wrong_networks_are_named),
		cmocka_unit_test(more_networks_than_fit),
		cmocka_unit_test(the_last_untrusted_address_is_the_client),
		cmocka_unit_test(what_stands_before_nonsense_is_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
