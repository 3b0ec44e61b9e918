/*
 * Life of connections. How they go from request to request is in conn_flow.c, what comes from
 * outside in conn_event.c.
 *
 * Events are asked for lazily: a connection is not polled before it has to wait, and it keeps
 * asking for bytes while a request is worked on; only if some come does it stop asking. So an
 * ordinary keep-alive request costs a read and a write.
 */
#include "core/http/conn.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/http/access.h"
#include "core/http/conn_priv.h"
#include "core/http/conn_tls.h"
#include "core/http/conn_tunnel.h"
#include "core/http/dispatch.h"
#include "core/http/h2.h"
#include "core/http/hold.h"
#include "core/http/request.h"
#include "core/http/ws_conn.h"

enum {
	/* Accepted just before the end of the grace: its request is on the way. */
	DRAIN_FRESH_US = 1000000
};

static void count(struct http_server *s, int by)
{
	s->n_conns = by > 0 ? s->n_conns + 1 : s->n_conns - 1;
	metric_add(&s->slot->connections, by);
}

/* A connection that is counted and has a clock; NULL: fd is closed. */
static struct conn *make(
    struct http_server *s, int fd, const struct http_address *address, bool trusted)
{
	struct address_count *counted = NULL;
	struct conn *c = calloc(1, sizeof(*c));

	metric_add(s->cells.opened, 1);
	if (c == NULL) {
		metric_add(s->cells.closed[HTTP_CLOSE_ABORTED], 1);
		close(fd);
		return NULL;
	}
	struct http_address group = http_address_group(address);
	if (!trusted &&
	    address_take(&s->addresses, &group, s->settings.max_per_address, &counted) != ERR_OK) {
		metric_add(s->cells.closed[HTTP_CLOSE_ADDRESS_LIMIT], 1);
		close(fd);
		free(c);
		return NULL;
	}
	c->server = s;
	c->fd = fd;
	watch_init(&c->watch, fd, conn_on_event);
	c->peer = *address;
	c->trusted = trusted;
	c->counted = counted;
	c->state = CONN_IDLE;
	c->fresh = true;
	wheel_timer_init(&c->clock);
	list_push(&s->conns, &c->node);
	count(s, 1);
	conn_clock(c, loop_now_us(s->loop) + s->settings.head_us);
	return c;
}

void conn_open(struct http_server *s, int fd, const struct sockaddr *peer, bool secure)
{
	struct http_address address = http_address_of(peer);
	bool trusted = http_networks_have(&s->settings.trusted, &address);
	struct conn *c = make(s, fd, &address, trusted);

	if (c == NULL) {
		return;
	}
	c->secure = secure;
	c->state = trusted && s->o.proxied && s->settings.proxy_protocol ? CONN_PROXY : CONN_IDLE;
	if (c->state == CONN_PROXY) {
		conn_read_proxy(c);
	} else {
		conn_begin(c);
	}
}

void conn_adopt(struct http_server *s, const struct http_handover *h)
{
	struct conn *c = make(s, h->fd, &h->peer, h->trusted);

	if (c == NULL) {
		return;
	}
	c->proxied_tls = h->proxied_tls;
	c->handed = true;
	c->fresh = false;
	conn_feed(c, h->bytes);
}

void conn_begin(struct conn *c)
{
	if (c->secure) {
		conn_tls_begin(c);
	} else {
		conn_begin_protocol(c);
	}
}

void conn_free(struct conn *c)
{
	CHECK(c->state == CONN_CLOSED);
	free(c);
}

void conn_release_request(struct conn *c)
{
	struct http_req *r = c->req;

	c->req = NULL;
	request_give(r);
	if (c->state == CONN_CLOSED) {
		list_push(&c->server->dead, &c->node);
	}
}

static void close_socket(struct conn *c, enum http_close_why why)
{
	struct http_server *s = c->server;

	if (c->h2 != NULL) {
		h2_close(c, why);
	}
	if (c->ws != NULL) {
		ws_gone(c, why);
	}
	if (c->tunnel != NULL) {
		conn_tunnel_gone(c);
	}
	metric_add(s->cells.closed[why], 1);
	list_remove(&c->node);
	count(s, -1);
	address_give(&s->addresses, c->counted);
	watch_end(s->loop, &c->watch);
	if (c->tls != NULL) {
		conn_tls_close(c,
		    why == HTTP_CLOSE_DONE || why == HTTP_CLOSE_IDLE || why == HTTP_CLOSE_DRAINED);
	}
	close(c->fd);
	c->fd = -1;
}

void conn_close(struct conn *c, enum http_close_why why)
{
	struct http_server *s = c->server;
	struct http_req *r = c->req;

	if (c->state == CONN_CLOSED) {
		return;
	}
	c->state = CONN_CLOSED;
	wheel_disarm(&c->clock);
	if (c->is_stream) {
		h2_stream_cut(c, why);
	} else {
		close_socket(c, why);
	}
	if (r == NULL) {
		if (!conn_tls_is_busy(c)) {
			list_push(&s->dead, &c->node);
		}
		return;
	}
	if (r->held) {
		hold_end(r);
	} else if (r->running) {
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
	conn_release_request(c);
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
	if (c->state == CONN_CLOSED) {
		return;
	}
	if (c->tls != NULL && (events & UV_READABLE) != 0) {
		conn_tls_wants(c);
	}
	if (c->events == events) {
		return;
	}
	if (c->is_stream) {
		c->events = (uint8_t)events;
		return;
	}
	c->events = (uint8_t)events;
	if (watch_want(c->server->loop, &c->watch, events) != ERR_OK) {
		conn_close(c, HTTP_CLOSE_ABORTED);
	}
}

void conn_drain(struct conn *c)
{
	int64_t due_us = loop_now_us(c->server->loop) + DRAIN_FRESH_US;
	bool waits = c->state == CONN_PROXY || c->state == CONN_IDLE;

	if (waits && c->fresh && c->due_us > due_us) {
		conn_clock(c, due_us);
	}
	/* A request that is here already is still answered; go_idle() ends it if none is. */
	if (c->state == CONN_PROXY) {
		conn_read_proxy(c);
	} else if (c->state == CONN_IDLE) {
		conn_read(c);
	}
}
