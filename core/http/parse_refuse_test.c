/*
 * What the parser refuses: the 27 malformed messages that tell servers apart, their relatives, and
 * the limits.
 */
#include "core/http/parse_test.h"

#define POST  "POST / HTTP/1.1\r\nHost: a\r\n"
#define GET   "GET / HTTP/1.1\r\nHost: a\r\n"
#define CHUNK POST "Transfer-Encoding: chunked\r\n\r\n"

/* clang-format off */
static const struct message_case the_27_cases[] = {
	CASE("01 length and coding",        POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
	CASE("02 two differing lengths",    POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400),
	CASE("03 two equal lengths",        POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
	CASE("04 length +5",                POST "Content-Length: +5\r\n\r\nhello", 400),
	CASE("05 length 0x5",               POST "Content-Length: 0x5\r\n\r\nhello", 400),
	CASE("06 length 5, 5",              POST "Content-Length: 5, 5\r\n\r\nhello", 400),
	CASE("07 length -1",                POST "Content-Length: -1\r\n\r\n", 400),
	CASE("08 length overflows",         POST "Content-Length: 18446744073709551621\r\n\r\nhello", 400),
	CASE("09 space before the colon",   POST "Content-Length : 5\r\n\r\nhello", 400),
	CASE("10 obscured coding",          POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501),
	CASE("11 bad coding",               POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n", 501),
	CASE("12 coding with a control",    POST "Transfer-Encoding: \013chunked\r\n\r\n0\r\n\r\n", 400),
	CASE("13 chunk size is no number",  CHUNK "xyz\r\nhello\r\n0\r\n\r\n", 400),
	CASE("14 chunk size 0x5",           CHUNK "0x5\r\nhello\r\n0\r\n\r\n", 400),
	CASE("15 chunk size overflows",     CHUNK "10000000000000005\r\nhello\r\n0\r\n\r\n", 400),
	CASE("16 no CRLF behind the chunk", CHUNK "5\r\nhello0\r\n\r\n", 400),
	CASE("17 bare LF",                  "GET / HTTP/1.1\nHost: a\n\n", 400),
	CASE("18 bare CR",                  "GET / HTTP/1.1\rHost: a\r\r", 400),
	CASE("19 folding",                  GET "X: a\r\n b\r\n\r\n", 400),
	CASE("20 NUL",                      GET "X: a\0b\r\n\r\n", 400),
	CASE("21 bad name",                 GET "X(y): a\r\n\r\n", 400),
	CASE("22 no colon",                 GET "X\r\n\r\n", 400),
	CASE("23 leading space",            "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
	CASE("24 no Host",                  "GET / HTTP/1.1\r\nX: a\r\n\r\n", 400),
	CASE("25 two Hosts",                GET "Host: a\r\n\r\n", 400),
	CASE("26 bad version",              "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
	CASE("27 double space",             "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
};

static const struct message_case more_framing[] = {
	CASE("coding first, then length",   POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400),
	CASE("two codings",                 POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
	CASE("coding named twice",          POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 501),
	CASE("coding in quotes",            POST "Transfer-Encoding: \"chunked\"\r\n\r\n", 501),
	CASE("coding with parameter",       POST "Transfer-Encoding: chunked;q=1\r\n\r\n", 501),
	CASE("coding with comma",           POST "Transfer-Encoding: ,chunked\r\n\r\n", 501),
	CASE("coding gzip",                 POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501),
	CASE("coding identity",             POST "Transfer-Encoding: identity\r\n\r\n", 501),
	CASE("coding empty",                POST "Transfer-Encoding:\r\n\r\n", 400),
	CASE("coding behind a space",       POST "Transfer-Encoding : chunked\r\n\r\n", 400),
	CASE("coding behind a tab",         POST "Transfer-Encoding\t: chunked\r\n\r\n", 400),
	CASE("coding in HTTP/1.0",          "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
	CASE("length empty",                POST "Content-Length:\r\n\r\n", 400),
	CASE("length 5x",                   POST "Content-Length: 5x\r\n\r\n", 400),
	CASE("length 5 5",                  POST "Content-Length: 5 5\r\n\r\n", 400),
	CASE("length 2^63",                 POST "Content-Length: 9223372036854775808\r\n\r\n", 400),
	CASE("lengths in HTTP/1.0",         "POST / HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
	CASE("foreign expectation",         POST "Expect: 200-ok\r\n\r\n", 417),
	CASE("chunk size empty",            CHUNK "\r\nhello\r\n0\r\n\r\n", 400),
	CASE("chunk size -5",               CHUNK "-5\r\nhello\r\n0\r\n\r\n", 400),
	CASE("chunk size +5",               CHUNK "+5\r\nhello\r\n0\r\n\r\n", 400),
	CASE("space before chunk size",     CHUNK " 5\r\nhello\r\n0\r\n\r\n", 400),
	CASE("space behind chunk size",     CHUNK "5 \r\nhello\r\n0\r\n\r\n", 400),
	CASE("chunk size with bare LF",     CHUNK "5\nhello\r\n0\r\n\r\n", 400),
	CASE("chunk with bare LF",          CHUNK "5\r\nhello\n0\r\n\r\n", 400),
	CASE("chunk shorter than its size", CHUNK "6\r\nhello\r\n0\r\n\r\n", 400),
	CASE("chunk size 2^63",             CHUNK "8000000000000000\r\n", 400),
	CASE("17 digits of zero",           CHUNK "00000000000000000\r\n\r\n", 400),
	CASE("good chunks",                 CHUNK "5;a=\"b\"\r\nhello\r\n0\r\nX: y\r\n\r\n", 200),
	CASE("unfinished chunks",           CHUNK "5\r\nhel", 0),
};

static const struct message_case request_lines[] = {
	CASE("HTTP/1.2",              "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505),
	CASE("HTTP/0.9",              "GET / HTTP/0.9\r\nHost: a\r\n\r\n", 505),
	CASE("HTTP/3.0",              "GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505),
	CASE("HTTP/2 preface",        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
	CASE("HTTP/1.x",              "GET / HTTP/1.x\r\nHost: a\r\n\r\n", 400),
	CASE("HTTP/1.10",             "GET / HTTP/1.10\r\nHost: a\r\n\r\n", 400),
	CASE("HTTP/01.1",             "GET / HTTP/01.1\r\nHost: a\r\n\r\n", 400),
	CASE("HTTP/1",                "GET / HTTP/1\r\nHost: a\r\n\r\n", 400),
	CASE("http/1.1",              "GET / http/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("HTTP-1.1",              "GET / HTTP-1.1\r\nHost: a\r\n\r\n", 400),
	CASE("no version",            "GET /\r\nHost: a\r\n\r\n", 400),
	CASE("empty version",         "GET / \r\nHost: a\r\n\r\n", 400),
	CASE("space behind version",  "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
	CASE("two spaces at version", "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("tab for a space",       "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("tab before version",    "GET /\tHTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("space in target",       "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("leading space",         " GET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("no target",             "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("method only",           "GET\r\nHost: a\r\n\r\n", 400),
	CASE("bad method",            "G@T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("colon in method",       "Host: a\r\n\r\n", 400),
	CASE("fragment",              "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("bytes above ASCII",     "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("relative target",       "GET a/b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("authority for GET",     "GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("asterisk for GET",      "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("foreign scheme",        "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("empty authority",       "GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("user in authority",     "GET http://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("CONNECT",               "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
	CASE("two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("LF first",              "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
	CASE("TLS",                   "\x16\x03\x01", 400),
	CASE("TLS after empty line",  "\r\n\x16\x03\x01", 400),
	CASE("NUL first",             "\0", 400),
	CASE("nothing",               "", 0),
	CASE("not yet",               "GET / HTTP/1.1\r\nHost: a\r\n", 0),
};

static const struct message_case field_lines[] = {
	CASE("empty Host",            "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
	CASE("bad Host",              "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
	CASE("Host list",             "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
	CASE("absolute, no Host",     "GET http://a/ HTTP/1.1\r\n\r\n", 400),
	CASE("absolute, bad Host",    "GET http://a/ HTTP/1.1\r\nHost: b c\r\n\r\n", 400),
	CASE("two Hosts in 1.0",      "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400),
	CASE("no Host in 1.0",        "GET / HTTP/1.0\r\n\r\n", 200),
	CASE("empty name",            GET ": a\r\n\r\n", 400),
	CASE("space in name",         GET "X y: a\r\n\r\n", 400),
	CASE("high byte in name",     GET "X\xe9: a\r\n\r\n", 400),
	CASE("NUL in name",           GET "X\0y: a\r\n\r\n", 400),
	CASE("folding with tab",      GET "X: a\r\n\tb\r\n\r\n", 400),
	CASE("DEL in value",          GET "X: a\x7f\r\n\r\n", 400),
	CASE("escape in value",       GET "X: a\x1b[0m\r\n\r\n", 400),
	CASE("CR in value",           GET "X: a\rb\r\n\r\n", 400),
	CASE("two CRs",               GET "X: a\r\r\n\r\n", 400),
	CASE("LF at the end",         GET "X: a\r\n\n", 400),
	CASE("CR at the end",         GET "X: a\r\n\rx", 400),
	CASE("UTF-8 in value",        GET "X: \xc3\xa9\r\n\r\n", 200),
	CASE("tab in value",          GET "X: a\tb\r\n\r\n", 200),
	CASE("all of tchar",          GET "!#$%&'*+-.^_`|~09azAZ: a\r\n\r\n", 200),
};
/* clang-format on */

#define RUN(cases) run_cases(cases, sizeof(cases) / sizeof(cases[0]))

static void test_the_27_malformed_messages(void **state)
{
	(void)state;
	assert_int_equal(sizeof(the_27_cases) / sizeof(the_27_cases[0]), 27);
	RUN(the_27_cases);
}

static void test_framing(void **state)
{
	(void)state;
	RUN(more_framing);
}

static void test_request_lines(void **state)
{
	(void)state;
	RUN(request_lines);
}

static void test_field_lines(void **state)
{
	(void)state;
	RUN(field_lines);
}

/* Wherever it stands in a value: the search looks at many bytes at once. */
static void test_every_byte_at_every_place_of_a_value(void **state)
{
	(void)state;
	const struct http_parse_limits limits = HTTP_PARSE_LIMITS_DEFAULT;
	const char before[] = "GET / HTTP/1.1\r\nHost: a\r\nX:";
	const size_t at = sizeof(before) - 1, value_len = 40;
	char text[80];

	for (int byte = 0; byte < 256; byte++) {
		bool allowed = byte == '\t' || (byte >= ' ' && byte != 0x7f);
		for (size_t i = 0; i < value_len; i++) {
			struct http_head h = { 0 };
			memcpy(text, before, at);
			memset(text + at, 'v', value_len);
			text[at + i] = (char)byte;
			memcpy(text + at + value_len, "\r\n\r\n", 4);
			assert_int_equal(http_parse_head(&h, text, at + value_len + 4, &limits),
			    allowed ? HTTP_PARSE_DONE : HTTP_PARSE_ERROR);
		}
	}
}

static int status_with(struct slice text, struct http_parse_limits limits)
{
	struct http_head h;
	enum http_parse_result r = parse_all_ways(text, &limits, &h);

	return r == HTTP_PARSE_DONE ? 200 : r == HTTP_PARSE_ERROR ? h.status : 0;
}

static void test_request_line_limit(void **state)
{
	(void)state;
	struct http_parse_limits limits = HTTP_PARSE_LIMITS_DEFAULT;
	struct slice text = SLICE("GET /abcdef HTTP/1.1\r\nHost: a\r\n\r\n");

	limits.line_bytes = 22; /* with its CRLF exactly that */
	assert_int_equal(status_with(text, limits), 200);
	limits.line_bytes = 21;
	assert_int_equal(status_with(text, limits), 414);
	limits.line_bytes = 20;
	assert_int_equal(status_with(text, limits), 414);
	/* An empty line before does not count. */
	limits.line_bytes = 22;
	text = SLICE("\r\nGET /abcdef HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(status_with(text, limits), 200);
	/* Does not wait for a line end that will be too late. */
	assert_int_equal(status_with(SLICE("GET /aaaaaaaaaaaaaaaaa"), limits), 414);
	assert_int_equal(status_with(SLICE("GET /aaaaaaaaaaaaaaaa"), limits), 0);
	/* What is within the limit decides first, whatever comes behind. */
	assert_int_equal(status_with(SLICE("GET /aaaaa\naaaaaaaaaaaaaaaa"), limits), 400);
}

static void test_head_limit(void **state)
{
	(void)state;
	struct http_parse_limits limits = HTTP_PARSE_LIMITS_DEFAULT;
	struct slice text = SLICE("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");

	limits.head_bytes = (uint32_t)text.len;
	assert_int_equal(status_with(text, limits), 200);
	for (limits.head_bytes = 16; limits.head_bytes < text.len; limits.head_bytes++) {
		assert_int_equal(status_with(text, limits), 431);
	}
	limits.head_bytes = 10;
	assert_int_equal(status_with(text, limits), 431);
}

static void test_field_count_limit(void **state)
{
	(void)state;
	struct http_parse_limits limits = HTTP_PARSE_LIMITS_DEFAULT;
	char text[1024] = "GET / HTTP/1.1\r\nHost: a\r\n";
	size_t len = strlen(text);

	for (unsigned i = 1; i < HTTP_MAX_HEADERS; i++) {
		memcpy(text + len, "X: y\r\n", 6);
		len += 6;
	}
	memcpy(text + len, "\r\n", 2);
	assert_int_equal(status_with(SLICE_OF(text, len + 2), limits), 200);
	memcpy(text + len, "X: y\r\n\r\n", 8);
	assert_int_equal(status_with(SLICE_OF(text, len + 8), limits), 431);
	limits.headers = 1000; /* the array does not grow */
	assert_int_equal(status_with(SLICE_OF(text, len + 8), limits), 431);
	limits.headers = 1;
	assert_int_equal(status_with(SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), limits), 200);
	assert_int_equal(
	    status_with(SLICE("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"), limits), 431);
}

/* Positions are 16 bits wide: larger limits must not make them wrap. */
static void test_limits_beyond_the_spans(void **state)
{
	(void)state;
	const size_t len = 80000;
	const struct http_parse_limits limits = { 1000000, 1000000, HTTP_MAX_HEADERS };
	char *text = malloc(len);
	struct http_head h = { 0 };

	assert_non_null(text);
	memset(text, 'a', len);
	memcpy(text, "GET /", 5);
	assert_int_equal(http_parse_head(&h, text, len, &limits), HTTP_PARSE_ERROR);
	assert_int_equal(h.status, 431);
	memcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
	memcpy(text + HTTP_MAX_HEAD_BYTES - 4, "\r\n\r\n", 4);
	h = (struct http_head){ 0 };
	assert_int_equal(http_parse_head(&h, text, len, &limits), HTTP_PARSE_DONE);
	assert_int_equal(h.head_bytes, HTTP_MAX_HEAD_BYTES);
	memcpy(text + HTTP_MAX_HEAD_BYTES - 4, "a\r\n\r\n", 5);
	h = (struct http_head){ 0 };
	assert_int_equal(http_parse_head(&h, text, len, &limits), HTTP_PARSE_ERROR);
	assert_int_equal(h.status, 431);
	free(text);
}

static void test_an_error_stays(void **state)
{
	(void)state;
	struct http_parse_limits limits = HTTP_PARSE_LIMITS_DEFAULT;
	struct http_head h = { 0 };

	assert_int_equal(http_parse_head(&h, "\n", 1, &limits), HTTP_PARSE_ERROR);
	assert_int_equal(http_parse_head(&h, "\nGET", 4, &limits), HTTP_PARSE_ERROR);
	assert_int_equal(h.status, 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_27_malformed_messages),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_request_lines),
		cmocka_unit_test(test_field_lines),
		cmocka_unit_test(test_every_byte_at_every_place_of_a_value),
		cmocka_unit_test(test_request_line_limit),
		cmocka_unit_test(test_head_limit),
		cmocka_unit_test(test_field_count_limit),
		cmocka_unit_test(test_limits_beyond_the_spans),
		cmocka_unit_test(test_an_error_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
