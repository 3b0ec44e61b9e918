/*
 * A socket and a uv_poll_t each. States go CONNECTING -> BUSY <-> IDLE -> DEAD; a request handed
 * over while connecting is sent when the connection stands.
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

enum {
	SWEEP_MS = 20, /* how exactly deadlines are kept */
};

enum conn_state {
	CONN_CONNECTING,
	CONN_IDLE,
	CONN_BUSY, /* sends or waits for an answer */
	CONN_DEAD,
};

struct client_conn {
	uv_poll_t poll;
	struct list node; /* in client.waiting while a request is in flight */
	struct client *client;
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

static void send_some(struct client_conn *conn)
{
	while (conn->out.len > 0) {
		ssize_t n = send(conn->fd, conn->out.ptr, conn->out.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			watch(conn, UV_READABLE | UV_WRITABLE);
			return;
		}
		if (n < 0) {
			finish(conn, ERR_PEER_GONE, reason(errno));
			return;
		}
		conn->client->bytes_out += (uint64_t)n;
		conn->out = slice_sub(conn->out, (size_t)n, conn->out.len);
	}
	watch(conn, UV_READABLE);
}

static void take_answer(struct client_conn *conn, struct slice in)
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
	ssize_t n = recv(conn->fd, c->read_buffer, sizeof(c->read_buffer), 0);

	conn->answered_us = clock_mono_us();
	if (n < 0 && errno == EAGAIN) {
		return;
	}
	if (n < 0) {
		finish(conn, ERR_PEER_GONE, reason(errno));
		return;
	}
	c->bytes_in += (uint64_t)n;
	if (n == 0) {
		closed_by_server(conn);
	} else if (conn->state != CONN_BUSY) {
		die(conn); /* what nobody asked for */
	} else {
		take_answer(conn, SLICE_OF(c->read_buffer, (size_t)n));
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
	conn->state = conn->has_request ? CONN_BUSY : CONN_IDLE;
	send_some(conn);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct client_conn *conn = handle->data;

	if (conn->state == CONN_CONNECTING) {
		connected(conn);
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
		    conn->state == CONN_CONNECTING ? "no connection in time" : "no answer in time");
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
