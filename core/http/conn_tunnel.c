/*
 * See conn_tunnel.h. Nothing is kept while bytes flow: what one side has sent is read into memory
 * of the server and written to the other. Only what that does not take is copied, and then nothing
 * more is read for it, so each side is held up as it would be by the other itself. Clocks are the
 * other process' affair, but for a client that does not take what it is sent.
 */
#include "core/http/conn_tunnel.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/http/conn_io.h"
#include "core/http/conn_priv.h"
#include "core/http/request.h"

enum {
	PIECE_BYTES = 16384, /* read at once; what waits for one side at most */
};

/* Bytes that one side has not taken yet. */
struct piece {
	char *bytes; /* owned; NULL: nothing waits */
	size_t at, len;
};

struct tunnel {
	struct conn *conn; /* NULL: it is gone, and this is freed when its handle has closed */
	uv_poll_t poll;
	int fd; /* our end of the pair */
	int events;
	struct piece to_owner, to_client;
	bool client_done, owner_done; /* sends nothing any more */
};

static void keep(struct piece *p, const char *bytes, size_t len, bool *ret_good)
{
	p->bytes = malloc(len);
	*ret_good = p->bytes != NULL;
	if (p->bytes != NULL) {
		memcpy(p->bytes, bytes, len);
		p->at = 0;
		p->len = len;
	}
}

static void drop(struct piece *p)
{
	free(p->bytes);
	*p = (struct piece){ .bytes = NULL };
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* Asks both sides for what there is to wait for. */
static void want(struct tunnel *t)
{
	struct conn *c = t->conn;
	int events = (t->to_client.bytes == NULL && !t->owner_done ? UV_READABLE : 0) |
		     (t->to_owner.bytes != NULL ? UV_WRITABLE : 0);

	if (events != t->events) {
		t->events = events;
		if (events == 0) {
			uv_poll_stop(&t->poll);
		} else {
			CHECK(uv_poll_start(&t->poll, events, on_poll) == 0);
		}
	}
	conn_want(c, (t->to_owner.bytes == NULL && !t->client_done ? UV_READABLE : 0) |
			 (t->to_client.bytes != NULL ? UV_WRITABLE : 0));
}

/* ---- to the owner ---- */

/* ERR_AGAIN: not all of it; *ret_len tells. */
static enum err send_owner(struct tunnel *t, const char *bytes, size_t len, size_t *ret_len)
{
	ssize_t n = send(t->fd, bytes, len, MSG_NOSIGNAL);

	*ret_len = n > 0 ? (size_t)n : 0;
	if (n >= 0) {
		return (size_t)n == len ? ERR_OK : ERR_AGAIN;
	}
	return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_PEER_GONE;
}

/* False: the connection is closed. */
static bool give_owner(struct tunnel *t, const char *bytes, size_t len)
{
	size_t sent = 0;
	bool good = true;
	enum err e = send_owner(t, bytes, len, &sent);

	if (e == ERR_AGAIN) {
		keep(&t->to_owner, bytes + sent, len - sent, &good);
	}
	if (e == ERR_PEER_GONE || !good) {
		conn_close(t->conn, HTTP_CLOSE_GONE);
		return false;
	}
	return true;
}

void conn_tunnel_readable(struct conn *c)
{
	struct tunnel *t = c->tunnel;
	char *room = c->server->scratch;
	size_t n = 0;

	if (t->to_owner.bytes != NULL || t->client_done) {
		want(t);
		return;
	}
	enum err e = conn_recv(c, room, PIECE_BYTES, &n);
	if (e == ERR_AGAIN) {
		return;
	}
	if (e == ERR_END) {
		t->client_done = true;
		shutdown(t->fd, SHUT_WR);
	} else if (e != ERR_OK) {
		conn_close(c, HTTP_CLOSE_GONE);
		return;
	} else if (!give_owner(t, room, n)) {
		return;
	}
	want(t);
}

static void on_owner_writable(struct tunnel *t)
{
	struct piece *p = &t->to_owner;
	size_t n = 0;

	if (p->bytes == NULL) {
		return;
	}
	enum err e = send_owner(t, p->bytes + p->at, p->len - p->at, &n);
	p->at += n;
	if (e == ERR_PEER_GONE) {
		conn_close(t->conn, HTTP_CLOSE_GONE);
	} else if (p->at == p->len) {
		drop(p);
	}
}

/* ---- to the client ---- */

static enum err send_client(struct tunnel *t, const char *bytes, size_t len, size_t *ret_len)
{
	const struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = len };

	*ret_len = 0;
	enum err e = conn_send(t->conn, &part, 1, ret_len);
	return e == ERR_OK && *ret_len < len ? ERR_AGAIN : e;
}

