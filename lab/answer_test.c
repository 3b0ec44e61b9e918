/*
 * Answers: framing, in pieces of every size; what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/answer.h"

/* Reads text in pieces of that many bytes; the result of the last. */
static enum answer_result read_in(
    struct answer *a, const char *text, size_t piece, size_t *ret_left)
{
	struct slice all = slice_str(text);
	enum answer_result r = ANSWER_MORE;

	answer_reset(a);
	for (size_t at = 0; at < all.len && r == ANSWER_MORE; at += piece) {
		struct slice in = slice_sub(all, at, at + piece);
		r = answer_take(a, &in);
		*ret_left = in.len + (all.len - (at + piece < all.len ? at + piece : all.len));
	}
	return r;
}

static void whole_answers_in_pieces_of_every_size(void **state)
{
	static const struct {
		const char *text, *body;
		int status;
		bool keep_alive;
		size_t left;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 200, true, 0 },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP", "hello", 200, true, 4 },
		{ "HTTP/1.1 404\r\ncontent-length:0\r\nConnection: x, Close\r\n\r\n", "", 404,
		    false, 0 },
		{ "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "hi", 200, false, 0 },
		{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", "hi",
		    200, true, 0 },
		{ "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", "", 204, true, 0 },
		{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "", 304, true, 0 },
		{ "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!", "!",
		    200, true, 0 },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
		    "abcde", 200, true, 0 },
	};
	struct answer a;
	size_t left = 0;

	(void)state;
	answer_init(&a);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t piece = 1; piece <= strlen(rows[i].text); piece++) {
			assert_int_equal(read_in(&a, rows[i].text, piece, &left), ANSWER_DONE);
			assert_int_equal(a.status, rows[i].status);
			assert_int_equal(a.keep_alive, rows[i].keep_alive);
			assert_int_equal(left, rows[i].left);
			assert_true(slice_eq(buf_slice(&a.body), slice_str(rows[i].body)));
			assert_int_equal(a.body_bytes, strlen(rows[i].body));
		}
	}
	answer_fini(&a);
}

static void a_body_may_end_with_the_connection(void **state)
{
	struct answer a;
	size_t left = 0;

	(void)state;
	answer_init(&a);
	assert_int_equal(read_in(&a, "HTTP/1.1 200 OK\r\n\r\nabc", 4, &left), ANSWER_MORE);
	assert_int_equal(answer_closed(&a), ANSWER_DONE);
	assert_true(slice_eq(buf_slice(&a.body), SLICE("abc")));
	assert_false(a.keep_alive);
	assert_int_equal(
	    read_in(&a, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 4, &left), ANSWER_MORE);
	assert_int_equal(answer_closed(&a), ANSWER_ERROR);
	answer_reset(&a);
	assert_false(answer_has_begun(&a));
	assert_int_equal(answer_closed(&a), ANSWER_ERROR);
	answer_fini(&a);
}

static void what_is_refused(void **state)
{
	static const char *const rows[] = {
		"HTP/1.1 200 OK\r\n\r\n",
		"HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: nothing\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\nC: d\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: b\x01\r\n\r\n",
	};
	struct answer a;
	size_t left = 0;

	(void)state;
	answer_init(&a);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t piece = 1; piece < 9; piece++) {
			assert_int_equal(read_in(&a, rows[i], piece, &left), ANSWER_ERROR);
			assert_non_null(a.error);
		}
	}
	answer_fini(&a);
}

static void long_heads_and_bodies_are_bounded(void **state)
{
	struct answer a;
	static char filler[100000];
	enum answer_result r = ANSWER_MORE;

	(void)state;
	memset(filler, 'a', sizeof(filler));
	answer_init(&a);
	struct slice in = SLICE("HTTP/1.1 200 OK\r\nA: ");
	assert_int_equal(answer_take(&a, &in), ANSWER_MORE);
	in = SLICE_OF(filler, sizeof(filler));
	assert_int_equal(answer_take(&a, &in), ANSWER_ERROR);
	answer_reset(&a);
	in = SLICE("HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n");
	assert_int_equal(answer_take(&a, &in), ANSWER_MORE);
	for (int i = 0; i < 50; i++) {
		in = SLICE_OF(filler, sizeof(filler));
		r = answer_take(&a, &in);
	}
	assert_int_equal(r, ANSWER_DONE);
	assert_int_equal(a.body_bytes, 5000000);
	assert_int_equal(a.body.len, ANSWER_KEEP_BYTES);
	answer_fini(&a);
}

static void fields_by_name(void **state)
{
	struct answer a;
	size_t left = 0;

	(void)state;
	answer_init(&a);
	assert_int_equal(
	    read_in(&a,
		"HTTP/1.1 503 Busy\r\nRetry-After:  7 \r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
		3, &left),
	    ANSWER_DONE);
	assert_true(slice_eq(answer_find(&a, SLICE("retry-after")), SLICE("7")));
	assert_null(answer_find(&a, SLICE("retry")).ptr);
	answer_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_answers_in_pieces_of_every_size),
		cmocka_unit_test(a_body_may_end_with_the_connection),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(long_heads_and_bodies_are_bounded),
		cmocka_unit_test(fields_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
