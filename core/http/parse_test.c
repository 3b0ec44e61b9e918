/*
 * The parser accepts what is well formed and finds the right parts in it.
 */
#include "core/http/parse_test.h"

static struct http_head parsed(struct slice text)
{
	struct http_parse_limits limits = HTTP_PARSE_LIMITS_DEFAULT;
	struct http_head h;

	assert_int_equal(parse_all_ways(text, &limits, &h), HTTP_PARSE_DONE);
	return h;
}

static void assert_text(const struct http_head *h, struct http_span span, const char *expected)
{
	struct slice text = http_head_text(h, span);

	if (!slice_eq(text, slice_str(expected))) {
		fail_msg("\"%.*s\" is not \"%s\"", SLICE_ARG(text), expected);
	}
}

static void test_a_plain_request(void **state)
{
	(void)state;
	struct slice text = SLICE("GET /a/b?c=d&e HTTP/1.1\r\nHost: example.org:8000\r\n"
				  "Accept: */*\r\nX-Empty:\r\nX-Space: \t a b \t\r\n\r\nrest");
	struct http_head h = parsed(text);

	assert_int_equal(h.head_bytes, text.len - 4);
	assert_int_equal(h.method, HTTP_GET);
	assert_text(&h, h.method_text, "GET");
	assert_text(&h, h.target, "/a/b?c=d&e");
	assert_text(&h, h.path, "/a/b");
	assert_text(&h, h.query, "c=d&e");
	assert_text(&h, h.host, "example.org:8000");
	assert_int_equal(h.n_fields, 4);
	assert_text(&h, h.fields[0].name, "Host");
	assert_text(&h, h.fields[2].value, "");
	assert_text(&h, h.fields[3].name, "X-Space");
	assert_text(&h, h.fields[3].value, "a b");
	assert_int_equal(h.content_length, -1);
	assert_false(h.chunked || h.expect_continue || h.http_1_0 || h.asterisk);
	assert_false(http_head_has_body(&h));
	assert_true(h.keep_alive);
}

static void test_fields_are_found_without_regard_to_case(void **state)
{
	(void)state;
	struct http_head h = parsed(SLICE("GET / HTTP/1.1\r\nhOsT: a\r\nCOOKIE: x=1\r\n"
					  "Cookie: y=2\r\n\r\n"));

	assert_true(slice_eq(http_head_find(&h, SLICE("cookie")), SLICE("x=1")));
	assert_null(http_head_find(&h, SLICE("cook")).ptr);
	assert_text(&h, h.host, "a");
}

static void test_methods(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum http_method method;
	} rows[] = {
		{ "GET", HTTP_GET },
		{ "HEAD", HTTP_HEAD },
		{ "POST", HTTP_POST },
		{ "PUT", HTTP_PUT },
		{ "DELETE", HTTP_DELETE },
		{ "PATCH", HTTP_PATCH },
		{ "OPTIONS", HTTP_OPTIONS },
		{ "get", HTTP_OTHER_METHOD },
		{ "GETS", HTTP_OTHER_METHOD },
		{ "M-SEARCH", HTTP_OTHER_METHOD },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[80];
		int len =
		    snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n\r\n", rows[i].text);
		struct http_head h = parsed(SLICE_OF(text, (size_t)len));
		assert_int_equal(h.method, rows[i].method);
		assert_text(&h, h.method_text, rows[i].text);
	}
}

static void test_an_absolute_target_names_the_host(void **state)
{
	(void)state;
	struct http_head h =
	    parsed(SLICE("GET http://real.example:81/p?q HTTP/1.1\r\nHost: other\r\n\r\n"));

	assert_text(&h, h.host, "real.example:81");
	assert_text(&h, h.path, "/p");
	assert_text(&h, h.query, "q");
	h = parsed(SLICE("GET HTTPS://real.example HTTP/1.1\r\nHost: other\r\n\r\n"));
	assert_text(&h, h.host, "real.example");
	assert_text(&h, h.path, "/");
	assert_text(&h, h.query, "");
	h = parsed(SLICE("GET http://[::1]?q=/ HTTP/1.1\r\nHost: other\r\n\r\n"));
	assert_text(&h, h.host, "[::1]");
	assert_text(&h, h.path, "/");
	assert_text(&h, h.query, "q=/");
}

