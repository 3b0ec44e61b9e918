/*
 * The chunked decoder: bodies split at every place, faults at every step, bounds.
 */
#include "core/http/chunked.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

struct outcome {
	enum http_chunked_result result;
	char body[128];
	size_t body_len, rest_len;
};

/* Feeds [from, to) from a copy of exact size. */
static void feed(struct http_chunked *c, struct slice text, struct outcome *o)
{
	char *copy = malloc(text.len == 0 ? 1 : text.len);
	struct slice in = { copy, text.len }, data;

	assert_non_null(copy);
	memcpy(copy, text.ptr, text.len);
	while ((o->result = http_chunked_next(c, &in, &data)) == HTTP_CHUNKED_DATA) {
		assert_true(data.len > 0 && o->body_len + data.len <= sizeof(o->body));
		memcpy(o->body + o->body_len, data.ptr, data.len);
		o->body_len += data.len;
	}
	assert_true(o->result != HTTP_CHUNKED_MORE || in.len == 0);
	o->rest_len = in.len;
	free(copy);
}

static void assert_same(const struct outcome *a, const struct outcome *b)
{
	assert_int_equal(a->result, b->result);
	assert_int_equal(a->body_len, b->body_len);
	assert_memory_equal(a->body, b->body, a->body_len);
}

static struct outcome decode_all_ways(struct slice text)
{
	struct http_chunked c = { 0 };
	struct outcome whole = { 0 };

	feed(&c, text, &whole);
	for (size_t cut = 0; cut <= text.len; cut++) {
		struct outcome two = { 0 };
		c = (struct http_chunked){ 0 };
		feed(&c, slice_sub(text, 0, cut), &two);
		if (two.result == HTTP_CHUNKED_MORE) {
			feed(&c, slice_sub(text, cut, text.len), &two);
		}
		assert_same(&two, &whole);
	}
	struct outcome bytes = { .result = HTTP_CHUNKED_MORE };
	c = (struct http_chunked){ 0 };
	for (size_t i = 0; i < text.len && bytes.result == HTTP_CHUNKED_MORE; i++) {
		feed(&c, slice_sub(text, i, i + 1), &bytes);
	}
	assert_same(&bytes, &whole);
	return whole;
}

static void assert_body(struct slice text, const char *body)
{
	struct outcome o = decode_all_ways(text);

	assert_int_equal(o.result, HTTP_CHUNKED_END);
	assert_true(slice_eq(SLICE_OF(o.body, o.body_len), slice_str(body)));
}

static void assert_refused(const char *text)
{
	if (decode_all_ways(slice_str(text)).result != HTTP_CHUNKED_ERROR) {
		fail_msg("\"%s\" is malformed", text);
	}
}

static void test_bodies(void **state)
{
	(void)state;
	assert_body(SLICE("0\r\n\r\n"), "");
	assert_body(SLICE("5\r\nhello\r\n0\r\n\r\n"), "hello");
	assert_body(SLICE("1\r\na\r\n2\r\nbc\r\n0A\r\n0123456789\r\n000\r\n\r\n"), "abc0123456789");
	assert_body(SLICE("c\r\nhello\r\n0\r\n\r\n\r\n0\r\n\r\n"), "hello\r\n0\r\n\r\n");
}

static void test_extensions_are_read_over(void **state)
{
	(void)state;
	assert_body(SLICE("2;a\r\nhi\r\n0;b=\"c;\t\\\"\"\r\n\r\n"), "hi");
	assert_body(SLICE("2;\r\nhi\r\n0\r\n\r\n"), "hi");
}

static void test_trailers_are_dropped(void **state)
{
	(void)state;
	assert_body(SLICE("2\r\nhi\r\n0\r\nA: b\r\nContent-Length: 7\r\nEmpty:\r\n\r\n"), "hi");
}

static void test_what_follows_stays(void **state)
{
	(void)state;
	struct http_chunked c = { 0 };
	struct slice in = SLICE("0\r\n\r\nGET /"), data;

	assert_int_equal(http_chunked_next(&c, &in, &data), HTTP_CHUNKED_END);
	assert_true(slice_eq(in, SLICE("GET /")));
	assert_int_equal(http_chunked_next(&c, &in, &data), HTTP_CHUNKED_END);
	assert_true(slice_eq(in, SLICE("GET /")));
}

