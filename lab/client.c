/*
 * The life of a connection: a socket and a uv_poll_t each, opened, given requests, watched for
 * their deadlines, closed.
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
#include "core/base/list.h"
#include "lab/client_priv.h"
#include "lab/from.h"

enum {
	SWEEP_MS = 20,	   /* how exactly deadlines are kept */
	KEPT_BYTES = 1024, /* that an unused connection may hold */
	STREAM_BYTES = 1 << 20,
};

static void sweep(void *arg)
{
	struct client *c = arg;
	int64_t now_us = clock_mono_us();

	for (struct deadline *d = NULL; (d = deadline_pop(&c->deadlines, now_us)) != NULL;) {
		struct client_conn *conn = LIST_OF(d, struct client_conn, deadline);
		conn->answered_us = now_us;
		client_conn_finish(conn, ERR_DEADLINE,
		    conn->state == CONN_CONNECTING || conn->state == CONN_HANDSHAKE
			? "no connection in time"
			: "no answer in time");
	}
}

enum err client_open(struct client *c, struct loop *loop, const struct sockaddr *address,
    socklen_t address_len, unsigned max_requests)
{
	memset(c, 0, sizeof(*c));
	c->loop = loop;
	memcpy(&c->address, address, address_len);
	c->address_len = address_len;
	enum err e = deadline_init(&c->deadlines, max_requests);
	if (e == ERR_OK) {
		loop_every(loop, SWEEP_MS, sweep, c);
	}
	return e;
}

void client_close(struct client *c)
{
	deadline_fini(&c->deadlines);
}

void client_use_tls(struct client *c, struct client_tls *tls)
{
	c->tls = tls;
}

void client_use_sources(struct client *c, struct from *from)
{
	c->from = from;
}

static enum err open_failed(struct client *c, int failed, struct err_note *note)
{
	if (failed == EMFILE || failed == ENFILE) {
		c->no_descriptor++;
		return err_note_set(note, ERR_LIMIT, "no file descriptor left");
	}
	if (failed == EADDRNOTAVAIL) {
		c->no_port++;
		return err_note_set(note, ERR_LIMIT, "no local port left");
	}
	return err_note_set(note, ERR_PEER_GONE, "%s", client_bytes_reason(failed));
}

enum err client_conn_open(struct client *c, struct client_conn **ret, struct err_note *note)
{
	const int yes = 1;
	int fd = socket(c->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0) {
		return open_failed(c, errno, note);
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	int failed = c->from == NULL ? 0 : from_bind(c->from, fd);
	if (failed == 0 && connect(fd, (const struct sockaddr *)&c->address, c->address_len) != 0 &&
	    errno != EINPROGRESS) {
		failed = errno;
	}
	if (failed != 0) {
		enum err e = open_failed(c, failed, note);
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
	conn->stream_out = buf_new(STREAM_BYTES);
	answer_init(&conn->answer);
	CHECK(uv_poll_init(loop_uv(c->loop), &conn->poll, fd) == 0);
	conn->poll.data = conn;
	c->opened++;
	c->open++;
	*ret = conn;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct client_conn *conn = handle->data;

	answer_fini(&conn->answer);
	buf_free(&conn->stream_out);
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
	conn->stream = NULL;
	conn->client->open--;
	deadline_remove(&conn->client->deadlines, &conn->deadline);
	SSL_free(conn->tls); /* takes NULL; no farewell, as people who close a tab */
	uv_close((uv_handle_t *)&conn->poll, on_closed);
	close(conn->fd); /* no longer watched */
}

void client_conn_send(
    struct client_conn *conn, struct slice text, int64_t deadline_us, client_fn *done, void *arg)
{
	CHECK(!conn->has_request && conn->state != CONN_DEAD);
	answer_reset(&conn->answer);
	conn->answer.bodiless = slice_starts(text, SLICE("HEAD "));
	conn->out = text;
	conn->done = done;
	conn->arg = arg;
	conn->has_request = true;
	deadline_add(&conn->client->deadlines, &conn->deadline, deadline_us);
	if (conn->state == CONN_IDLE) {
		conn->state = CONN_BUSY;
		client_conn_push(conn);
	} else if (conn->state == CONN_CONNECTING) {
		client_conn_push_early(conn);
	}
}

void client_conn_when_gone(struct client_conn *conn, void (*fn)(void *arg), void *arg)
{
	conn->gone = fn;
	conn->gone_arg = arg;
}

void client_conn_shrink(struct client_conn *conn)
{
	if (conn->answer.head.cap + conn->answer.body.cap > KEPT_BYTES) {
		answer_fini(&conn->answer);
		answer_init(&conn->answer);
	}
}

bool client_conn_is_usable(const struct client_conn *conn)
{
	return conn->state != CONN_DEAD && conn->state != CONN_STREAM && !conn->has_request;
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
