/*
 * The transports of a session: what both have, and the websocket.
 */
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/enc.h"
#include "lab/socket_priv.h"

int64_t socket_deadline_us(const struct socket_session *s)
{
	return clock_mono_us() + s->patience_us;
}

void socket_wire_close(struct socket_session *s)
{
	client_conn_close(&s->poll);
	client_conn_close(&s->post);
	client_conn_close(&s->wire);
	s->polling = s->posting = s->probing = s->wants_wire = false;
}

/* The server has heard the goodbye. */
void socket_left(struct socket_session *s)
{
	s->state = SOCKET_LEFT;
	socket_wire_close(s);
}

void socket_put_head(struct socket_session *s, struct buf *out, const char *method, bool wire)
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
bool socket_connect_at(struct socket_session *s, struct client_conn **conn)
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

/* ---- websocket ---- */

/* Without a websocket a session that polls goes on polling. */
static void wire_is_gone(struct socket_session *s, const char *what)
{
	if (s->state == SOCKET_LEAVING) {
		socket_left(s);
		return;
	}
	if (s->upgraded || s->transport == SOCKET_WEBSOCKET) {
		socket_fail(s, SOCKET_CLOSED, "websocket: %s", what);
		return;
	}
	client_conn_close(&s->wire);
	s->wants_wire = s->probing = false;
	if (s->paused) {
		s->paused = false;
		if (!s->polling) {
			socket_poll(s);
		}
		socket_post(s);
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
		socket_finish_upgrade(s);
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

	if (!socket_connect_at(s, &s->wire)) {
		return;
	}
	enc_base64(&key, SLICE_OF(bytes, sizeof(bytes)));
	(void)snprintf(s->key, sizeof(s->key), "%.*s", SLICE_ARG(buf_slice(&key)));
	buf_free(&key);
	socket_put_head(s, &s->wire_text, "GET", true);
	buf_printf(&s->wire_text,
	    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
	    s->key);
	client_conn_upgrade(
	    s->wire, buf_slice(&s->wire_text), socket_deadline_us(s), on_upgrade, s);
}

/* ---- from above ---- */

void socket_wire_begin(struct socket_session *s)
{
	if (s->transport == SOCKET_WEBSOCKET) {
		put_upgrade(s);
	} else {
		socket_poll(s);
	}
}

void socket_wire_open(struct socket_session *s)
{
	if (s->transport == SOCKET_UPGRADE && s->open.upgrades) {
		s->wants_wire = true;
		put_upgrade(s);
	}
}

void socket_wire_leave(struct socket_session *s)
{
	static const char normal[] = { 0x03, (char)0xe8 }; /* 1000 */
	enum err e = socket_wire_send(s, SLICE("1"));

	if (e == ERR_OK && s->upgraded) {
		e = put_frame(s, WS_CLOSE, SLICE_OF(normal, sizeof(normal)));
	}
	if (e != ERR_OK) {
		socket_fail(s, SOCKET_CLOSED, "the goodbye could not be sent");
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
	socket_post(s);
	return socket_is_over(s) ? ERR_PEER_GONE : ERR_OK;
}
