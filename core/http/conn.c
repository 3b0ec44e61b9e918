/*
 * Connections. State changes happen in three places: an event of the socket (conn_event.c), the end
 * of an answer (conn_request_done), and a clock (conn_on_clock).
 *
 * Events are asked for lazily: a connection is not polled before it has to wait, and it keeps
 * asking for bytes while a request is worked on; only if some come does it stop asking (each change
 * is two system calls in libuv). So an ordinary keep-alive request costs a read and a write.
 */
#include "core/http/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/http/access.h"
#include "core/http/body.h"
#include "core/http/dispatch.h"
#include "core/http/conn_event.h"
#include "core/http/request.h"

/* Bounds of reading over what a client still sends behind an answer that ends the connection. */
enum {
	LINGER_BYTES = 4 << 20,
	LINGER_US = 2000000,
	DISCARD_US = 5000000
};

/* ---- life ---- */

static void count(struct http_server *s, int by)
{
	s->n_conns = by > 0 ? s->n_conns + 1 : s->n_conns - 1;
	metric_add(&s->slot->connections, by);
}

void conn_open(struct http_server *s, int fd, const struct sockaddr *peer)
{
	struct http_address address = http_address_of(peer);
	bool trusted = http_networks_have(&s->settings.trusted, &address);
	struct address_count *counted = NULL;
	struct conn *c = calloc(1, sizeof(*c));

	metric_add(s->cells.opened, 1);
	if (c == NULL) {
		metric_add(s->cells.closed[HTTP_CLOSE_ABORTED], 1);
		close(fd);
		return;
	}
	struct http_address group = http_address_group(&address);
	if (!trusted &&
	    address_take(&s->addresses, &group, s->settings.max_per_address, &counted) != ERR_OK) {
		metric_add(s->cells.closed[HTTP_CLOSE_ADDRESS_LIMIT], 1);
		close(fd);
		free(c);
		return;
	}
	c->server = s;
	c->fd = fd;
	c->peer = address;
	c->trusted = trusted;
	c->counted = counted;
	c->state = CONN_IDLE;
	wheel_timer_init(&c->clock);
	list_push(&s->conns, &c->node);
	count(s, 1);
	conn_clock(c, loop_now_us(s->loop) + s->settings.head_us);
	conn_read(c);
}

void conn_free(struct conn *c)
{
	CHECK(c->state == CONN_CLOSED && !c->poll_open);
	free(c);
}

static void on_poll_closed(uv_handle_t *handle)
{
	struct conn *c = handle->data;

	/* The server may be gone by now: nothing but c is touched. */
	c->poll_open = false;
	if (c->req == NULL) {
		conn_free(c);
	}
}

static void release_request(struct conn *c)
{
	struct http_req *r = c->req;

	c->req = NULL;
	request_give(r);
	if (c->state == CONN_CLOSED && !c->poll_open) {
		list_push(&c->server->dead, &c->node);
	}
}

void conn_close(struct conn *c, enum http_close_why why)
{
	struct http_server *s = c->server;
	struct http_req *r = c->req;

	if (c->state == CONN_CLOSED) {
		return;
	}
	c->state = CONN_CLOSED;
	metric_add(s->cells.closed[why], 1);
	list_remove(&c->node);
	count(s, -1);
	address_give(&s->addresses, c->counted);
	wheel_disarm(&c->clock);
	if (c->poll_open) {
		uv_close((uv_handle_t *)&c->poll, on_poll_closed);
	}
	close(c->fd);
	c->fd = -1;
	if (r == NULL) {
		if (!c->poll_open) {
			list_push(&s->dead, &c->node);
		}
		return;
	}
	if (r->running) {
		/* Whoever answers it sees the state and releases it. */
		if (r->task != NULL) {
			task_cancel(r->task);
		}
		return;
	}
	if (r->is_queued) {
		dispatch_forget(r);
	}
	if (r->handled) {
		access_done(r);
	}
	release_request(c);
}

