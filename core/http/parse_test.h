/*
 * Shared by the tests of the head parser: a request is fed whole, split at every place and byte by
 * byte, each step from a fresh copy of exact size, and every way must give the same outcome.
 */
#ifndef PLIMSOLL_HTTP_PARSE_TEST_H
#define PLIMSOLL_HTTP_PARSE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/http/chunked.h"
#include "core/http/parse.h"

static inline char *exact_copy(const char *from, size_t len)
{
	char *copy = malloc(len == 0 ? 1 : len);

	assert_non_null(copy);
	memcpy(copy, from, len);
	return copy;
}

/* One step: the first len bytes of text. What was found is compared by spans, so base is dropped.
 */
static inline enum http_parse_result feed(
    struct http_head *h, struct slice text, size_t len, const struct http_parse_limits *limits)
{
	char *copy = exact_copy(text.ptr, len);
	enum http_parse_result r = http_parse_head(h, copy, len, limits);

	free(copy);
	h->base = NULL;
	if (r == HTTP_PARSE_MORE) {
		/* No byte is left for a second look but a CR that waits for its LF. */
		assert_true(h->scanned_to + 1u >= len);
	}
	return r;
}

static inline void assert_same_head(const struct http_head *a, const struct http_head *b)
{
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->head_bytes, b->head_bytes);
	assert_memory_equal(a, b, sizeof(*a));
}

/* Parses text in all ways; *ret has base set to text. */
static inline enum http_parse_result parse_all_ways(
    struct slice text, const struct http_parse_limits *limits, struct http_head *ret)
{
	struct http_head whole, h;

	memset(&whole, 0, sizeof(whole));
	enum http_parse_result outcome = feed(&whole, text, text.len, limits);
	for (size_t cut = 0; cut <= text.len; cut++) {
		memset(&h, 0, sizeof(h));
		enum http_parse_result r = feed(&h, text, cut, limits);
		if (r == HTTP_PARSE_MORE) {
			r = feed(&h, text, text.len, limits);
		}
		assert_int_equal(r, outcome);
		assert_same_head(&h, &whole);
	}
	memset(&h, 0, sizeof(h));
	enum http_parse_result r = HTTP_PARSE_MORE;
	for (size_t len = 0; len <= text.len && r == HTTP_PARSE_MORE; len++) {
		r = feed(&h, text, len, limits);
	}
	assert_int_equal(r, outcome);
	assert_same_head(&h, &whole);
	*ret = whole;
	ret->base = text.ptr;
	return outcome;
}

/* Status of a whole message: of its head, or 400 of its chunks; 200: fine; 0: incomplete. */
static inline int status_of_message(struct slice text)
{
	struct http_parse_limits limits = HTTP_PARSE_LIMITS_DEFAULT;
	struct http_chunked chunks = { 0 };
	struct http_head h;
	struct slice data, body;
	enum http_parse_result r = parse_all_ways(text, &limits, &h);

	if (r != HTTP_PARSE_DONE) {
		return r == HTTP_PARSE_ERROR ? h.status : 0;
	}
	if (!h.chunked) {
		return 200;
	}
	body = slice_sub(text, h.head_bytes, text.len);
	enum http_chunked_result c;
	do {
		c = http_chunked_next(&chunks, &body, &data);
	} while (c == HTTP_CHUNKED_DATA);
	return c == HTTP_CHUNKED_END ? 200 : c == HTTP_CHUNKED_ERROR ? 400 : 0;
}

struct message_case {
	const char *name;
	struct slice text;
	int status;
};

#define CASE(name, text, status)                                                                   \
	{                                                                                          \
		name, { "" text, sizeof(text) - 1 }, status                                        \
	}

static inline void run_cases(const struct message_case *cases, size_t n)
{
	int failed = 0;

	for (size_t i = 0; i < n; i++) {
		int status = status_of_message(cases[i].text);
		if (status != cases[i].status) {
			print_error("%s: %d, not %d\n", cases[i].name, status, cases[i].status);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

#endif
