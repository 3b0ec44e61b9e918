/*
 * The way of a connection from request to request: read, parse, hand over, and when the answer is
 * out: read over what nobody wanted, and go on or end.
 */
#include "core/http/conn_priv.h"

#include "core/http/access.h"
#include "core/http/body.h"
#include "core/http/conn_io.h"
#include "core/http/conn_tls.h"
#include "core/http/conn_tunnel.h"
#include "core/http/dispatch.h"
#include "core/http/h2.h"
#include "core/http/request.h"
#include "core/http/ws_conn.h"

/* Bounds of reading over what a client still sends behind an answer that ends the connection. */
enum {
	LINGER_BYTES = 4 << 20,
	DRAIN_LINGER_US = 500000,
	DISCARD_US = 5000000,
	HOLD_BACK_US = 100000,
	TLS_HANDSHAKE_RECORD = 0x16, /* RFC 8446 5.1: first byte of a ClientHello */
};

void conn_linger(struct conn *c, int64_t longest_us)
{
	if (c->req != NULL) {
		conn_release_request(c);
	}
	c->state = CONN_LINGER;
	c->read_over = 0;
	conn_shut_send(c);
	conn_clock(c, loop_now_us(c->server->loop) + longest_us);
	conn_want(c, UV_READABLE | UV_DISCONNECT);
}

/* ---- reading heads ---- */

static void go_idle(struct conn *c)
{
	struct http_server *s = c->server;

	if (s->idle_over && !c->peer_done && !c->fresh) {
		conn_linger(c, DRAIN_LINGER_US);
		return;
	}
	conn_release_request(c);
	c->state = CONN_IDLE;
	if (c->peer_done) {
		conn_close(c, HTTP_CLOSE_CLIENT);
		return;
	}
	conn_want(c, UV_READABLE | UV_DISCONNECT);
}

static void parse(struct conn *c)
{
	struct http_server *s = c->server;
	struct http_req *r = c->req;

	switch (http_parse_head(&r->head, r->buf, r->buf_len, &s->settings.head)) {
	case HTTP_PARSE_MORE:
		if (r->buf_len == r->buf_cap && !request_grow(r, r->buf_cap * 2)) {
			conn_close(c, HTTP_CLOSE_ABORTED);
			return;
		}
		if (c->state != CONN_HEAD) {
			c->state = CONN_HEAD;
			conn_clock(c, loop_now_us(s->loop) + s->settings.head_us);
		}
		conn_want(c, UV_READABLE | UV_DISCONNECT);
		return;
	case HTTP_PARSE_DONE:
		c->state = CONN_ACTIVE;
		c->fresh = false;
		conn_clock(c, INT64_MAX);
		r->buf_at = r->head.head_bytes;
		dispatch_head(r);
		return;
	case HTTP_PARSE_ERROR:
		if (h2_is_preface(c)) {
			h2_open(c);
			return;
		}
		if (r->buf[0] == TLS_HANDSHAKE_RECORD) {
			conn_close(c, HTTP_CLOSE_ABORTED); /* https to a port that speaks http */
			return;
		}
		c->state = CONN_ACTIVE;
		conn_clock(c, INT64_MAX);
		dispatch_malformed(r, r->head.status);
		return;
	}
}

/*
 * Parses what is in the buffer. An answer given at once may end the request in here and find the
 * next one in the buffer: that is a turn of this loop, not a recursion.
 */
static void advance(struct conn *c)
{
	if (c->advancing) {
		c->again = true;
		return;
	}
	c->advancing = true;
	do {
		c->again = false;
		parse(c);
	} while (c->again && c->state != CONN_CLOSED);
	c->advancing = false;
}

void conn_read(struct conn *c)
{
	struct http_server *s = c->server;

	if (c->held_back) {
		c->held_back = false;
		conn_clock(c, loop_now_us(s->loop) + s->settings.idle_us);
	}
	if (c->req == NULL) {
		c->req = request_take(s, c);
		if (c->req == NULL) {
			conn_close(c, HTTP_CLOSE_ABORTED);
			return;
		}
	}
	struct http_req *r = c->req;
	size_t n = 0;
	enum err e = conn_recv(c, r->buf + r->buf_len, r->buf_cap - r->buf_len, &n);
	if (e == ERR_AGAIN) {
		if (c->state == CONN_IDLE) {
			go_idle(c);
		}
		return;
	}
	if (e != ERR_OK) {
		conn_close(c, c->state == CONN_IDLE ? HTTP_CLOSE_CLIENT : HTTP_CLOSE_GONE);
		return;
	}
	r->buf_len += (uint32_t)n;
	advance(c);
}

