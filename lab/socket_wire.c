/*
 * The transports of a session: long polls with one GET and one POST at a time, and the websocket.
 */
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/http/chars.h"
#include "lab/socket_priv.h"

enum {
	COOKIE_BYTES = 4096
};

static void poll_again(struct socket_session *s);
static void post_waiting(struct socket_session *s);

static int64_t deadline_us(const struct socket_session *s)
{
	return clock_mono_us() + s->patience_us;
}

static bool is_over(const struct socket_session *s)
{
	return s->state == SOCKET_CLOSED || s->state == SOCKET_REFUSED;
}

void socket_wire_close(struct socket_session *s)
{
	client_conn_close(&s->poll);
	client_conn_close(&s->post);
	client_conn_close(&s->wire);
	s->polling = s->posting = s->probing = s->wants_wire = false;
}

static void put_head(struct socket_session *s, struct buf *out, const char *method, bool wire)
{
	buf_clear(out);
	buf_printf(out, "%s %.*s?EIO=4&transport=%s", method, SLICE_ARG(buf_slice(&s->path)),
	    wire ? "websocket" : "polling");
	if (s->open.sid[0] != '\0') {
		buf_printf(out, "&sid=%s", s->open.sid);
	}
	buf_printf(out, " HTTP/1.1\r\nUser-Agent: plimsoll-lab\r\nHost: %.*s\r\n",
	    SLICE_ARG(buf_slice(&s->host)));
	if (s->cookies.len > 0) {
		buf_printf(out, "Cookie: %.*s\r\n", SLICE_ARG(buf_slice(&s->cookies)));
	}
}

/* A usable connection at *conn. False: the session has failed. */
static bool connect_at(struct socket_session *s, struct client_conn **conn)
{
	struct err_note note = { 0 };

	if (*conn != NULL && client_conn_is_usable(*conn)) {
		return true;
	}
	client_conn_close(conn);
	if (client_conn_open(s->client, conn, &note) != ERR_OK) {
		socket_fail(s, SOCKET_CLOSED, "%s", note.text);
		return false;
	}
	return true;
}

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

/* ---- polling ---- */

static void put_upgrade(struct socket_session *s);

