/*
 * The socket of a connection to PostgreSQL. Nothing here blocks a loop: a task that needs the
 * socket is suspended until it is ready. In a session, which has no loop, poll() waits instead.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/store/pg_priv.h"

struct pg_watch {
	uv_poll_t poll;
	struct pg_conn *conn; /* NULL: closed meanwhile */
	int fd, events;
};

static void on_socket(uv_poll_t *poll, int status, int events)
{
	struct pg_watch *w = poll->data;
	struct pg_conn *c = w->conn;

	(void)events;
	if (c == NULL) {
		return;
	}
	if (status != 0) {
		w->events = 0; /* libuv has stopped it */
	}
	if (c->waiter != NULL) {
		task_wake(c->waiter);
	} else if (c->state == PG_DRAINING || c->state == PG_IDLE) {
		pg_conn_drain_step(c);
	} else {
		pg_socket_watch(c, 0); /* its owner will look by itself */
	}
}

static void on_watch_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void pg_socket_forget(struct pg_conn *c)
{
	struct pg_watch *w = c->watch;

	if (w != NULL) {
		c->watch = NULL;
		w->conn = NULL;
		uv_poll_stop(&w->poll);
		uv_close((uv_handle_t *)&w->poll, on_watch_closed);
	}
}

void pg_socket_watch(struct pg_conn *c, int events)
{
	int fd = PQsocket(c->handle);

	if (c->watch != NULL && c->watch->fd != fd) {
		pg_socket_forget(c);
	}
	if (c->watch == NULL) {
		struct pg_watch *w = calloc(1, sizeof(*w));

		CHECK(w != NULL);
		CHECK(uv_poll_init(loop_uv(c->pool->o.loop), &w->poll, fd) == 0);
		w->poll.data = w;
		w->conn = c;
		w->fd = fd;
		c->watch = w;
	}
	if (events == 0) {
		uv_poll_stop(&c->watch->poll);
	} else if (events != c->watch->events) {
		CHECK(uv_poll_start(&c->watch->poll, events, on_socket) == 0);
	}
	c->watch->events = events;
}

static enum err wait_by_poll(struct pg_conn *c, int events, int64_t deadline_us)
{
	struct pollfd p = { .fd = PQsocket(c->handle) };
	int64_t left_us = deadline_us - clock_mono_us();
	int ms = deadline_us == DEADLINE_NONE ? -1 : (int)(left_us < 0 ? 0 : left_us / 1000 + 1);

	p.events = (short)(((events & UV_READABLE) != 0 ? POLLIN : 0) |
			   ((events & UV_WRITABLE) != 0 ? POLLOUT : 0));
	int n = poll(&p, 1, ms);
	return n > 0 || (n < 0 && errno == EINTR) ? ERR_OK : n == 0 ? ERR_DEADLINE : ERR_SYSTEM;
}

enum err pg_socket_wait(struct pg_conn *c, int events, int64_t deadline_us)
{
	if (c->pool->o.loop == NULL) {
		return wait_by_poll(c, events, deadline_us);
	}
	CHECK(task_current() != NULL); /* a handler that reads must run in a task */
	pg_socket_watch(c, events);
	c->waiter = task_current();
	enum err e = task_wait(deadline_us);
	c->waiter = NULL;
	return e;
}
