/*
 * The states of a connection: CONNECTING (-> HANDSHAKE) -> BUSY <-> IDLE -> DEAD. A request handed
 * over while it connects is sent when it stands. Behind a 101 it is a STREAM until it is DEAD.
 */
#include <errno.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "lab/client_priv.h"

static void on_poll(uv_poll_t *handle, int status, int events);

void client_conn_watch(struct client_conn *conn, int events)
{
	if (conn->events != events) {
		conn->events = events;
		CHECK(uv_poll_start(&conn->poll, events, on_poll) == 0);
	}
}

static void die(struct client_conn *conn)
{
	if (conn->state != CONN_DEAD) {
		conn->state = CONN_DEAD;
		uv_poll_stop(&conn->poll);
	}
}

void client_conn_finish(struct client_conn *conn, enum err e, const char *what)
{
	if (e != ERR_OK) {
		die(conn);
	}
	if (conn->has_request) {
		conn->has_request = false;
		deadline_remove(&conn->client->deadlines, &conn->deadline);
		conn->done(conn->arg, e, what);
	} else if (e != ERR_OK && conn->stream != NULL) {
		client_stream_fn *fn = conn->stream;
		conn->stream = NULL;
		fn(conn->stream_arg, SLICE_EMPTY, what);
	} else if (conn->state == CONN_DEAD && conn->gone != NULL) {
		conn->gone(conn->gone_arg);
	}
}

void client_conn_push(struct client_conn *conn)
{
	while (conn->out.len > 0) {
		size_t n = 0;
		enum err e = client_bytes_put(conn, &n);
		if (e == ERR_AGAIN) {
			client_conn_watch(conn, UV_READABLE | UV_WRITABLE);
			return;
		}
		if (e != ERR_OK) {
			client_conn_finish(conn, ERR_PEER_GONE, client_bytes_why(conn));
			return;
		}
		conn->client->bytes_out += n;
		conn->out = slice_sub(conn->out, n, conn->out.len);
	}
	client_conn_watch(conn, UV_READABLE);
}

void client_conn_push_early(struct client_conn *conn)
{
	size_t n = 0;

	if (conn->client->tls == NULL && client_bytes_put(conn, &n) == ERR_OK && n > 0) {
		conn->state = CONN_BUSY;
		conn->client->bytes_out += n;
		conn->out = slice_sub(conn->out, n, conn->out.len);
		client_conn_push(conn);
	} else {
		client_conn_watch(conn, UV_WRITABLE); /* it tells what went wrong, too */
	}
}

/* True while the answer is not over: the connection is then still there. */
static bool take_answer(struct client_conn *conn, struct slice in)
{
	enum answer_result r = answer_take(&conn->answer, &in);

	if (r == ANSWER_ERROR) {
		client_conn_finish(conn, ERR_SYNTAX, conn->answer.error);
	} else if (r == ANSWER_DONE && conn->answer.status == 101) {
		conn->state = CONN_STREAM;
		client_conn_finish(conn, ERR_OK, NULL);
		if (conn->stream != NULL && in.len > 0) { /* not if it was closed */
			conn->stream(conn->stream_arg, in, NULL);
		}
	} else if (r == ANSWER_DONE) {
		bool keep = conn->answer.keep_alive && in.len == 0 && conn->out.len == 0;
		conn->used = true;
		conn->state = CONN_IDLE;
		if (!keep) {
			die(conn);
		}
		client_conn_finish(conn, ERR_OK, NULL);
	}
	return r == ANSWER_MORE;
}

static void closed_by_server(struct client_conn *conn)
{
	if (conn->state == CONN_BUSY && answer_closed(&conn->answer) == ANSWER_DONE) {
		die(conn);
		client_conn_finish(conn, ERR_OK, NULL);
	} else {
		client_conn_finish(conn, ERR_PEER_GONE,
		    conn->answer.error == NULL ? "connection closed" : conn->answer.error);
	}
}

static void read_some(struct client_conn *conn)
{
	struct client *c = conn->client;
	size_t n = 0;
	bool more = true;

	while (more) {
		enum err e = client_bytes_get(conn, &n);
		conn->answered_us = clock_mono_us();
		if (e == ERR_AGAIN) {
			return;
		}
		if (e == ERR_END) {
			closed_by_server(conn);
			return;
		}
		if (e != ERR_OK) {
			client_conn_finish(conn, ERR_PEER_GONE, client_bytes_why(conn));
			return;
		}
		c->bytes_in += n;
		if (conn->state == CONN_STREAM && conn->stream != NULL) {
			conn->stream(conn->stream_arg, SLICE_OF(c->read_buffer, n), NULL);
			more = conn->tls != NULL && conn->state == CONN_STREAM;
			continue;
		}
		if (conn->state != CONN_BUSY) {
			/* What nobody asked for. */
			client_conn_finish(conn, ERR_SYNTAX, "more than was asked for");
			return;
		}
		/* TLS may hold more than the buffer took; of a socket poll tells again. */
		more = take_answer(conn, SLICE_OF(c->read_buffer, n)) && conn->tls != NULL &&
		       n == sizeof(c->read_buffer);
	}
}

static void stands(struct client_conn *conn)
{
	conn->state = conn->has_request ? CONN_BUSY : CONN_IDLE;
	client_conn_push(conn);
}

static void shake_hands(struct client_conn *conn)
{
	switch (client_tls_handshake(conn->tls)) {
	case CLIENT_TLS_OK:
		stands(conn);
		return;
	case CLIENT_TLS_WANT_READ:
		client_conn_watch(conn, UV_READABLE);
		return;
	case CLIENT_TLS_WANT_WRITE:
		client_conn_watch(conn, UV_READABLE | UV_WRITABLE);
		return;
	case CLIENT_TLS_END:
	case CLIENT_TLS_FAILED:
		client_conn_finish(conn, ERR_PEER_GONE, client_tls_reason(conn->tls));
		return;
	}
}

static void connected(struct client_conn *conn)
{
	int failed = 0;
	socklen_t len = sizeof(failed);

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &failed, &len) != 0) {
		failed = errno;
	}
	if (failed != 0) {
		client_conn_finish(conn, ERR_PEER_GONE, client_bytes_reason(failed));
		return;
	}
	if (conn->client->tls == NULL) {
		stands(conn);
		return;
	}
	conn->tls = client_tls_session(conn->client->tls, conn->fd);
	if (conn->tls == NULL) {
		client_conn_finish(conn, ERR_PEER_GONE, "TLS: no memory");
		return;
	}
	conn->state = CONN_HANDSHAKE;
	shake_hands(conn);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct client_conn *conn = handle->data;

	conn->client->events++;
	if (conn->state == CONN_CONNECTING) {
		connected(conn);
	} else if (conn->state == CONN_HANDSHAKE) {
		shake_hands(conn);
	} else if (status < 0 || (events & UV_READABLE) != 0) {
		read_some(conn);
	} else if ((events & UV_WRITABLE) != 0) {
		client_conn_push(conn);
	}
}
