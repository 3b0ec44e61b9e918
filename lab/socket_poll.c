/*
 * Long polls: one GET that waits for what comes, and one POST at a time with what goes.
 */
#include "core/base/clock.h"
#include "lab/socket_priv.h"

enum {
	COOKIE_BYTES = 4096
};

/* The answer is 200; else it has failed. */
static bool is_good(struct socket_session *s, struct client_conn *conn, const char *what)
{
	const struct answer *a = client_conn_answer(conn);

	if (a->status == 200) {
		return true;
	}
	socket_fail(s, a->status == 503 ? SOCKET_REFUSED : SOCKET_CLOSED, "%s answered %d: %.*s",
	    what, a->status, SLICE_ARG(slice_sub(buf_slice(&a->body), 0, 80)));
	return false;
}

/* A kept connection that the server closed meanwhile: browsers then ask once more on a new one. */
static bool was_stale(enum err e, struct client_conn *conn)
{
	return e == ERR_PEER_GONE && client_conn_was_used(conn) &&
	       !answer_has_begun(client_conn_answer(conn));
}

/* With 3probe here and nothing in flight, the websocket takes over. */
void socket_finish_upgrade(struct socket_session *s)
{
	struct slice rest = buf_slice(&s->waiting), packet;

	if (!s->paused || s->polling || s->posting || socket_is_over(s)) {
		return;
	}
	s->paused = s->wants_wire = false;
	s->upgraded = true;
	client_conn_close(&s->poll);
	client_conn_close(&s->post);
	enum err e = socket_wire_send(s, SLICE("5"));
	while (e == ERR_OK && slice_split(&rest, ENGINEIO_SEPARATOR, &packet)) {
		if (packet.len > 0) {
			e = socket_wire_send(s, packet);
		}
	}
	buf_clear(&s->waiting);
	if (e != ERR_OK) {
		socket_fail(s, SOCKET_CLOSED, "the websocket closed as it took over");
	}
}

/* Cookies of the first answer go with all further requests: what balancers that keep sessions want.
 */
static void take_cookies(struct socket_session *s, const struct answer *a)
{
	struct slice name, value;

	for (size_t at = 0; answer_next_field(a, &at, &name, &value);) {
		struct slice pair = slice_sub(value, 0, slice_find(value, ';', 0));
		if (slice_eq_nocase(name, SLICE("set-cookie")) && pair.len <= COOKIE_BYTES) {
			buf_append_str(&s->cookies, s->cookies.len > 0 ? "; " : "");
			buf_append_slice(&s->cookies, pair);
		}
	}
}

static void on_poll(void *arg, enum err e, const char *what)
{
	struct socket_session *s = arg;

	s->polling = false;
	if (s->state == SOCKET_LEAVING) {
		return; /* the answer to the last POST is what is waited for */
	}
	if (was_stale(e, s->poll)) {
		socket_poll(s);
		if (socket_is_over(s)) {
			socket_notify(s);
		}
		return;
	}
	if (e != ERR_OK) {
		socket_fail(s, SOCKET_CLOSED, "poll: %s", what);
	} else if (is_good(s, s->poll, "poll")) {
		const struct answer *a = client_conn_answer(s->poll);
		if (s->open.sid[0] == '\0') {
			take_cookies(s, a);
		}
		buf_clear(&s->body);
		buf_append_slice(&s->body, buf_slice(&a->body));
		struct slice rest = buf_slice(&s->body), packet;
		while (slice_split(&rest, ENGINEIO_SEPARATOR, &packet)) {
			socket_take_packet(s, packet);
		}
		socket_finish_upgrade(s);
		if (!socket_is_over(s) && !s->paused && !s->upgraded) {
			socket_poll(s);
		}
	}
	socket_notify(s);
}

/* A poll may last until a ping is overdue. */
static int64_t poll_deadline_us(const struct socket_session *s)
{
	int64_t ping_us = (s->open.ping_interval_ms + s->open.ping_timeout_ms) * 1000;

	return clock_mono_us() + s->patience_us + ping_us;
}

void socket_poll(struct socket_session *s)
{
	if (!socket_connect_at(s, &s->poll)) {
		return;
	}
	socket_put_head(s, &s->poll_text, "GET", false);
	buf_append_str(&s->poll_text, "\r\n");
	s->polling = true;
	client_conn_send(s->poll, buf_slice(&s->poll_text), poll_deadline_us(s), on_poll, s);
}

static void on_post(void *arg, enum err e, const char *what)
{
	struct socket_session *s = arg;

	s->posting = false;
	if (was_stale(e, s->post) && socket_connect_at(s, &s->post)) {
		s->posting = true;
		client_conn_send(
		    s->post, buf_slice(&s->post_text), socket_deadline_us(s), on_post, s);
		return;
	}
	if (e != ERR_OK) {
		socket_fail(s, SOCKET_CLOSED, "post: %s", what);
	} else if (is_good(s, s->post, "post")) {
		socket_finish_upgrade(s);
		socket_post(s);
		if (s->state == SOCKET_LEAVING && !s->posting) {
			socket_left(s);
		}
	}
	socket_notify(s);
}

void socket_post(struct socket_session *s)
{
	if (s->waiting.len == 0 || s->posting || s->paused || s->upgraded || socket_is_over(s) ||
	    !socket_connect_at(s, &s->post)) {
		return;
	}
	socket_put_head(s, &s->post_text, "POST", false);
	buf_printf(&s->post_text,
	    "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n\r\n",
	    s->waiting.len);
	buf_append_slice(&s->post_text, buf_slice(&s->waiting));
	buf_clear(&s->waiting);
	s->posting = true;
	client_conn_send(s->post, buf_slice(&s->post_text), socket_deadline_us(s), on_post, s);
}
