/*
 * The header list of an answer. nghttp2 copies names and values, and writes names in lower case.
 */
#include "core/http/h2_priv.h"
#include "core/http/request.h"
#include "core/http/respond.h"

enum {
	STATUS_BYTES = 3,
	NUMBER_BYTES = 20,
	OWN_FIELDS = 6, /* :status, date, content-length, content-type, CORS, x-request-id */
	FIELD_OVERHEAD = 4,
};

struct header_list {
	nghttp2_nv fields[OWN_FIELDS + HTTP_OUT_HEADERS];
	unsigned n;
	size_t bytes;
	bool bad; /* a value that cannot be sent, or too many bytes */
};

static void put(struct header_list *l, struct slice name, struct slice value)
{
	bool is_secret = slice_eq_nocase(name, SLICE("set-cookie"));

	l->bytes += name.len + value.len + FIELD_OVERHEAD;
	l->bad = l->bad || l->bytes > HTTP_OUT_BYTES || !respond_is_sendable(value);
	/* nghttp2_nv has no const; nothing is written there. */
	l->fields[l->n++] = (nghttp2_nv){
		.name = (uint8_t *)(uintptr_t)name.ptr,
		.value = (uint8_t *)(uintptr_t)value.ptr,
		.namelen = name.len,
		.valuelen = value.len,
		.flags = is_secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE,
	};
}

static struct slice digits_of(uint64_t n, char out[NUMBER_BYTES])
{
	size_t at = NUMBER_BYTES;

	do {
		out[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return SLICE_OF(out + at, NUMBER_BYTES - at);
}

static void put_status_and_date(
    struct header_list *l, struct http_req *r, int status, char text[STATUS_BYTES])
{
	text[0] = (char)('0' + status / 100 % 10);
	text[1] = (char)('0' + status / 10 % 10);
	text[2] = (char)('0' + status % 10);
	put(l, SLICE(":status"), SLICE_OF(text, STATUS_BYTES));
	put(l, SLICE("date"), respond_date(r->server));
}

static void submit(struct http_req *r, const struct header_list *l, bool has_body)
{
	struct conn *c = r->conn;
	struct h2_stream *st = h2_stream_of(c);
	nghttp2_data_provider body = { .read_callback = h2_on_data_wanted };

	if (c->state == CONN_CLOSED) {
		return;
	}
	st->ended = !has_body;
	if (nghttp2_submit_response(
		c->h2->session, st->id, l->fields, l->n, has_body ? &body : NULL) != 0) {
		conn_close(c, HTTP_CLOSE_ABORTED);
		return;
	}
	h2_touch(c->h2);
}

static void submit_500(struct http_req *r)
{
	struct header_list l = { .n = 0 };
	char status[STATUS_BYTES];

	r->head_failed = true;
	r->status = 500;
	put_status_and_date(&l, r, 500, status);
	put(&l, SLICE("content-length"), SLICE("0"));
	submit(r, &l, false);
}

void h2_respond(struct http_req *r, int status, struct slice content_type, int64_t length)
{
	struct header_list l;
	char status_text[STATUS_BYTES], length_text[NUMBER_BYTES], trace[TRACE_DIGITS];

	l.n = 0;
	l.bytes = 0;
	l.bad = r->head_failed;
	put_status_and_date(&l, r, status, status_text);
	if (length >= 0 && status != 204 && status != 304) {
		put(&l, SLICE("content-length"), digits_of((uint64_t)length, length_text));
	}
	if (content_type.len > 0) {
		put(&l, SLICE("content-type"), content_type);
	}
	if ((r->call.op->flags & OP_PUBLIC_CORS) != 0) {
		put(&l, SLICE("access-control-allow-origin"), SLICE("*"));
	}
	if (r->server->settings.trace_header && r->call.trace != 0) {
		put(&l, SLICE("x-request-id"), trace_text(r->call.trace, trace));
	}
	for (unsigned i = 0; i < r->n_out_headers; i++) {
		put(&l, r->out_headers[i].name, r->out_headers[i].value);
	}
	if (l.bad) {
		submit_500(r);
		return;
	}
	submit(r, &l, length != 0 && !respond_is_bodyless(r, status));
}

void h2_send_continue(struct conn *c)
{
	struct header_list l = { .n = 0 };

	put(&l, SLICE(":status"), SLICE("100"));
	if (nghttp2_submit_headers(c->h2->session, NGHTTP2_FLAG_NONE, h2_stream_of(c)->id, NULL,
		l.fields, l.n, NULL) < 0) {
		conn_close(c, HTTP_CLOSE_ABORTED);
		return;
	}
	h2_touch(c->h2);
}