void conn_feed(struct conn *c, struct slice bytes)
{
	c->req = request_take(c->server, c);
	if (c->req == NULL || !request_grow(c->req, (uint32_t)bytes.len)) {
		conn_close(c, HTTP_CLOSE_ABORTED);
		return;
	}
	memcpy(c->req->buf, bytes.ptr, bytes.len);
	c->req->buf_len = (uint32_t)bytes.len;
	advance(c);
}

void conn_begin_protocol(struct conn *c)
{
	c->state = CONN_IDLE;
	conn_clock(c, loop_now_us(c->server->loop) + c->server->settings.head_us);
	if (slice_eq(conn_tls_alpn(c), SLICE("h2"))) {
		h2_open(c);
	} else {
		conn_read(c);
	}
}

/* ---- after an answer ---- */

/*
 * Who was refused what is easiest to do later, while even refusing takes time that others wait for:
 * what he sends next stays in the kernel for a moment, so those who ask on and on are refused so
 * often and not more.
 */
static bool is_to_be_held_back(const struct conn *c)
{
	const struct http_server *s = c->server;
	const struct http_req *r = c->req;

	return r->refused && r->ask.rank >= SHED_POLLING &&
	       s->grace->resources[GRACE_LOOP].is_over && !s->draining && !c->peer_done &&
	       r->buf_at == r->buf_len;
}

static void hold_back(struct conn *c)
{
	struct http_server *s = c->server;

	metric_add(s->cells.held_back, 1);
	conn_release_request(c);
	c->state = CONN_IDLE;
	c->held_back = true;
	conn_clock(c, loop_now_us(s->loop) + HOLD_BACK_US);
	conn_want(c, UV_DISCONNECT);
}

static void next_request(struct conn *c)
{
	struct http_server *s = c->server;

	if (is_to_be_held_back(c)) {
		hold_back(c);
		return;
	}
	request_next(c->req);
	c->handed = false;
	if (c->req->buf_len > 0) {
		c->state = CONN_ACTIVE;
		advance(c);
		return;
	}
	conn_clock(c, loop_now_us(s->loop) + s->settings.idle_us);
	go_idle(c);
}

void conn_read_over(struct conn *c)
{
	struct http_server *s = c->server;
	size_t n = 0;
	enum err e = conn_recv(c, s->scratch, sizeof(s->scratch), &n);

	if (e == ERR_AGAIN) {
		return;
	}
	c->read_over += (uint32_t)n;
	if (e != ERR_OK || c->read_over > LINGER_BYTES) {
		conn_close(c, HTTP_CLOSE_DONE);
	}
}

void conn_discard(struct conn *c)
{
	enum err e = body_discard(c->req);

	if (c->req->body_done) {
		next_request(c);
	} else if (e == ERR_AGAIN) {
		conn_want(c, UV_READABLE | UV_DISCONNECT);
	} else if (e == ERR_CANCELLED) {
		conn_close(c, HTTP_CLOSE_GONE);
	} else {
		conn_linger(c, HTTP_LINGER_US);
	}
}

/* The answer said "close". A client that may still be sending must not get an RST. */
static void finish(struct conn *c)
{
	const struct http_req *r = c->req;
	bool may_send = !r->body_done || r->buf_at < r->buf_len ||
			(c->events != 0 && (c->events & UV_READABLE) == 0);

	if (may_send && !c->peer_done) {
		conn_linger(c, HTTP_LINGER_US);
		return;
	}
	conn_close(c, HTTP_CLOSE_DONE);
}

void conn_request_done(struct conn *c)
{
	struct http_req *r = c->req;

	access_done(r);
	if (c->state == CONN_CLOSED) {
		conn_release_request(c);
	} else if (c->is_stream) {
		h2_stream_done(c);
	} else if (c->ws != NULL) {
		ws_begin(c);
	} else if (c->tunnel != NULL) {
		conn_tunnel_begin(c);
	} else if (!r->keep) {
		finish(c);
	} else if (!r->body_done) {
		c->state = CONN_DISCARD;
		c->read_over = 0;
		conn_clock(c, loop_now_us(c->server->loop) + DISCARD_US);
		conn_discard(c);
	} else {
		next_request(c);
	}
}
