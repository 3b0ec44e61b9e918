/*
 * A socket and a uv_poll_t each. States go CONNECTING (-> HANDSHAKE) -> BUSY <-> IDLE -> DEAD; a
 * request handed over while connecting is sent when the connection stands.
 */
#include "lab/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "lab/client_tls.h"

enum {
	SWEEP_MS = 20, /* how exactly deadlines are kept */
};

enum conn_state {
	CONN_CONNECTING,
	CONN_HANDSHAKE,
	CONN_IDLE,
	CONN_BUSY, /* sends or waits for an answer */
	CONN_DEAD,
};

struct client_conn {
	uv_poll_t poll;
	struct list node; /* in client.waiting while a request is in flight */
	struct client *client;
	SSL *tls; /* owned; NULL: plain */
	int fd;
	enum conn_state state;
	bool used; /* an answer came on it */
	bool has_request;
	struct slice out; /* what is still to be sent; borrowed */
	struct answer answer;
	int64_t deadline_us, answered_us;
	client_fn *done;
	void *arg;
	int events; /* that the poll is set to */
};

static void on_poll(uv_poll_t *handle, int status, int events);

static void watch(struct client_conn *conn, int events)
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

/* The request is over; the callee may close the connection. */
static void finish(struct client_conn *conn, enum err e, const char *what)
{
	if (e != ERR_OK) {
		die(conn);
	}
	if (conn->has_request) {
		conn->has_request = false;
		list_remove(&conn->node);
		conn->done(conn->arg, e, what);
	}
}

static const char *reason(int failed)
{
	switch (failed) {
	case ECONNREFUSED:
		return "connection refused";
	case ECONNRESET:
	case EPIPE:
		return "connection reset";
	case ETIMEDOUT:
		return "no connection in time";
	case EHOSTUNREACH:
	case ENETUNREACH:
		return "no way to the host";
	default:
		return "connection failed";
	}
}

/* Sends what it can of the request; ERR_AGAIN: the socket is full (of both directions, in TLS). */
static enum err put_bytes(struct client_conn *conn, size_t *ret_len)
{
	if (conn->tls == NULL) {
		ssize_t n = send(conn->fd, conn->out.ptr, conn->out.len, MSG_NOSIGNAL);
		*ret_len = n < 0 ? 0 : (size_t)n;
		return n >= 0 ? ERR_OK : errno == EAGAIN ? ERR_AGAIN : ERR_PEER_GONE;
	}
	enum client_tls_result r = client_tls_write(conn->tls, conn->out, ret_len);
	return r == CLIENT_TLS_OK					 ? ERR_OK
	       : r == CLIENT_TLS_WANT_READ || r == CLIENT_TLS_WANT_WRITE ? ERR_AGAIN
									 : ERR_PEER_GONE;
}

/* Reads what has come; ERR_AGAIN: nothing; ERR_END: the server has closed. */
static enum err get_bytes(struct client_conn *conn, size_t *ret_len)
{
	struct client *c = conn->client;

	*ret_len = 0;
	if (conn->tls == NULL) {
		ssize_t n = recv(conn->fd, c->read_buffer, sizeof(c->read_buffer), 0);
		*ret_len = n < 0 ? 0 : (size_t)n;
		return n > 0		 ? ERR_OK
		       : n == 0		 ? ERR_END
		       : errno == EAGAIN ? ERR_AGAIN
					 : ERR_PEER_GONE;
	}
	/* All of what is decrypted: poll does not tell of it. */
	size_t n = 0;
	enum client_tls_result r = CLIENT_TLS_OK;
	while (r == CLIENT_TLS_OK && *ret_len < sizeof(c->read_buffer)) {
		r = client_tls_read(
		    conn->tls, c->read_buffer + *ret_len, sizeof(c->read_buffer) - *ret_len, &n);
		*ret_len += n;
	}
	if (*ret_len > 0) {
		return ERR_OK;
	}
	return r == CLIENT_TLS_END ? ERR_END : r == CLIENT_TLS_FAILED ? ERR_PEER_GONE : ERR_AGAIN;
}