void conn_clock(struct conn *c, int64_t due_us)
{
	if (c->state == CONN_CLOSED) {
		return;
	}
	c->due_us = due_us;
	if (due_us != INT64_MAX && (!wheel_is_armed(&c->clock) || c->clock.due_us > due_us)) {
		wheel_arm(&c->server->wheel, &c->clock, due_us);
	}
}

void conn_want(struct conn *c, int events)
{
	if (c->state == CONN_CLOSED || c->events == events) {
		return;
	}
	if (!c->poll_open) {
		if (uv_poll_init(loop_uv(c->server->loop), &c->poll, c->fd) != 0) {
			conn_close(c, HTTP_CLOSE_ABORTED);
			return;
		}
		c->poll.data = c;
		c->poll_open = true;
	}
	c->events = (uint8_t)events;
	if (events == 0) {
		uv_poll_stop(&c->poll);
		return;
	}
	CHECK(uv_poll_start(&c->poll, events, conn_on_event) == 0);
}

/* ---- reading heads ---- */

static void go_idle(struct conn *c)
{
	struct http_server *s = c->server;

	release_request(c);
	c->state = CONN_IDLE;
	if (c->peer_done || s->draining) {
		conn_close(c, c->peer_done ? HTTP_CLOSE_CLIENT : HTTP_CLOSE_DRAINED);
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
		conn_clock(c, INT64_MAX);
		r->buf_at = r->head.head_bytes;
		dispatch_head(r);
		return;
	case HTTP_PARSE_ERROR:
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

	if (c->req == NULL) {
		c->req = request_take(s, c);
		if (c->req == NULL) {
			conn_close(c, HTTP_CLOSE_ABORTED);
			return;
		}
	}
	struct http_req *r = c->req;
	ssize_t n = recv(c->fd, r->buf + r->buf_len, r->buf_cap - r->buf_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		if (c->state == CONN_IDLE) {
			go_idle(c);
		}
		return;
	}
	if (n <= 0) {
		conn_close(c, c->state == CONN_IDLE ? HTTP_CLOSE_CLIENT : HTTP_CLOSE_GONE);
		return;
	}
	metric_add(s->cells.received_bytes, n);
	r->buf_len += (uint32_t)n;
	advance(c);
}

/* ---- after an answer ---- */

static void next_request(struct conn *c)
{
	struct http_server *s = c->server;

	request_next(c->req);
	if (c->req->buf_len > 0) {
		c->state = CONN_ACTIVE;
		advance(c);
		return;
	}
	conn_clock(c, loop_now_us(s->loop) + s->settings.idle_us);
	go_idle(c);
}

void conn_linger(struct conn *c)
{
	release_request(c);
	c->state = CONN_LINGER;
	c->read_over = 0;
	shutdown(c->fd, SHUT_WR);
	conn_clock(c, loop_now_us(c->server->loop) + LINGER_US);
	conn_want(c, UV_READABLE | UV_DISCONNECT);
}

void conn_read_over(struct conn *c)
{
	struct http_server *s = c->server;
	ssize_t n = recv(c->fd, s->scratch, sizeof(s->scratch), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}
	if (n > 0) {
		metric_add(s->cells.received_bytes, n);
		c->read_over += (uint32_t)n;
	}
	if (n <= 0 || c->read_over > LINGER_BYTES) {
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
		conn_linger(c);
	}
}

/* The answer said "close". A client that may still be sending must not get an RST. */
static void finish(struct conn *c)
{
	const struct http_req *r = c->req;
	bool may_send = !r->body_done || r->buf_at < r->buf_len ||
			(c->events != 0 && (c->events & UV_READABLE) == 0);

	if (may_send && !c->peer_done) {
		conn_linger(c);
		return;
	}
	conn_close(c, HTTP_CLOSE_DONE);
}

void conn_request_done(struct conn *c)
{
	struct http_req *r = c->req;

	access_done(r);
	if (c->state == CONN_CLOSED) {
		release_request(c);
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

void conn_drain(struct conn *c)
{
	if (c->state != CONN_IDLE) {
		return;
	}
	/* A request that is here already is still answered; go_idle() closes if none is. */
	conn_read(c);
}