/* With 3probe here and nothing in flight, the websocket takes over. */
static void finish_upgrade(struct socket_session *s)
{
	struct slice rest = buf_slice(&s->waiting), packet;

	if (!s->paused || s->polling || s->posting || is_over(s)) {
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
	if (was_stale(e, s->poll)) {
		poll_again(s);
		if (is_over(s)) {
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
		finish_upgrade(s);
		if (!is_over(s) && !s->paused && !s->upgraded) {
			poll_again(s);
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

static void poll_again(struct socket_session *s)
{
	if (!connect_at(s, &s->poll)) {
		return;
	}
	put_head(s, &s->poll_text, "GET", false);
	buf_append_str(&s->poll_text, "\r\n");
	s->polling = true;
	client_conn_send(s->poll, buf_slice(&s->poll_text), poll_deadline_us(s), on_poll, s);
}

static void on_post(void *arg, enum err e, const char *what)
{
	struct socket_session *s = arg;

	s->posting = false;
	if (was_stale(e, s->post) && connect_at(s, &s->post)) {
		s->posting = true;
		client_conn_send(s->post, buf_slice(&s->post_text), deadline_us(s), on_post, s);
		return;
	}
	if (e != ERR_OK) {
		socket_fail(s, SOCKET_CLOSED, "post: %s", what);
	} else if (is_good(s, s->post, "post")) {
		finish_upgrade(s);
		post_waiting(s);
	}
	socket_notify(s);
}

static void post_waiting(struct socket_session *s)
{
	if (s->waiting.len == 0 || s->posting || s->paused || s->upgraded || is_over(s) ||
	    !connect_at(s, &s->post)) {
		return;
	}
	put_head(s, &s->post_text, "POST", false);
	buf_printf(&s->post_text,
	    "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %zu\r\n\r\n",
	    s->waiting.len);
	buf_append_slice(&s->post_text, buf_slice(&s->waiting));
	buf_clear(&s->waiting);
	s->posting = true;
	client_conn_send(s->post, buf_slice(&s->post_text), deadline_us(s), on_post, s);
}

/* ---- websocket ---- */

/* Without a websocket a session that polls goes on polling. */
static void wire_is_gone(struct socket_session *s, const char *what)
{
	if (s->upgraded || s->transport == SOCKET_WEBSOCKET) {
		socket_fail(s, SOCKET_CLOSED, "websocket: %s", what);
		return;
	}
	client_conn_close(&s->wire);
	s->wants_wire = s->probing = false;
	if (s->paused) {
		s->paused = false;
		if (!s->polling) {
			poll_again(s);
		}
		post_waiting(s);
	}
}

static enum err put_frame(struct socket_session *s, enum ws_opcode opcode, struct slice payload)
{
	struct buf frame = buf_new(WS_MESSAGE_BYTES + 64);
	struct slice all = SLICE_EMPTY;

	ws_put_masked(&frame, opcode, payload, (uint32_t)chance_u64(&s->chance));
	enum err e = buf_finish(&frame, &all);
	if (e == ERR_OK) {
		e = s->wire == NULL ? ERR_PEER_GONE : client_conn_write(s->wire, all);
	}
	buf_free(&frame);
	return e;
}

static void take_frame(struct socket_session *s, enum ws_opcode opcode, struct slice payload)
{
	if (opcode == WS_TEXT && s->probing && slice_eq(payload, SLICE("3probe"))) {
		s->probing = false;
		s->paused = true;
		finish_upgrade(s);
	} else if (opcode == WS_TEXT) {
		socket_take_packet(s, payload);
	} else if (opcode == WS_PING) {
		(void)!put_frame(s, WS_PONG, payload);
	} else if (opcode == WS_CLOSE) {
		wire_is_gone(s, "closed by the server");
	} else if (opcode == WS_BINARY) {
		wire_is_gone(s, "a binary message, which models do not expect");
	}
}

static void on_wire(void *arg, struct slice bytes, const char *what)
{
	struct socket_session *s = arg;
	enum ws_opcode opcode = WS_TEXT;
	struct slice payload = SLICE_EMPTY;
	enum ws_result r = WS_MORE;

	if (what != NULL) {
		wire_is_gone(s, what);
	} else {
		ws_feed(&s->reader, bytes);
		while (
		    s->wire != NULL && (r = ws_next(&s->reader, &opcode, &payload)) == WS_TAKEN) {
			take_frame(s, opcode, payload);
		}
		if (s->wire != NULL && r == WS_WRONG) {
			wire_is_gone(s, payload.ptr);
		}
	}
	socket_notify(s);
}

static void on_upgrade(void *arg, enum err e, const char *what)
{
	struct socket_session *s = arg;
	const struct answer *a = client_conn_answer(s->wire);

	if (e != ERR_OK) {
		wire_is_gone(s, what);
	} else if (a->status == 503 && s->transport == SOCKET_WEBSOCKET) {
		socket_fail(s, SOCKET_REFUSED, "websocket: answered 503");
	} else if (a->status != 101 ||
		   !ws_accepts(slice_str(s->key), answer_find(a, SLICE("sec-websocket-accept")))) {
		char text[60];
		(void)snprintf(text, sizeof(text), "the upgrade was answered %d", a->status);
		wire_is_gone(s, text);
	} else {
		client_conn_stream(s->wire, on_wire, s);
		s->upgraded = s->transport == SOCKET_WEBSOCKET;
		s->probing = !s->upgraded;
		if (s->probing && put_frame(s, WS_TEXT, SLICE("2probe")) != ERR_OK) {
			wire_is_gone(s, "closed before the probe");
		}
	}
	socket_notify(s);
}

static void put_upgrade(struct socket_session *s)
{
	struct buf key = buf_new(WS_KEY_BYTES + 1);
	uint64_t bytes[2] = { chance_u64(&s->chance), chance_u64(&s->chance) };

	if (!connect_at(s, &s->wire)) {
		return;
	}
	enc_base64(&key, SLICE_OF(bytes, sizeof(bytes)));
	(void)snprintf(s->key, sizeof(s->key), "%.*s", SLICE_ARG(buf_slice(&key)));
	buf_free(&key);
	put_head(s, &s->wire_text, "GET", true);
	buf_printf(&s->wire_text,
	    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
	    s->key);
	client_conn_upgrade(s->wire, buf_slice(&s->wire_text), deadline_us(s), on_upgrade, s);
}

/* ---- from above ---- */

void socket_wire_begin(struct socket_session *s)
{
	if (s->transport == SOCKET_WEBSOCKET) {
		put_upgrade(s);
	} else {
		poll_again(s);
	}
}

void socket_wire_open(struct socket_session *s)
{
	if (s->transport == SOCKET_UPGRADE && s->open.upgrades) {
		s->wants_wire = true;
		put_upgrade(s);
	}
}

enum err socket_wire_send(struct socket_session *s, struct slice packet)
{
	if (s->upgraded) {
		return put_frame(s, WS_TEXT, packet);
	}
	if (s->waiting.len > 0) {
		buf_append_char(&s->waiting, ENGINEIO_SEPARATOR);
	}
	buf_append_slice(&s->waiting, packet);
	if (s->waiting.failed) {
		return ERR_LIMIT;
	}
	post_waiting(s);
	return is_over(s) ? ERR_PEER_GONE : ERR_OK;
}