static const char *why(const struct client_conn *conn)
{
	return conn->tls == NULL ? reason(errno) : client_tls_reason(conn->tls);
}

static void send_some(struct client_conn *conn)
{
	while (conn->out.len > 0) {
		size_t n = 0;
		enum err e = put_bytes(conn, &n);
		if (e == ERR_AGAIN) {
			watch(conn, UV_READABLE | UV_WRITABLE);
			return;
		}
		if (e != ERR_OK) {
			finish(conn, ERR_PEER_GONE, why(conn));
			return;
		}
		conn->client->bytes_out += n;
		conn->out = slice_sub(conn->out, n, conn->out.len);
	}
	watch(conn, UV_READABLE);
}

/* True while the answer is not over: the connection is then still there. */
static bool take_answer(struct client_conn *conn, struct slice in)
{
	enum answer_result r = answer_take(&conn->answer, &in);

	if (r == ANSWER_ERROR) {
		finish(conn, ERR_SYNTAX, conn->answer.error);
	} else if (r == ANSWER_DONE) {
		bool keep = conn->answer.keep_alive && in.len == 0 && conn->out.len == 0;
		conn->used = true;
		conn->state = CONN_IDLE;
		if (!keep) {
			die(conn);
		}
		finish(conn, ERR_OK, NULL);
	}
	return r == ANSWER_MORE;
}

static void closed_by_server(struct client_conn *conn)
{
	if (conn->state == CONN_BUSY && answer_closed(&conn->answer) == ANSWER_DONE) {
		die(conn);
		finish(conn, ERR_OK, NULL);
	} else {
		finish(conn, ERR_PEER_GONE,
		    conn->answer.error == NULL ? "connection closed" : conn->answer.error);
	}
}

