/*
 * Whole answers. The head is formatted in a buffer of the server (nothing waits between formatting
 * and the first write) and copied to the request's arena only if the socket does not take it.
 */
#include "core/http/respond.h"

#include <stdio.h>

#include "core/base/check.h"
#include "core/http/conn_io.h"
#include "core/http/h2.h"

enum {
	PARTS_MAX = 3
};

/* iovec has no const; conn_send() does not write there. */
static void *writable(const char *p)
{
	return (void *)(uintptr_t)p;
}

/* Cuts n bytes off the front of the parts. */
static void cut(struct slice *parts, unsigned n_parts, size_t n)
{
	for (unsigned i = 0; i < n_parts && n > 0; i++) {
		size_t here = n < parts[i].len ? n : parts[i].len;
		parts[i] = slice_sub(parts[i], here, parts[i].len);
		n -= here;
	}
}

bool respond_write(struct http_req *r, struct slice *parts, unsigned n)
{
	struct conn *c = r->conn;
	struct iovec iov[PARTS_MAX];
	unsigned n_iov = 0;
	size_t sent = 0;

	if (c->state == CONN_CLOSED) {
		return false;
	}
	CHECK(n <= PARTS_MAX);
	if (c->is_stream) {
		h2_offer(c, parts, n);
		return true;
	}
	for (unsigned i = 0; i < n; i++) {
		if (parts[i].len > 0) {
			iov[n_iov++] = (struct iovec){ writable(parts[i].ptr), parts[i].len };
		}
	}
	if (n_iov == 0) {
		return true;
	}
	enum err e = conn_send(c, iov, n_iov, &sent);
	if (e == ERR_PEER_GONE) {
		conn_close(c, HTTP_CLOSE_GONE);
		return false;
	}
	r->sent_bytes += sent;
	cut(parts, n, sent);
	return true;
}

static void wait_until_writable(struct http_req *r)
{
	struct http_server *s = r->server;

	conn_want(r->conn, UV_READABLE | UV_DISCONNECT | UV_WRITABLE);
	conn_clock(r->conn, loop_now_us(s->loop) + s->settings.write_us);
}

static void reply(
    struct http_req *r, int status, struct slice content_type, struct slice body, bool is_lent)
{
	r->out[0] = respond_head(r, status, content_type, (int64_t)body.len);
	r->out[1] = r->head_failed || respond_is_bodyless(r, status) ? SLICE_EMPTY : body;
	if (!respond_write(r, r->out, 2)) {
		r->out[0] = r->out[1] = SLICE_EMPTY;
		return;
	}
	if (!respond_is_pending(r)) {
		return;
	}
	for (unsigned i = 0; i < (is_lent ? 2 : 1); i++) {
		if (r->out[i].len > 0 && arena_copy(&r->arena, r->out[i], &r->out[i]) != ERR_OK) {
			conn_close(r->conn, HTTP_CLOSE_ABORTED);
			return;
		}
	}
	wait_until_writable(r);
}

void http_reply(struct http_req *r, int status, struct slice content_type, struct slice body)
{
	reply(r, status, content_type, body, false);
}

void http_reply_lent(struct http_req *r, int status, struct slice content_type, struct slice body)
{
	reply(r, status, content_type, body, true);
}

void respond_continue(struct http_req *r)
{
	size_t before = r->out[0].len + r->out[1].len;

	if (!respond_write(r, r->out, 2)) {
		return;
	}
	if (respond_is_pending(r)) {
		if (r->out[0].len + r->out[1].len < before) {
			wait_until_writable(r);
		}
		return;
	}
	conn_clock(r->conn, INT64_MAX);
	if (r->handled) {
		conn_request_done(r->conn);
	}
}

void respond_100(struct http_req *r)
{
	struct slice text = SLICE("HTTP/1.1 100 Continue\r\n\r\n");

	if (r->conn->is_stream) {
		h2_send_continue(r->conn);
		return;
	}
	if (respond_write(r, &text, 1) && text.len > 0) {
		conn_close(r->conn, HTTP_CLOSE_ABORTED);
	}
}

void http_add_header(struct http_req *r, struct slice name, struct slice value)
{
	CHECK(!r->replied);
	if (r->n_out_headers == HTTP_OUT_HEADERS) {
		r->head_failed = true;
		return;
	}
	r->out_headers[r->n_out_headers++] = (struct http_header){ name, value };
}

void http_add_headers(struct http_req *r, const struct http_fixed_header *list)
{
	for (; list->name != NULL; list++) {
		http_add_header(r, slice_str(list->name), slice_str(list->value));
	}
}

void http_reply_text(struct http_req *r, int status, const char *detail)
{
	const char *text = arena_printf(&r->arena, "%s: %s\n", http_status_phrase(status), detail);

	http_reply(r, status, SLICE("text/plain; charset=utf-8"), slice_str(text));
}

void respond_add_retry_after(struct http_req *r, unsigned seconds)
{
	int len = snprintf(r->retry_after, sizeof(r->retry_after), "%u", seconds);

	http_add_header(r, SLICE("Retry-After"), SLICE_OF(r->retry_after, (size_t)len));
}

void http_close_after(struct http_req *r)
{
	r->must_close = true;
}

void http_mark_refused(struct http_req *r)
{
	r->refused = true;
}

void http_reply_busy(struct http_req *r, unsigned retry_after_s)
{
	r->refused = true;
	respond_add_retry_after(r, retry_after_s);
	http_reply(r, 503, SLICE("text/plain; charset=utf-8"),
	    SLICE("Service Unavailable: server is too busy\n"));
}

bool http_has_replied(const struct http_req *r)
{
	return r->replied;
}

int http_replied_status(const struct http_req *r)
{
	return r->status;
}
