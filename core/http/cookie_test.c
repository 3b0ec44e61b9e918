/*
 * Cookies: finding one, writing one.
 */
#include "core/http/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_cookie(const char *header, const char *name, const char *value)
{
	struct slice found = http_cookie_find(slice_str(header), slice_str(name));

	if (value == NULL) {
		assert_null(found.ptr);
		return;
	}
	assert_non_null(found.ptr);
	if (!slice_eq(found, slice_str(value))) {
		fail_msg("%s of \"%s\" is \"%.*s\"", name, header, SLICE_ARG(found));
	}
}

static void test_finding_a_cookie(void **state)
{
	(void)state;
	assert_cookie("a=1", "a", "1");
	assert_cookie("a=1; b=2;c=3 ; d=4", "b", "2");
	assert_cookie("a=1; b=2;c=3 ; d=4", "c", "3");
	assert_cookie("a=1; b=2;c=3 ; d=4", "d", "4");
	assert_cookie("a=1; a=2", "a", "1");
	assert_cookie("aa=1; a=2", "a", "2");
	assert_cookie("a=x=y==", "a", "x=y==");
	assert_cookie("a=", "a", "");
	assert_cookie("a=\"q\"", "a", "q");
	assert_cookie("a=\"", "a", "\"");
	assert_cookie("a=\"\"", "a", "");
	assert_cookie("; ;=; a=1", "a", "1");
	assert_cookie("b=1", "a", NULL);
	assert_cookie("A=1", "a", NULL);
	assert_cookie("a", "a", NULL);
	assert_cookie("a =1", "a", NULL);
	assert_cookie("", "a", NULL);
	assert_null(http_cookie_find((struct slice){ NULL, 0 }, SLICE("a")).ptr);
}

static void assert_written(const struct http_set_cookie *c, const char *expected)
{
	struct buf out = buf_new(8192);
	struct slice text;

	assert_int_equal(http_set_cookie_put(&out, c), ERR_OK);
	assert_int_equal(buf_finish(&out, &text), ERR_OK);
	if (!slice_eq(text, slice_str(expected))) {
		fail_msg("\"%.*s\"", SLICE_ARG(text));
	}
	buf_free(&out);
}

static void test_writing_a_cookie(void **state)
{
	(void)state;
	struct http_set_cookie c = {
		.name = SLICE("id"), .value = SLICE("a-1_~="), .max_age_s = HTTP_COOKIE_SESSION
	};

	assert_written(&c, "id=a-1_~=; Path=/; SameSite=Lax");
	c.http_only = c.secure = true;
	c.max_age_s = 3600;
	c.same_site = HTTP_SAME_SITE_STRICT;
	c.path = SLICE("/x");
	c.domain = SLICE("a.example");
	assert_written(&c,
	    "id=a-1_~=; Path=/x; Domain=a.example; Max-Age=3600; HttpOnly; Secure; SameSite=Strict");
	c = (struct http_set_cookie){
		.name = SLICE("id"), .same_site = HTTP_SAME_SITE_NONE, .secure = true
	};
	assert_written(&c, "id=; Path=/; Max-Age=0; Secure; SameSite=None");
}

static void assert_refused(struct http_set_cookie c)
{
	struct buf out = buf_new(8192);

	assert_int_equal(http_set_cookie_put(&out, &c), ERR_INVALID);
	assert_int_equal(out.len, 0);
	buf_free(&out);
}

static void test_cookies_that_would_break_the_header(void **state)
{
	(void)state;
	static const char *const bad_names[] = { "", "a b", "a=", "a;", "a\r\n", "\xc3\xa9",
		"a\"" };
	static const char *const bad_values[] = { "a b", "a;b", "a,b", "\"a\"", "a\\b", "a\r\nb",
		"\xc3\xa9", "\x7f" };
	static const char *const bad_paths[] = { "/;x", "/\r\n", "/\t" };
	static char long_value[4096];

	for (size_t i = 0; i < sizeof(bad_names) / sizeof(bad_names[0]); i++) {
		assert_refused((struct http_set_cookie){ .name = slice_str(bad_names[i]) });
	}
	for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
		assert_refused((struct http_set_cookie){
		    .name = SLICE("a"), .value = slice_str(bad_values[i]) });
	}
	for (size_t i = 0; i < sizeof(bad_paths) / sizeof(bad_paths[0]); i++) {
		assert_refused((struct http_set_cookie){
		    .name = SLICE("a"), .path = slice_str(bad_paths[i]) });
	}
	assert_refused((struct http_set_cookie){ .name = SLICE("a"), .domain = SLICE("a;b") });
	assert_refused((struct http_set_cookie){ .name = SLICE("a"), .max_age_s = -2 });
	assert_refused(
	    (struct http_set_cookie){ .name = SLICE("a"), .same_site = HTTP_SAME_SITE_NONE });
	memset(long_value, 'x', sizeof(long_value));
	assert_refused((struct http_set_cookie){
	    .name = SLICE("a"), .value = SLICE_OF(long_value, sizeof(long_value)) });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finding_a_cookie),
		cmocka_unit_test(test_writing_a_cookie),
		cmocka_unit_test(test_cookies_that_would_break_the_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