static void read_some(struct client_conn *conn)
{
	struct client *c = conn->client;
	size_t n = 0;
	bool more = true;

	while (more) {
		enum err e = get_bytes(conn, &n);
		conn->answered_us = clock_mono_us();
		if (e == ERR_AGAIN) {
			return;
		}
		if (e == ERR_END) {
			closed_by_server(conn);
			return;
		}
		if (e != ERR_OK) {
			finish(conn, ERR_PEER_GONE, why(conn));
			return;
		}
		c->bytes_in += n;
		if (conn->state != CONN_BUSY) {
			die(conn); /* what nobody asked for */
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
	send_some(conn);
}

static void shake_hands(struct client_conn *conn)
{
	switch (client_tls_handshake(conn->tls)) {
	case CLIENT_TLS_OK:
		stands(conn);
		return;
	case CLIENT_TLS_WANT_READ:
		watch(conn, UV_READABLE);
		return;
	case CLIENT_TLS_WANT_WRITE:
		watch(conn, UV_READABLE | UV_WRITABLE);
		return;
	case CLIENT_TLS_END:
	case CLIENT_TLS_FAILED:
		finish(conn, ERR_PEER_GONE, client_tls_reason(conn->tls));
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
		finish(conn, ERR_PEER_GONE, reason(failed));
		return;
	}
	if (conn->client->tls == NULL) {
		stands(conn);
		return;
	}
	conn->tls = client_tls_session(conn->client->tls, conn->fd);
	if (conn->tls == NULL) {
		finish(conn, ERR_PEER_GONE, "TLS: no memory");
		return;
	}
	conn->state = CONN_HANDSHAKE;
	shake_hands(conn);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct client_conn *conn = handle->data;

	if (conn->state == CONN_CONNECTING) {
		connected(conn);
	} else if (conn->state == CONN_HANDSHAKE) {
		shake_hands(conn);
	} else if (status < 0 || (events & UV_READABLE) != 0) {
		read_some(conn);
	} else if ((events & UV_WRITABLE) != 0) {
		send_some(conn);
	}
}

static void sweep(void *arg)
{
	struct client *c = arg;
	int64_t now_us = clock_mono_us();

	while (!list_is_empty(&c->waiting)) {
		struct client_conn *conn = LIST_OF(c->waiting.next, struct client_conn, node);
		if (conn->deadline_us > now_us) {
			return;
		}
		conn->answered_us = now_us;
		finish(conn, ERR_DEADLINE,
		    conn->state == CONN_CONNECTING || conn->state == CONN_HANDSHAKE
			? "no connection in time"
			: "no answer in time");
	}
}

void client_init(struct client *c, struct loop *loop, const struct sockaddr *address,
    socklen_t address_len, int64_t timeout_us)
{
	memset(c, 0, sizeof(*c));
	c->loop = loop;
	memcpy(&c->address, address, address_len);
	c->address_len = address_len;
	c->timeout_us = timeout_us;
	list_init(&c->waiting);
	loop_every(loop, SWEEP_MS, sweep, c);
}

void client_use_tls(struct client *c, const struct client_tls *tls)
{
	c->tls = tls;
}

static enum err open_failed(int failed, struct err_note *note)
{
	if (failed == EMFILE || failed == ENFILE) {
		return err_note_set(note, ERR_LIMIT, "no file descriptor left");
	}
	if (failed == EADDRNOTAVAIL) {
		return err_note_set(note, ERR_LIMIT, "no local port left");
	}
	return err_note_set(note, ERR_PEER_GONE, "%s", reason(failed));
}

enum err client_conn_open(struct client *c, struct client_conn **ret, struct err_note *note)
{
	const int yes = 1;
	int fd = socket(c->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return open_failed(errno, note);
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	if (connect(fd, (const struct sockaddr *)&c->address, c->address_len) != 0 &&
	    errno != EINPROGRESS) {
		enum err e = open_failed(errno, note);
		close(fd);
		return e;
	}
	struct client_conn *conn = calloc(1, sizeof(*conn));
	if (conn == NULL) {
		close(fd);
		return err_note_set(note, ERR_MEMORY, "no memory for a connection");
	}
	conn->client = c;
	conn->fd = fd;
	conn->out = SLICE_EMPTY;
	list_init(&conn->node);
	answer_init(&conn->answer);
	CHECK(uv_poll_init(loop_uv(c->loop), &conn->poll, fd) == 0);
	conn->poll.data = conn;
	watch(conn, UV_WRITABLE);
	c->opened++;
	c->open++;
	*ret = conn;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct client_conn *conn = handle->data;

	answer_fini(&conn->answer);
	free(conn);
}

void client_conn_close(struct client_conn **connp)
{
	struct client_conn *conn = *connp;

	if (conn == NULL) {
		return;
	}
	*connp = NULL;
	conn->state = CONN_DEAD;
	conn->client->open--;
	list_remove(&conn->node);
	uv_poll_stop(&conn->poll);
	SSL_free(conn->tls); /* takes NULL; no farewell, as people who close a tab */
	close(conn->fd);
	uv_close((uv_handle_t *)&conn->poll, on_closed);
}

void client_conn_send(struct client_conn *conn, struct slice text, client_fn *done, void *arg)
{
	CHECK(!conn->has_request && conn->state != CONN_DEAD);
	answer_reset(&conn->answer);
	conn->out = text;
	conn->done = done;
	conn->arg = arg;
	conn->has_request = true;
	conn->deadline_us = clock_mono_us() + conn->client->timeout_us;
	list_push(&conn->client->waiting, &conn->node);
	if (conn->state == CONN_IDLE) {
		conn->state = CONN_BUSY;
		send_some(conn);
	}
}

bool client_conn_is_usable(const struct client_conn *conn)
{
	return conn->state != CONN_DEAD && !conn->has_request;
}

bool client_conn_was_used(const struct client_conn *conn)
{
	return conn->used;
}

const struct answer *client_conn_answer(const struct client_conn *conn)
{
	return &conn->answer;
}

int64_t client_conn_answered_us(const struct client_conn *conn)
{
	return conn->answered_us;
}
