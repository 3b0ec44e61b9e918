/*
 * See hold.h. A held request counts as running until it is answered, so nobody else ends it.
 */
#include "core/http/hold.h"

#include "core/base/check.h"
#include "core/http/body.h"
#include "core/http/dispatch.h"
#include "core/http/respond.h"

bool http_hold(struct http_req *r, void (*gone)(void *arg), void *arg)
{
	CHECK(r->running && !r->replied && !r->held);
	/* So that a client that goes away is noticed. */
	conn_want(r->conn, UV_READABLE | UV_DISCONNECT);
	conn_clock(r->conn, INT64_MAX);
	if (r->conn->state == CONN_CLOSED) {
		return false;
	}
	r->held = true;
	r->gone = gone;
	r->gone_arg = arg;
	return true;
}

void http_reply_take(struct http_req *r, int status, struct slice content_type, struct buf *body)
{
	body_forget(r);
	r->body_buf = *body;
	*body = buf_new(body->max);
	r->server->body_memory += r->body_buf.cap;
	http_reply(r, status, content_type, buf_slice(&r->body_buf));
}

void http_release(struct http_req *r, int status, struct slice content_type, struct buf *body)
{
	CHECK(r->held);
	r->held = false;
	http_reply_take(r, status, content_type, body);
	dispatch_end_answer(r);
}

void hold_end(struct http_req *r)
{
	r->held = false;
	r->running = false;
	r->gone(r->gone_arg);
}
