/*
 * Field lines (RFC 9112 5) and the few fields that decide how the message is framed.
 */
#include "core/http/parse_priv.h"

#include "core/http/chars.h"

enum {
	HOST_MAX = 255
};

static uint16_t once(struct http_head *h, enum http_seen field)
{
	if ((h->seen & field) != 0) {
		return 400;
	}
	h->seen = (uint8_t)(h->seen | field);
	return 0;
}

static uint16_t take_host(struct http_head *h, struct http_span span)
{
	uint16_t status = once(h, HTTP_SEEN_HOST);

	if (status == 0 && !http_host_is_valid(http_head_text(h, span))) {
		status = 400;
	}
	if (!h->target_has_host) {
		h->host = span;
	}
	return status;
}

static uint16_t take_length(struct http_head *h, struct slice value)
{
	uint64_t n;

	if (once(h, HTTP_SEEN_LENGTH) != 0 || slice_to_u64(value, INT64_MAX, &n) != ERR_OK) {
		return 400;
	}
	h->content_length = (int64_t)n;
	return 0;
}

/* Only "chunked" by itself; we know no other coding, and two fields or an empty one are a trick. */
static uint16_t take_coding(struct http_head *h, struct slice value)
{
	if (once(h, HTTP_SEEN_CODING) != 0 || value.len == 0) {
		return 400;
	}
	h->chunked = slice_eq_nocase(value, SLICE("chunked"));
	return h->chunked ? 0 : 501;
}

static void take_connection(struct http_head *h, struct slice value)
{
	for (struct slice option, rest = value; slice_split(&rest, ',', &option);) {
		option = slice_trim(option);
		if (slice_eq_nocase(option, SLICE("close"))) {
			h->seen |= HTTP_SEEN_CLOSE;
		} else if (slice_eq_nocase(option, SLICE("keep-alive"))) {
			h->seen |= HTTP_SEEN_KEEP_ALIVE;
		}
	}
}

static void take_expectation(struct http_head *h, struct slice value)
{
	if (slice_eq_nocase(value, SLICE("100-continue"))) {
		h->expect_continue = true;
	} else {
		h->seen |= HTTP_SEEN_OTHER_EXPECTATION;
	}
}

/* The lengths of the framing fields' names are all different. */
uint16_t http_parse_meaning(struct http_head *h, const struct http_field *f)
{
	struct slice name = http_head_text(h, f->name), value = http_head_text(h, f->value);

	switch (name.len) {
	case sizeof("Host") - 1:
		return slice_eq_nocase(name, SLICE("Host")) ? take_host(h, f->value) : 0;
	case sizeof("Content-Length") - 1:
		return slice_eq_nocase(name, SLICE("Content-Length")) ? take_length(h, value) : 0;
	case sizeof("Transfer-Encoding") - 1:
		return slice_eq_nocase(name, SLICE("Transfer-Encoding")) ? take_coding(h, value)
									 : 0;
	case sizeof("Connection") - 1:
		if (slice_eq_nocase(name, SLICE("Connection"))) {
			take_connection(h, value);
		}
		return 0;
	case sizeof("Expect") - 1:
		if (slice_eq_nocase(name, SLICE("Expect"))) {
			take_expectation(h, value);
		}
		return 0;
	default:
		return 0;
	}
}

uint16_t http_parse_field_line(struct http_head *h, size_t at, size_t end)
{
	size_t colon = at;

	while (colon < end && http_char_is(h->base[colon], HTTP_CHAR_TOKEN)) {
		colon++;
	}
	/* Also refuses folded lines and space before the colon: neither is a token. */
	if (colon == at || colon == end || h->base[colon] != ':') {
		return 400;
	}
	struct slice raw = { h->base + colon + 1, end - colon - 1 };
	struct slice value = slice_trim(raw);
	size_t value_at = (size_t)(value.ptr - h->base);
	struct http_field *f = &h->fields[h->n_fields++];
	f->name = http_span_of(at, colon);
	f->value = http_span_of(value_at, value_at + value.len);
	return http_parse_meaning(h, f);
}

uint16_t http_parse_finish(struct http_head *h)
{
	if (!h->http_1_0 && (h->seen & HTTP_SEEN_HOST) == 0) {
		return 400;
	}
	/* Two framings, or chunks in a version that has none: RFC 9112 6.1 calls them attacks. */
	if (h->chunked && (h->http_1_0 || (h->seen & HTTP_SEEN_LENGTH) != 0)) {
		return 400;
	}
	/* HTTP/1.0 has no expectations: they are to be ignored there (RFC 9110 10.1.1). */
	if (h->http_1_0) {
		h->expect_continue = false;
	} else if ((h->seen & HTTP_SEEN_OTHER_EXPECTATION) != 0) {
		return 417;
	}
	h->keep_alive = (h->seen & HTTP_SEEN_CLOSE) == 0 &&
			(!h->http_1_0 || (h->seen & HTTP_SEEN_KEEP_ALIVE) != 0);
	return 0;
}

/* Empty (the scheme's port is meant), or up to five digits that are a port. */
static bool is_port(struct slice text)
{
	uint64_t port;

	return text.len == 0 || (text.len <= 5 && slice_to_u64(text, UINT16_MAX, &port) == ERR_OK);
}

/* Length of the address in brackets at the front, or 0. The digits' groups are not counted. */
static size_t bracketed_length(struct slice host)
{
	size_t end = slice_find(host, ']', 0);

	if (end == host.len || end < 3) {
		return 0;
	}
	for (size_t i = 1; i < end; i++) {
		if (!http_char_is(host.ptr[i], HTTP_CHAR_HEX) && host.ptr[i] != ':' &&
		    host.ptr[i] != '.') {
			return 0;
		}
	}
	return end + 1;
}

struct slice http_host_name(struct slice host)
{
	size_t bracket = host.len > 0 && host.ptr[0] == '[' ? slice_find(host, ']', 0) : 0;

	return slice_sub(host, 0, slice_find(host, ':', bracket));
}

bool http_host_is_valid(struct slice host)
{
	if (host.len == 0 || host.len > HOST_MAX) {
		return false;
	}
	size_t name_len = 0;
	if (host.ptr[0] == '[') {
		name_len = bracketed_length(host);
	} else {
		while (name_len < host.len && http_char_is(host.ptr[name_len], HTTP_CHAR_HOST)) {
			name_len++;
		}
	}
	if (name_len == 0 || name_len == host.len) {
		return name_len != 0;
	}
	return host.ptr[name_len] == ':' && is_port(slice_sub(host, name_len + 1, host.len));
}

bool http_is_token(struct slice text)
{
	return text.len > 0 && http_chars_are(text, HTTP_CHAR_TOKEN);
}
