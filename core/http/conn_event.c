/*
 * Events and clocks of connections.
 */
#include "core/http/conn_priv.h"

#include "core/http/body.h"
#include "core/http/conn_tls.h"
#include "core/http/conn_tunnel.h"
#include "core/http/dispatch.h"
#include "core/http/h2.h"
#include "core/http/respond.h"
#include "core/http/ws_conn.h"

/*
 * Something came while a request is worked on: bytes of its body that its handler waits for, the
 * next request (which stays in the kernel), or the client's FIN. A client that only closed its
 * sending side still gets its answer; but one that has FINed before a job of many milliseconds has
 * most likely given up, so such a job is not worth doing.
 */
static void on_active_readable(struct conn *c, int events)
{
	struct http_req *r = c->req;
	bool fin = (events & UV_DISCONNECT) != 0;

	if (r->reading) {
		task_wake(r->task);
		return;
	}
	if (fin && (r->held || (r->call.op->cost == COST_COMPUTE && !r->replied))) {
		conn_close(c, HTTP_CLOSE_GONE);
		return;
	}
	conn_want(c, (c->events & UV_WRITABLE) | (fin ? 0 : UV_DISCONNECT));
}

void conn_readable(struct conn *c, int events)
{
	switch ((enum conn_state)c->state) {
	case CONN_PROXY:
		conn_read_proxy(c);
		return;
	case CONN_HANDSHAKE:
		conn_tls_on_event(c);
		return;
	case CONN_IDLE:
	case CONN_HEAD:
		conn_read(c);
		return;
	case CONN_ACTIVE:
		on_active_readable(c, events);
		return;
	case CONN_BODY:
		dispatch_body(c->req);
		return;
	case CONN_DISCARD:
		conn_discard(c);
		return;
	case CONN_H2:
		h2_read(c);
		return;
	case CONN_WS:
		ws_readable(c);
		return;
	case CONN_TUNNEL:
		conn_tunnel_readable(c);
		return;
	case CONN_LINGER:
		conn_read_over(c);
		return;
	case CONN_CLOSED:
		return;
	}
}

static void on_writable(struct conn *c)
{
	struct http_req *r = c->req;

	if (c->state == CONN_H2) {
		h2_write(c);
	} else if (c->state == CONN_WS) {
		ws_writable(c);
	} else if (c->state == CONN_TUNNEL) {
		conn_tunnel_writable(c);
	} else if (r != NULL && r->writing) {
		task_wake(r->task);
	} else if (r != NULL && respond_is_pending(r)) {
		respond_continue(r);
	} else {
		conn_want(c, c->events & ~UV_WRITABLE);
	}
}

void conn_on_event(struct watch *w, int events, bool broken)
{
	struct conn *c = LIST_OF(w, struct conn, watch);

	if (broken) { /* RST */
		conn_close(c, c->state == CONN_IDLE ? HTTP_CLOSE_CLIENT : HTTP_CLOSE_GONE);
		return;
	}
	if (c->state == CONN_HANDSHAKE) {
		conn_tls_on_event(c);
		return;
	}
	if ((events & UV_WRITABLE) != 0) {
		on_writable(c);
	}
	if ((events & (UV_READABLE | UV_DISCONNECT)) != 0) {
		conn_readable(c, events);
	}
}

/* A body waits for its client: at its minimum rate? */
static void on_body_clock(struct conn *c, int64_t now_us)
{
	struct http_req *r = c->req;
	int64_t due_us = body_due_us(r);

	if (now_us < due_us) {
		conn_clock(c, due_us);
		return;
	}
	r->body_slow = true;
	r->must_close = true;
	if (r->task != NULL) {
		task_wake(r->task);
	} else {
		dispatch_fail(r, ERR_DEADLINE);
	}
}

void conn_on_clock(struct conn *c, int64_t now_us)
{
	if (now_us < c->due_us) {
		conn_clock(c, c->due_us);
		return;
	}
	switch ((enum conn_state)c->state) {
	case CONN_PROXY:
		conn_close(c, HTTP_CLOSE_PROXY_HEADER);
		return;
	case CONN_HANDSHAKE:
		conn_tls_on_clock(c);
		return;
	case CONN_IDLE:
		if (c->held_back) {
			conn_read(c);
		} else {
			conn_close(c, HTTP_CLOSE_IDLE);
		}
		return;
	case CONN_HEAD:
		c->state = CONN_ACTIVE;
		c->due_us = INT64_MAX;
		metric_add(c->server->cells.slow_heads, 1);
		dispatch_malformed(c->req, 408);
		return;
	case CONN_ACTIVE:
		if (c->req->reading) {
			on_body_clock(c, now_us);
		} else {
			conn_close(c, HTTP_CLOSE_WRITE_TIMEOUT);
		}
		return;
	case CONN_BODY:
		on_body_clock(c, now_us);
		return;
	case CONN_DISCARD:
		conn_close(c, HTTP_CLOSE_BODY_TIMEOUT);
		return;
	case CONN_H2:
		h2_on_clock(c, now_us);
		return;
	case CONN_WS:
	case CONN_TUNNEL:
		conn_close(c, HTTP_CLOSE_WRITE_TIMEOUT);
		return;
	case CONN_LINGER:
		conn_close(c, HTTP_CLOSE_DONE);
		return;
	case CONN_CLOSED:
		return;
	}
}