static void test_unfinished_bodies_wait(void **state)
{
	(void)state;
	struct slice text = SLICE("5;x\r\nhello\r\n0\r\nA: b\r\n\r\n");

	for (size_t len = 0; len < text.len; len++) {
		assert_int_equal(
		    decode_all_ways(slice_sub(text, 0, len)).result, HTTP_CHUNKED_MORE);
	}
}

static void test_faults(void **state)
{
	(void)state;
	static const char *const bad[] = { "\r\n", " 5\r\n", "5 \r\n", "5\n", "5\r5", "g\r\n",
		"0x5\r\n", "-5\r\n", "+5\r\n", "5,5\r\n", "5;\n", "5;\x01\r\n", "5;a\rb",
		"5\r\nhello0", "5\r\nhello\n", "5\r\nhello\r0", "5\r\nhello\r\n\r\n", "0\r\n\n",
		"0\r\n\rx", "0\r\n:a\r\n", "0\r\nA b: c\r\n", "0\r\nA\r\n", "0\r\nA: b\n",
		"0\r\n A: b\r\n", "0\r\nA: b\r\n c\r\n", "0\r\nA: \x7f\r\n", ";a\r\n",
		"8000000000000000\r\n", "ffffffffffffffff\r\n", "10000000000000000\r\n",
		"00000000000000001\r\n" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_refused(bad[i]);
	}
}

static void test_the_largest_size(void **state)
{
	(void)state;
	struct http_chunked c = { 0 };
	struct slice in = SLICE("7fffffffffffffff\r\nx"), data;

	assert_int_equal(http_chunked_next(&c, &in, &data), HTTP_CHUNKED_DATA);
	assert_true(c.left == INT64_MAX - 1);
}

static void test_an_error_stays(void **state)
{
	(void)state;
	struct http_chunked c = { 0 };
	struct slice in = SLICE("x"), data;

	assert_int_equal(http_chunked_next(&c, &in, &data), HTTP_CHUNKED_ERROR);
	in = SLICE("0\r\n\r\n");
	assert_int_equal(http_chunked_next(&c, &in, &data), HTTP_CHUNKED_ERROR);
	assert_int_equal(in.len, 5);
}

/* Feeds text again and again; how many whole ones were taken before the refusal. */
static size_t rounds_until_refused(struct http_chunked *c, struct slice text, size_t max)
{
	struct slice data;

	for (size_t round = 0; round < max; round++) {
		struct slice in = text;
		enum http_chunked_result r;
		while ((r = http_chunked_next(c, &in, &data)) == HTTP_CHUNKED_DATA) {
		}
		if (r == HTTP_CHUNKED_ERROR) {
			return round;
		}
	}
	return max;
}

static void test_extensions_are_bounded_over_all_chunks(void **state)
{
	(void)state;
	struct http_chunked c = { 0 };
	struct slice in = SLICE("1;12345678"), data; /* 8 bytes of extension in each */

	assert_int_equal(http_chunked_next(&c, &in, &data), HTTP_CHUNKED_MORE);
	size_t rounds = rounds_until_refused(&c, SLICE("\r\nx\r\n1;12345678"), 1u << 20);
	assert_int_equal(rounds, HTTP_CHUNK_EXTENSION_BYTES / 8 - 1);
	c = (struct http_chunked){ 0 };
	in = SLICE("1;");
	assert_int_equal(http_chunked_next(&c, &in, &data), HTTP_CHUNKED_MORE);
	rounds = rounds_until_refused(&c, SLICE("a"), 1u << 20);
	assert_int_equal(rounds, HTTP_CHUNK_EXTENSION_BYTES);
}

static void test_trailers_are_bounded(void **state)
{
	(void)state;
	struct http_chunked c = { 0 };
	struct slice in = SLICE("0\r\n"), data;

	assert_int_equal(http_chunked_next(&c, &in, &data), HTTP_CHUNKED_MORE);
	size_t rounds = rounds_until_refused(&c, SLICE("Name: value\r\n"), 1u << 20);
	assert_in_range(rounds, HTTP_CHUNK_TRAILER_BYTES / 13, HTTP_CHUNK_TRAILER_BYTES / 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_extensions_are_read_over),
		cmocka_unit_test(test_trailers_are_dropped),
		cmocka_unit_test(test_what_follows_stays),
		cmocka_unit_test(test_unfinished_bodies_wait),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_the_largest_size),
		cmocka_unit_test(test_an_error_stays),
		cmocka_unit_test(test_extensions_are_bounded_over_all_chunks),
		cmocka_unit_test(test_trailers_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
