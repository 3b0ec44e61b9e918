/*
 * The request head and all that is read out of it. What must hold: the outcome is the same however
 * the bytes come, what was found lies inside the head and has the form it promises, and whoever
 * reads header values or routes the path stays inside them too.
 */
#include "test/fuzz/fuzz.h"

#include "core/base/check.h"
#include "core/http/conditional.h"
#include "core/http/cookie.h"
#include "core/http/http.h"
#include "core/http/parse.h"
#include "core/http/router.h"
#include "core/http/target.h"

/* Small, so that inputs of a few hundred bytes reach them. */
static const struct http_parse_limits limits = {
	.line_bytes = 200, .head_bytes = 1000, .headers = 20
};

static const struct op ops[] = {
	{ .name = "root", .method = HTTP_GET, .path = "/" },
	{ .name = "item", .method = HTTP_PUT, .path = "/1.5/{uid:digits}/{collection}/{id}" },
	{ .name = "hex", .method = HTTP_GET, .path = "/{a:hex}/{b:token}" },
	{ .name = "rest", .method = HTTP_GET, .path = "/v/{hash}/{rest*}" },
};
static const struct http_site site = { .ops = ops, .n_ops = sizeof(ops) / sizeof(ops[0]) };

static const struct http_router *router(void)
{
	static const struct http_site *const sites[] = { &site };
	static struct http_router *r;

	if (r == NULL) {
		CHECK(http_router_new(sites, 1, &r, NULL) == ERR_OK);
	}
	return r;
}

static struct slice text_of(const struct http_head *h, struct http_span span)
{
	CHECK(span.at + span.len <= h->head_bytes);
	return http_head_text(h, span);
}

static void read_value(struct slice value, struct arena *arena)
{
	uint64_t first = 0, len = 0;
	struct slice name, decoded, rest = value;
	const struct slice tag = SLICE("\"a\"");

	if (http_range_parse(value, 100, &first, &len) == HTTP_RANGE_PART) {
		CHECK(len > 0 && first < 100 && len <= 100 - first);
	}
	CHECK(!http_etag_in_list(value, tag, HTTP_ETAG_STRONG) ||
	      http_etag_in_list(value, tag, HTTP_ETAG_WEAK));
	(void)http_accepts_coding(value, SLICE("gzip"));
	(void)http_cookie_find(value, SLICE("a"));
	while (http_form_next(arena, &rest, &name, &decoded)) {
		CHECK(http_is_utf8(name) && http_is_utf8(decoded));
	}
}

static void route(const struct http_head *h, struct arena *arena)
{
	struct http_match match;
	struct slice path = text_of(h, h->path);

	if (http_route(router(), text_of(h, h->host), h->method, path, arena, &match) ==
	    HTTP_ROUTE_FOUND) {
		CHECK(http_is_utf8(match.path) && match.path.len <= path.len);
		for (unsigned i = 0; i < match.n_params; i++) {
			CHECK(match.params[i].value.ptr >= match.path.ptr);
			CHECK(match.params[i].value.ptr + match.params[i].value.len <=
			      match.path.ptr + match.path.len);
		}
	}
}

static void check_head(const struct http_head *h)
{
	struct arena arena = arena_new(65536);
	struct slice path = text_of(h, h->path), host = text_of(h, h->host);

	CHECK(h->head_bytes <= limits.head_bytes && h->n_fields <= limits.headers);
	CHECK(memcmp(h->base + h->head_bytes - 4, "\r\n\r\n", 4) == 0);
	CHECK(http_is_token(text_of(h, h->method_text)));
	CHECK(path.len > 0 && (path.ptr[0] == '/' || h->asterisk));
	CHECK(host.len == 0 ? h->http_1_0 : http_host_is_valid(host));
	CHECK(!h->chunked || (h->content_length == -1 && !h->http_1_0));
	CHECK(h->content_length >= -1);
	read_value(text_of(h, h->query), &arena);
	for (unsigned i = 0; i < h->n_fields; i++) {
		struct slice value = text_of(h, h->fields[i].value);
		CHECK(http_is_token(text_of(h, h->fields[i].name)));
		CHECK(slice_eq(slice_trim(value), value));
		CHECK(memchr(value.ptr, '\n', value.len) == NULL);
		read_value(value, &arena);
	}
	route(h, &arena);
	arena_reset(&arena);
}

/* In steps of a size, each byte of the buffer given only when it is its turn. */
static enum http_parse_result parse_in_steps(
    struct http_head *h, const char *text, size_t size, size_t step)
{
	enum http_parse_result r = HTTP_PARSE_MORE;

	memset(h, 0, sizeof(*h));
	for (size_t len = 0; r == HTTP_PARSE_MORE && len < size;) {
		len = size - len > step ? len + step : size;
		r = http_parse_head(h, text, len, &limits);
	}
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct http_head whole, steps;
	enum http_parse_result r = parse_in_steps(&whole, text, size, size);

	CHECK(parse_in_steps(&steps, text, size, 1) == r);
	CHECK(memcmp(&whole, &steps, sizeof(whole)) == 0);
	CHECK(parse_in_steps(&steps, text, size, 7) == r);
	CHECK(memcmp(&whole, &steps, sizeof(whole)) == 0);
	if (r == HTTP_PARSE_DONE) {
		check_head(&whole);
	}
	if (r == HTTP_PARSE_ERROR) {
		CHECK(strcmp(http_status_phrase(whole.status), "Unknown") != 0);
		CHECK(whole.status >= 400 && whole.status <= 505);
	}
	CHECK(r != HTTP_PARSE_MORE || size < limits.head_bytes);
	return 0;
}
