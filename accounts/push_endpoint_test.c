/*
 * Endpoints that pushes may go to, and others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "accounts/push_endpoint.h"

static bool is_good(const struct push_policy *p, const char *text)
{
	struct push_endpoint unused;

	return push_endpoint_take(p, slice_str(text), &unused);
}

static const struct push_policy any = { .hosts = "" };
static const struct push_policy own = { .hosts = "", .allow_private = true };

static void parts(void **state)
{
	struct push_endpoint e;

	(void)state;
	assert_true(
	    push_endpoint_take(&any, SLICE("https://fcm.googleapis.com/fcm/send/a:b?c#d"), &e));
	assert_true(slice_eq(e.origin, SLICE("https://fcm.googleapis.com")));
	assert_true(slice_eq(e.host, SLICE("fcm.googleapis.com")));
	assert_false(e.is_plain);
	assert_true(push_endpoint_take(&own, SLICE("http://127.0.0.1:8080/x"), &e));
	assert_true(slice_eq(e.origin, SLICE("http://127.0.0.1:8080")));
	assert_true(slice_eq(e.host, SLICE("127.0.0.1")));
	assert_true(e.is_plain);
}

static void what_is_no_endpoint(void **state)
{
	static const char *const bad[] = { "", "https://", "https:///x", "https://a",
		"http://a.org/x", "ftp://a.org/x", "//a.org/x", "https://a.org:8443/x",
		"https://a.org:/x", "https://u@a.org/x", "https://u:p@a.org/x",
		"https://a.org\\@b.org/x", "https://A.org/x", "https://a.org/x y",
		"https://a.org/\n", "https://[::1]/x", "https://.a.org/x", "https://a.org./x",
		"https://a.org?x", "https://a.org#/x", "http://127.0.0.1/x", "https://a%2eorg/x" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (is_good(&any, bad[i])) {
			fail_msg("%s", bad[i]);
		}
	}
	assert_true(is_good(&any, "https://a.org:443/x"));
	assert_true(is_good(&own, "https://a.org:8443/x"));
	assert_false(is_good(&own, "http://a.org/x"));
	assert_false(is_good(&own, "https://a.org:123456/x"));
	char longest[PUSH_ENDPOINT_MAX + 2];
	memset(longest, 'x', sizeof(longest));
	memcpy(longest, "https://a.org/", 14);
	longest[PUSH_ENDPOINT_MAX] = '\0';
	assert_true(is_good(&any, longest));
	longest[PUSH_ENDPOINT_MAX] = 'x';
	longest[PUSH_ENDPOINT_MAX + 1] = '\0';
	assert_false(is_good(&any, longest));
}

static void hosts_that_are_named(void **state)
{
	static const struct push_policy p = { .hosts = "fcm.googleapis.com, *.push.apple.com" };

	(void)state;
	assert_true(is_good(&p, "https://fcm.googleapis.com/x"));
	assert_true(is_good(&p, "https://web.push.apple.com/x"));
	assert_false(is_good(&p, "https://push.apple.com/x"));
	assert_false(is_good(&p, "https://xpush.apple.com/x"));
	assert_false(is_good(&p, "https://fcm.googleapis.com.evil.org/x"));
	assert_false(is_good(&p, "https://evilfcm.googleapis.com/x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts),
		cmocka_unit_test(what_is_no_endpoint),
		cmocka_unit_test(hosts_that_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
