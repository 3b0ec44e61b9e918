/*
 * The request line (RFC 9112 3) and the target in it.
 */
#include "core/http/parse_priv.h"

#include "core/http/chars.h"

struct method_name {
	struct slice text;
	enum http_method method;
};

/* clang-format off */
static const struct method_name method_names[] = {
	{ { "GET",     3 }, HTTP_GET     },
	{ { "POST",    4 }, HTTP_POST    },
	{ { "HEAD",    4 }, HTTP_HEAD    },
	{ { "PUT",     3 }, HTTP_PUT     },
	{ { "DELETE",  6 }, HTTP_DELETE  },
	{ { "PATCH",   5 }, HTTP_PATCH   },
	{ { "OPTIONS", 7 }, HTTP_OPTIONS },
};
/* clang-format on */

enum http_method http_parse_method(struct slice text)
{
	for (size_t i = 0; i < sizeof(method_names) / sizeof(method_names[0]); i++) {
		if (slice_eq(text, method_names[i].text)) {
			return method_names[i].method;
		}
	}
	return HTTP_OTHER_METHOD;
}

/*
 * "HTTP/1.1" or "HTTP/1.0". RFC 9110 2.5 would have us read a higher minor version as 1.1; no such
 * version exists and none is planned, so who sends one is refused with the foreign majors.
 */
static uint16_t take_version(struct http_head *h, struct slice text)
{
	if (slice_eq(text, SLICE("HTTP/1.1"))) {
		return 0;
	}
	if (slice_eq(text, SLICE("HTTP/1.0"))) {
		h->http_1_0 = true;
		return 0;
	}
	bool formed = text.len == 8 && slice_starts(text, SLICE("HTTP/")) && text.ptr[6] == '.' &&
		      http_char_is(text.ptr[5], HTTP_CHAR_DIGIT) &&
		      http_char_is(text.ptr[7], HTTP_CHAR_DIGIT);
	return formed ? 505 : 400;
}

/* The path [at, end) with an optional query. */
static void take_path(struct http_head *h, size_t at, size_t end)
{
	struct slice text = { h->base + at, end - at };
	size_t path_len = slice_find(text, '?', 0);

	h->path = http_span_of(at, at + path_len);
	h->query = http_span_of(at + path_len < end ? at + path_len + 1 : end, end);
}

static size_t scheme_length(struct slice target)
{
	if (slice_eq_nocase(slice_sub(target, 0, 7), SLICE("http://"))) {
		return 7;
	}
	return slice_eq_nocase(slice_sub(target, 0, 8), SLICE("https://")) ? 8 : 0;
}

/* Absolute form (RFC 9112 3.2.2): its authority stands above the Host field. */
static uint16_t take_absolute(struct http_head *h, size_t at, size_t end)
{
	struct slice target = { h->base + at, end - at };
	size_t scheme = scheme_length(target);
	size_t host_end = scheme;

	if (scheme == 0) {
		return 400;
	}
	while (
	    host_end < target.len && target.ptr[host_end] != '/' && target.ptr[host_end] != '?') {
		host_end++;
	}
	if (!http_host_is_valid(slice_sub(target, scheme, host_end))) {
		return 400;
	}
	h->host = http_span_of(at + scheme, at + host_end);
	h->target_has_host = true;
	take_path(h, at + host_end, end);
	if (h->path.len == 0) {
		/* "http://name" means "/": one is at hand just before the name. */
		h->path = http_span_of(at + scheme - 1, at + scheme);
	}
	return 0;
}

uint16_t http_parse_target(struct http_head *h, size_t at, size_t end)
{
	struct slice target = { h->base + at, end - at };

	if (target.len == 0 || !http_chars_are(target, HTTP_CHAR_TARGET)) {
		return 400;
	}
	if (slice_eq(http_head_text(h, h->method_text), SLICE("CONNECT"))) {
		return 501;
	}
	h->target = http_span_of(at, end);
	if (target.ptr[0] == '/') {
		take_path(h, at, end);
		return 0;
	}
	if (slice_eq(target, SLICE("*"))) {
		h->asterisk = true;
		h->path = h->target;
		return h->method == HTTP_OPTIONS ? 0 : 400;
	}
	return take_absolute(h, at, end);
}

uint16_t http_parse_request_line(struct http_head *h, size_t at, size_t end)
{
	struct slice line = { h->base + at, end - at };
	size_t method_len = 0;

	while (method_len < line.len && http_char_is(line.ptr[method_len], HTTP_CHAR_TOKEN)) {
		method_len++;
	}
	if (method_len == 0 || method_len == line.len || line.ptr[method_len] != ' ') {
		return 400;
	}
	size_t target_end = slice_find(line, ' ', method_len + 1);
	if (target_end == line.len) {
		return 400;
	}
	uint16_t status = take_version(h, slice_sub(line, target_end + 1, line.len));
	if (status != 0) {
		return status;
	}
	h->content_length = -1;
	h->method_text = http_span_of(at, at + method_len);
	h->method = http_parse_method(slice_sub(line, 0, method_len));
	return http_parse_target(h, at + method_len + 1, at + target_end);
}
