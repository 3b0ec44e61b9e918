/*
 * Cost of the request head: nanoseconds for a small one and for one of 640 bytes with 14 fields,
 * whole and in steps of 16 bytes, and of finding a row among many. Best of several rounds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/http/parse.h"
#include "core/http/router.h"

enum {
	ROUNDS = 7,
	CALLS = 200000,
	ROWS = 200
};

static const char small[] = "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n";

static const char large[] =
    "GET /storage/1.5/1234567/storage/bookmarks?full=1&newer=1700000000.12&limit=1000 HTTP/1.1\r\n"
    "Host: sync.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0\r\n"
    "Accept: application/json\r\n"
    "Accept-Language: en-US,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate, br\r\n"
    "Authorization: Hawk id=\"MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw\", ts=\"1700000000\", "
    "nonce=\"abcdefgh\", mac=\"2D8Gm0aVqyVYcgBMPzJ2zCgBhMmVNfxRRkEvPn6Nv0s=\"\r\n"
    "X-If-Modified-Since: 1700000000.12\r\n"
    "X-Client-State: 0123456789abcdef\r\n"
    "Connection: keep-alive\r\n"
    "Pragma: no-cache\r\n"
    "Cache-Control: no-cache\r\n"
    "Sec-Fetch-Site: none\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

static void parse(const char *text, size_t len, size_t step)
{
	const struct http_parse_limits limits = HTTP_PARSE_LIMITS_DEFAULT;
	enum http_parse_result r = HTTP_PARSE_MORE;
	struct http_head h = { 0 };

	for (size_t given = 0; r == HTTP_PARSE_MORE;) {
		given = len - given > step ? given + step : len;
		r = http_parse_head(&h, text, given, &limits);
	}
	CHECK(r == HTTP_PARSE_DONE && h.head_bytes == len);
}

static void report_parse(const char *what, const char *text, size_t len, size_t step)
{
	int64_t best_us = INT64_MAX;

	for (int round = 0; round < ROUNDS; round++) {
		int64_t from_us = clock_mono_us();
		for (int i = 0; i < CALLS; i++) {
			parse(text, len, step);
		}
		int64_t took_us = clock_mono_us() - from_us;
		best_us = took_us < best_us ? took_us : best_us;
	}
	printf("%-32s %4zu bytes %8.1f ns\n", what, len, (double)best_us * 1000.0 / CALLS);
}

static void report_route(const char *what, const struct http_router *r, const char *path)
{
	int64_t best_us = INT64_MAX;
	struct arena arena = arena_new(4096);
	struct http_match match;

	for (int round = 0; round < ROUNDS; round++) {
		int64_t from_us = clock_mono_us();
		for (int i = 0; i < CALLS; i++) {
			CHECK(http_route(r, SLICE("a.example"), HTTP_GET, slice_str(path), &arena,
				  &match) == HTTP_ROUTE_FOUND);
		}
		int64_t took_us = clock_mono_us() - from_us;
		best_us = took_us < best_us ? took_us : best_us;
	}
	printf("%-32s %4zu bytes %8.1f ns\n", what, strlen(path), (double)best_us * 1000.0 / CALLS);
	arena_reset(&arena);
}

static void bench_router(void)
{
	static char paths[ROWS][40];
	static struct op ops[ROWS];
	const struct http_site site = { .ops = ops, .n_ops = ROWS };
	const struct http_site *const sites[] = { &site };
	struct http_router *r;

	for (unsigned i = 0; i < ROWS; i++) {
		snprintf(paths[i], sizeof(paths[i]),
		    i % 2 == 0 ? "/service/call_%u" : "/1.5/{uid:digits}/%u/{id}", i);
		ops[i] = (struct op){ .name = paths[i], .method = HTTP_GET, .path = paths[i] };
	}
	CHECK(http_router_new(sites, 1, &r, NULL) == ERR_OK);
	report_route("route, literal", r, "/service/call_100");
	report_route("route, two parameters", r, "/1.5/1234567/101/abcdef");
	http_router_free(&r);
}

int main(void)
{
	report_parse("parse, small", small, sizeof(small) - 1, SIZE_MAX);
	report_parse("parse, 14 fields", large, sizeof(large) - 1, SIZE_MAX);
	report_parse("parse, 14 fields, 16 at a time", large, sizeof(large) - 1, 16);
	bench_router();
	return 0;
}
