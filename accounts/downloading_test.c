/*
 * Addresses: what is taken apart, and what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "accounts/downloading.h"

static void assert_address(
    const char *url, bool is_https, const char *host, const char *authority, const char *path)
{
	struct download_address a;

	assert_true(download_address(slice_str(url), &a));
	assert_int_equal(a.is_https, is_https);
	assert_true(slice_eq(a.host, slice_str(host)));
	assert_true(slice_eq(a.authority, slice_str(authority)));
	assert_true(slice_eq(a.path, slice_str(path)));
}

static void addresses_are_taken_apart(void **state)
{
	(void)state;
	assert_address("https://a.example", true, "a.example", "a.example", "");
	assert_address("https://a.example/", true, "a.example", "a.example", "/");
	assert_address("http://a.example:80/x?y", false, "a.example", "a.example:80", "/x?y");
	assert_address("https://a.example?y/z", true, "a.example", "a.example", "?y/z");
	assert_address("https://[::1]:8002/x", true, "::1", "[::1]:8002", "/x");
	assert_address("https://[2001:db8::1]", true, "2001:db8::1", "[2001:db8::1]", "");
}

static void what_is_no_address(void **state)
{
	static const char *const bad[] = { "", "https://", "https:///x", "ftp://a", "//a", "a.zip",
		"https://a b/", "https://a/x y", "https://a/\n", "https://user@a/",
		"https://allowed.example:1@other.example/", "https://a:/x", "https://a:0/",
		"https://a:65536/", "https://a:1x/", "https://[::1/x", "https://[::1]x/",
		"https://[]/", "https://a\\@b/", "https://a#b", "https://\xc3\xa4/", "HTTPS://a/" };
	struct download_address a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(download_address(slice_str(bad[i]), &a));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_taken_apart),
		cmocka_unit_test(what_is_no_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
