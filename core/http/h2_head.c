/*
 * The header list of a request as the head that an HTTP/1.1 request would have had. nghttp2 has
 * checked what makes a list malformed (RFC 9113 8.2.1, 8.2.2, 8.3.1): lower-case names, no control
 * bytes, pseudo-fields first and each once, no field of the connection, TE with nothing but
 * "trailers"; such a stream is reset and never gets here. The rest is judged by the functions of
 * the HTTP/1.1 parser, so that both protocols refuse the same with the same status.
 */
#include "core/http/h2_priv.h"
#include "core/http/parse_priv.h"
#include "core/http/request.h"

enum {
	FIELD_LINE_BYTES = 4,	 /* ": " and the line's end, as HTTP/1.1 counts */
	REQUEST_LINE_BYTES = 12, /* two spaces, the version and the line's end */
	FIRST_GROWTH = 2,
};

static void refuse(struct h2_stream *st, uint16_t status)
{
	if (st->refuse == 0) {
		st->refuse = status;
	}
}

/* Appends text to the head; false beyond the limit, with 431 noted. */
static bool put(struct h2_stream *st, struct slice text, struct http_span *ret)
{
	struct http_req *r = st->conn.req;
	const struct http_parse_limits *limits = &r->server->settings.head;
	size_t most =
	    limits->head_bytes < HTTP_MAX_HEAD_BYTES ? limits->head_bytes : HTTP_MAX_HEAD_BYTES;
	size_t overhead = (size_t)r->head.n_fields * FIELD_LINE_BYTES;

	if (r->buf_len + text.len + overhead > most) {
		refuse(st, 431);
		return false;
	}
	uint32_t cap = r->buf_cap;
	while (cap < r->buf_len + text.len) {
		cap *= FIRST_GROWTH;
	}
	if (!request_grow(r, cap)) {
		refuse(st, 503);
		return false;
	}
	if (text.len > 0) {
		memcpy(r->buf + r->buf_len, text.ptr, text.len);
	}
	*ret = http_span_of(r->buf_len, r->buf_len + text.len);
	r->buf_len += (uint32_t)text.len;
	return true;
}

static void take_pseudo(struct h2_stream *st, struct slice name, struct slice value)
{
	struct http_head *h = &st->conn.req->head;
	struct http_span span;

	if (slice_eq(name, SLICE(":scheme"))) {
		bool is_ours = slice_eq(value, SLICE("http")) || slice_eq(value, SLICE("https"));
		if (!is_ours) {
			refuse(st, 400);
		}
	} else if (!put(st, value, &span)) {
		return;
	} else if (slice_eq(name, SLICE(":method"))) {
		h->method_text = span;
		h->method = http_parse_method(value);
	} else if (slice_eq(name, SLICE(":path"))) {
		st->target = span;
	} else if (slice_eq(name, SLICE(":authority"))) {
		h->host = span;
		h->target_has_host = true;
		if (!http_host_is_valid(value)) {
			refuse(st, 400);
		}
	} else {
		refuse(st, 400);
	}
}

/* Cookies may come in crumbs (RFC 9113 8.2.3): one field again. False: this is the first. */
static bool join_cookie(struct h2_stream *st, struct slice value)
{
	struct http_req *r = st->conn.req;
	struct http_field *f = NULL;
	struct http_span span;

	for (unsigned i = 0; i < r->head.n_fields && f == NULL; i++) {
		struct slice name = http_head_text(&r->head, r->head.fields[i].name);
		f = slice_eq(name, SLICE("cookie")) ? &r->head.fields[i] : NULL;
	}
	if (f == NULL) {
		return false;
	}
	if (f->value.at + f->value.len != r->buf_len) {
		/* Something came between: the crumbs move to the end, where there is room. */
		struct slice old = http_head_text(&r->head, f->value);
		if (arena_copy(&r->arena, old, &old) != ERR_OK || !put(st, old, &span)) {
			refuse(st, 431);
			return true;
		}
		f->value = span;
	}
	if (put(st, SLICE("; "), &span) && put(st, value, &span)) {
		f->value.len = (uint16_t)(r->buf_len - f->value.at);
	}
	return true;
}

static void take_field(struct h2_stream *st, struct slice name, struct slice value)
{
	struct http_req *r = st->conn.req;
	const struct http_parse_limits *limits = &r->server->settings.head;
	struct http_field f;

	if (slice_eq(name, SLICE("cookie")) && join_cookie(st, value)) {
		return;
	}
	if (r->head.n_fields >= HTTP_MAX_HEADERS || r->head.n_fields >= limits->headers) {
		refuse(st, 431);
		return;
	}
	if (!put(st, name, &f.name) || !put(st, value, &f.value)) {
		return;
	}
	r->head.fields[r->head.n_fields++] = f;
	uint16_t status = http_parse_meaning(&r->head, &f);
	if (status == 0 && slice_eq(name, SLICE("host")) && r->head.target_has_host &&
	    !slice_eq_nocase(value, http_head_text(&r->head, r->head.host))) {
		status = 400; /* two authorities (RFC 9113 8.3.1) */
	}
	if (status != 0) {
		refuse(st, status);
	}
}

void h2_head_field(struct h2_stream *st, struct slice name, struct slice value)
{
	if (st->refuse != 0) {
		return;
	}
	if (name.len > 0 && name.ptr[0] == ':') {
		take_pseudo(st, name, value);
	} else {
		take_field(st, name, value);
	}
}

static uint16_t finish(struct h2_stream *st)
{
	struct http_req *r = st->conn.req;
	struct http_head *h = &r->head;
	struct slice target = http_head_text(h, st->target);

	if (h->method_text.len + target.len + REQUEST_LINE_BYTES >
	    r->server->settings.head.line_bytes) {
		return 414;
	}
	/* The absolute form, which HTTP/1.1 knows, is none of HTTP/2; CONNECT has no path at all.
	 */
	bool is_connect = slice_eq(http_head_text(h, h->method_text), SLICE("CONNECT"));
	if (!is_connect && (target.len == 0 || (target.ptr[0] != '/' && target.len > 1))) {
		return 400;
	}
	uint16_t status = is_connect ? 501
				     : http_parse_target(h, st->target.at,
					   (size_t)st->target.at + st->target.len);
	if (h->target_has_host) {
		h->seen |= HTTP_SEEN_HOST;
	}
	return status != 0 ? status : http_parse_finish(h);
}

uint16_t h2_head_finish(struct h2_stream *st)
{
	struct http_req *r = st->conn.req;

	refuse(st, st->refuse != 0 ? st->refuse : finish(st));
	r->head.head_bytes = (uint16_t)r->buf_len;
	r->buf_at = r->buf_len;
	return st->refuse;
}