static void test_asterisk_with_options(void **state)
{
	(void)state;
	struct http_head h = parsed(SLICE("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));

	assert_true(h.asterisk);
	assert_text(&h, h.path, "*");
}

static void test_paths_are_left_as_sent(void **state)
{
	(void)state;
	struct http_head h =
	    parsed(SLICE("GET //x/../%2e%zz|{}?a?b=%00 HTTP/1.1\r\nHost: a\r\n\r\n"));

	assert_text(&h, h.path, "//x/../%2e%zz|{}");
	assert_text(&h, h.query, "a?b=%00");
}

static void test_body_framing(void **state)
{
	(void)state;
	struct http_head h =
	    parsed(SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));

	assert_int_equal(h.content_length, 0);
	assert_false(http_head_has_body(&h));
	h = parsed(
	    SLICE("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n"));
	assert_true(h.content_length == INT64_MAX);
	assert_true(http_head_has_body(&h));
	h = parsed(SLICE("POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: Chunked\r\n\r\n"));
	assert_true(h.chunked);
	assert_int_equal(h.content_length, -1);
	assert_true(http_head_has_body(&h));
}

static void test_expect_continue(void **state)
{
	(void)state;
	struct http_head h = parsed(SLICE(
	    "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n"));

	assert_true(h.expect_continue);
	h = parsed(SLICE("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"));
	assert_false(h.expect_continue);
}

static void test_keep_alive(void **state)
{
	(void)state;
#define HEAD_1_1(fields) SLICE("GET / HTTP/1.1\r\nHost: a\r\n" fields "\r\n")
#define HEAD_1_0(fields) SLICE("GET / HTTP/1.0\r\n" fields "\r\n")
	assert_true(parsed(HEAD_1_1("")).keep_alive);
	assert_true(parsed(HEAD_1_1("Connection: Upgrade\r\n")).keep_alive);
	assert_false(parsed(HEAD_1_1("Connection: CLOSE\r\n")).keep_alive);
	assert_false(parsed(HEAD_1_1("Connection: a, close ,b\r\n")).keep_alive);
	assert_false(parsed(HEAD_1_1("Connection: x\r\nConnection: close\r\n")).keep_alive);
	assert_false(parsed(HEAD_1_1("Connection: keep-alive, close\r\n")).keep_alive);
	assert_true(parsed(HEAD_1_1("Connection: closed\r\n")).keep_alive);
	assert_false(parsed(HEAD_1_0("")).keep_alive);
	assert_true(parsed(HEAD_1_0("Connection: Keep-Alive\r\n")).keep_alive);
	assert_false(parsed(HEAD_1_0("Connection: keep-alive, close\r\n")).keep_alive);
	assert_true(parsed(HEAD_1_0("")).http_1_0);
}

static void test_one_empty_line_before_the_request(void **state)
{
	(void)state;
	struct slice text = SLICE("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
	struct http_head h = parsed(text);

	assert_text(&h, h.target, "/");
	assert_int_equal(h.head_bytes, text.len);
}

static void test_has_begun(void **state)
{
	(void)state;
	struct http_parse_limits limits = HTTP_PARSE_LIMITS_DEFAULT;
	struct http_head h = { 0 };

	assert_false(http_parse_has_begun(&h, 0));
	assert_int_equal(http_parse_head(&h, "\r\n", 2, &limits), HTTP_PARSE_MORE);
	assert_false(http_parse_has_begun(&h, 2));
	assert_int_equal(http_parse_head(&h, "\r\nG", 3, &limits), HTTP_PARSE_MORE);
	assert_true(http_parse_has_begun(&h, 3));
}

static void test_pipelined_requests_end_where_the_next_begins(void **state)
{
	(void)state;
	struct http_parse_limits limits = HTTP_PARSE_LIMITS_DEFAULT;
	struct slice text =
	    SLICE("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n");
	struct http_head first = parsed(text), second = { 0 };
	struct slice rest = slice_sub(text, first.head_bytes, text.len);

	assert_int_equal(http_parse_head(&second, rest.ptr, rest.len, &limits), HTTP_PARSE_DONE);
	assert_text(&second, second.path, "/2");
	assert_int_equal(second.head_bytes, rest.len);
}

static void test_hosts(void **state)
{
	(void)state;
	static const char *const good[] = { "a", "a.b-c_d.", "127.0.0.1:8000", "[::1]", "[::1]:80",
		"a:", "[fe80::1.2.3.4]:65535", "A.EXAMPLE" };
	static const char *const bad[] = { "", ":80", "a:b", "a:65536", "a:000080", "a b", "a/b",
		"a@b", "a,b", "[::1", "[]", "[::1]x", "[g::]", "a:80:80", "\xc3\xa9", "a%41", "::1",
		"a?", "http://a" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(http_host_is_valid(slice_str(good[i])));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (http_host_is_valid(slice_str(bad[i]))) {
			fail_msg("\"%s\" is no host", bad[i]);
		}
	}
	assert_true(slice_eq(http_host_name(SLICE("a.b:80")), SLICE("a.b")));
	assert_true(slice_eq(http_host_name(SLICE("[::1]:80")), SLICE("[::1]")));
	assert_true(slice_eq(http_host_name(SLICE("a")), SLICE("a")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_plain_request),
		cmocka_unit_test(test_fields_are_found_without_regard_to_case),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_an_absolute_target_names_the_host),
		cmocka_unit_test(test_asterisk_with_options),
		cmocka_unit_test(test_paths_are_left_as_sent),
		cmocka_unit_test(test_body_framing),
		cmocka_unit_test(test_expect_continue),
		cmocka_unit_test(test_keep_alive),
		cmocka_unit_test(test_one_empty_line_before_the_request),
		cmocka_unit_test(test_has_begun),
		cmocka_unit_test(test_pipelined_requests_end_where_the_next_begins),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