static void wait_for_client(struct conn *c)
{
	conn_clock(c, loop_now_us(c->server->loop) + c->server->settings.write_us);
}

/* Everything that the owner sent is out: ends in order. */
static void finish(struct conn *c)
{
	conn_tunnel_gone(c);
	conn_linger(c, HTTP_LINGER_US);
}

void conn_tunnel_writable(struct conn *c)
{
	struct tunnel *t = c->tunnel;
	struct piece *p = &t->to_client;
	size_t n = 0;

	if (p->bytes != NULL) {
		enum err e = send_client(t, p->bytes + p->at, p->len - p->at, &n);
		p->at += n;
		if (e != ERR_OK && e != ERR_AGAIN) {
			conn_close(c, HTTP_CLOSE_GONE);
			return;
		}
		if (n > 0) {
			wait_for_client(c);
		}
		if (p->at == p->len) {
			drop(p);
			conn_clock(c, INT64_MAX);
		}
	}
	if (p->bytes == NULL && t->owner_done) {
		finish(c);
	} else {
		want(t);
	}
}

/* False: the connection is closed. */
static bool give_client(struct tunnel *t, const char *bytes, size_t len)
{
	struct conn *c = t->conn;
	size_t sent = 0;
	bool good = true;
	enum err e = send_client(t, bytes, len, &sent);

	if (e == ERR_AGAIN) {
		keep(&t->to_client, bytes + sent, len - sent, &good);
		wait_for_client(c);
	}
	if ((e != ERR_OK && e != ERR_AGAIN) || !good) {
		conn_close(c, HTTP_CLOSE_GONE);
		return false;
	}
	return true;
}

static void on_owner_readable(struct tunnel *t)
{
	struct conn *c = t->conn;

	if (t->to_client.bytes != NULL || t->owner_done) {
		return;
	}
	ssize_t n = recv(t->fd, c->server->scratch, PIECE_BYTES, 0);
	if (n > 0) {
		(void)!give_client(t, c->server->scratch, (size_t)n);
	} else if (n == 0) {
		t->owner_done = true;
		finish(c);
	} else if (errno != EAGAIN && errno != EINTR) {
		conn_close(c, HTTP_CLOSE_GONE);
	}
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct tunnel *t = poll->data;

	if (status < 0) {
		conn_close(t->conn, HTTP_CLOSE_GONE);
		return;
	}
	if ((events & UV_WRITABLE) != 0) {
		on_owner_writable(t);
	}
	if (t->conn != NULL && (events & UV_READABLE) != 0) {
		on_owner_readable(t);
	}
	if (t->conn != NULL) {
		want(t);
	}
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static enum err make(struct conn *c, int fd)
{
	struct tunnel *t = calloc(1, sizeof(*t));

	if (t == NULL || uv_poll_init(loop_uv(c->server->loop), &t->poll, fd) != 0) {
		free(t);
		return ERR_MEMORY;
	}
	t->poll.data = t;
	t->conn = c;
	t->fd = fd;
	c->tunnel = t;
	return ERR_OK;
}

enum err conn_tunnel_open(struct http_req *r, unsigned instance)
{
	struct conn *c = r->conn;
	struct http_server *s = c->server;
	int pair[2];

	if (s->hand == NULL) {
		return ERR_NOT_FOUND;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
		return ERR_TOO_BUSY;
	}
	enum err e = s->hand(s->hand_arg, instance,
	    &(struct http_handover){ .fd = pair[1],
		.peer = c->peer,
		.trusted = c->trusted,
		.proxied_tls = true,
		.bytes = SLICE_OF(r->buf, r->buf_len) });
	close(pair[1]);
	if (e == ERR_OK) {
		e = make(c, pair[0]);
		e = e == ERR_OK ? e : ERR_TOO_BUSY;
	}
	if (e != ERR_OK) {
		close(pair[0]);
		return e;
	}
	/* Whoever has it now answers it, and counts it. */
	r->replied = true;
	r->accounted = true;
	return ERR_OK;
}

void conn_tunnel_begin(struct conn *c)
{
	conn_release_request(c);
	c->state = CONN_TUNNEL;
	conn_clock(c, INT64_MAX);
	want(c->tunnel);
}

void conn_tunnel_gone(struct conn *c)
{
	struct tunnel *t = c->tunnel;

	c->tunnel = NULL;
	t->conn = NULL;
	drop(&t->to_owner);
	drop(&t->to_client);
	uv_close((uv_handle_t *)&t->poll, on_closed);
	close(t->fd);
}
