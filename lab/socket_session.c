/*
 * The session above its transports: opening, heartbeat, packets, the box.
 */
#include "lab/socket_session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "lab/socket_priv.h"

enum {
	OPTION_BYTES = 8192,
	TEXT_BYTES = 1 << 20,
	HEAD_BYTES = 32768,
	ARENA_BYTES = 16 << 20,
};

bool socket_is_over(const struct socket_session *s)
{
	return s->state == SOCKET_CLOSED || s->state == SOCKET_REFUSED || s->state == SOCKET_LEFT;
}

void socket_fail(struct socket_session *s, enum socket_state state, const char *fmt, ...)
{
	va_list args;

	if (socket_is_over(s)) {
		return;
	}
	s->state = state;
	va_start(args, fmt);
	(void)vsnprintf(s->why, sizeof(s->why), fmt, args);
	va_end(args);
	socket_wire_close(s);
}

void socket_notify(struct socket_session *s)
{
	if (s->state == SOCKET_CONNECTING && s->joined && !s->wants_wire) {
		s->state = SOCKET_CONNECTED;
	}
	s->changed(s->arg);
}

/* ---- what comes ---- */

static void keep_letter(struct socket_session *s, const struct socketio_packet *p)
{
	struct socket_letter letter = {
		.text = buf_new(TEXT_BYTES), .is_ack = p->kind == SOCKETIO_ACK, .id = p->id
	};

	if (s->n_box == SOCKET_BOX_MOST) {
		buf_free(&s->box[0].text);
		s->n_box--;
		memmove(s->box, s->box + 1, s->n_box * sizeof(s->box[0]));
	}
	buf_append_slice(&letter.text, p->json);
	s->box[s->n_box++] = letter;
}

/* {"message":"overloaded", ...}: a refusal for load, as 503 is one. */
static void take_connect_error(struct socket_session *s, struct slice json)
{
	struct err_note note = { 0 };
	const struct json *v = NULL;
	struct slice message = SLICE("no reason");

	arena_reset(&s->arena);
	if (json_parse(&s->arena, json, &v, &note) == ERR_OK) {
		(void)json_get_string(json_member(v, "message"), &message);
	}
	socket_fail(s, slice_eq(message, SLICE("overloaded")) ? SOCKET_REFUSED : SOCKET_CLOSED,
	    "CONNECT refused: %.*s", SLICE_ARG(slice_sub(message, 0, 100)));
}

static void take_message(struct socket_session *s, struct slice text)
{
	struct socketio_packet p;

	if (socketio_parse_plain(text, &p) != ERR_OK) {
		socket_fail(s, SOCKET_CLOSED, "no packet of Socket.IO: %.*s",
		    SLICE_ARG(slice_sub(text, 0, 60)));
		return;
	}
	switch (p.kind) {
	case SOCKETIO_CONNECT:
		s->joined = true;
		return;
	case SOCKETIO_DISCONNECT:
		socket_fail(s, SOCKET_CLOSED, "the server disconnected");
		return;
	case SOCKETIO_CONNECT_ERROR:
		take_connect_error(s, p.json);
		return;
	case SOCKETIO_EVENT:
	case SOCKETIO_ACK:
		keep_letter(s, &p);
		return;
	case SOCKETIO_BINARY_EVENT:
	case SOCKETIO_BINARY_ACK:
		return; /* refused above */
	}
}

static void take_open(struct socket_session *s, struct slice json)
{
	struct buf packet = buf_new(OPTION_BYTES + 2);

	arena_reset(&s->arena);
	if (s->open.sid[0] != '\0' || engineio_parse_open(&s->arena, json, &s->open) != ERR_OK) {
		socket_fail(s, SOCKET_CLOSED, "a first packet that is none");
		return;
	}
	s->heard_us = clock_mono_us();
	buf_append_str(&packet, "40");
	buf_append_slice(&packet, buf_slice(&s->auth));
	if (socket_wire_send(s, buf_slice(&packet)) != ERR_OK) {
		socket_fail(s, SOCKET_CLOSED, "CONNECT could not be sent");
	}
	buf_free(&packet);
	if (s->state == SOCKET_CONNECTING) {
		socket_wire_open(s);
	}
}

void socket_take_packet(struct socket_session *s, struct slice packet)
{
	struct slice rest = slice_sub(packet, 1, packet.len);

	if (s->state != SOCKET_CONNECTING && s->state != SOCKET_CONNECTED) {
		return;
	}
	switch (packet.len == 0 ? 0 : packet.ptr[0]) {
	case ENGINEIO_OPEN:
		take_open(s, rest);
		return;
	case ENGINEIO_PING:
		s->heard_us = clock_mono_us();
		if (socket_wire_send(s, SLICE("3")) != ERR_OK) {
			socket_fail(s, SOCKET_CLOSED, "a pong could not be sent");
		}
		return;
	case ENGINEIO_MESSAGE:
		take_message(s, rest);
		return;
	case ENGINEIO_CLOSE:
		socket_fail(s, SOCKET_CLOSED, "the server closed the session");
		return;
	case ENGINEIO_NOOP:
	case ENGINEIO_PONG:
		return;
	default:
		socket_fail(s, SOCKET_CLOSED, "no packet of Engine.IO: %.*s",
		    SLICE_ARG(slice_sub(packet, 0, 60)));
		return;
	}
}

void socket_tick(struct socket_session *s, int64_t now_us)
{
	int64_t silence_us = (s->open.ping_interval_ms + s->open.ping_timeout_ms) * 1000;

	if (s->state == SOCKET_CONNECTING && now_us - s->began_us > s->patience_us) {
		socket_fail(s, SOCKET_CLOSED, "no connection in time");
		socket_notify(s);
	} else if (s->state == SOCKET_CONNECTED && now_us - s->heard_us > silence_us) {
		socket_fail(s, SOCKET_CLOSED, "no ping of the server in time");
		socket_notify(s);
	}
}

/* ---- what goes and what is taken ---- */

enum err socket_emit(struct socket_session *s, struct slice json, uint64_t *ret_id)
{
	struct buf packet = buf_new(TEXT_BYTES);
	struct slice all = SLICE_EMPTY;

	if (s->state != SOCKET_CONNECTED) {
		return ERR_PEER_GONE;
	}
	buf_append_str(&packet, "42");
	if (ret_id != NULL) {
		*ret_id = s->next_id++;
		buf_append_u64(&packet, *ret_id);
	}
	buf_append_slice(&packet, json);
	enum err e = buf_finish(&packet, &all);
	if (e == ERR_OK) {
		e = socket_wire_send(s, all);
	}
	buf_free(&packet);
	return e;
}

static void take_letter(struct socket_session *s, unsigned i, struct slice *ret_json)
{
	buf_free(&s->taken);
	s->taken = s->box[i].text;
	s->n_box--;
	memmove(s->box + i, s->box + i + 1, (s->n_box - i) * sizeof(s->box[0]));
	*ret_json = buf_slice(&s->taken);
}

bool socket_take_ack(struct socket_session *s, uint64_t id, struct slice *ret_json)
{
	for (unsigned i = 0; i < s->n_box; i++) {
		if (s->box[i].is_ack && s->box[i].id == id) {
			take_letter(s, i, ret_json);
			return true;
		}
	}
	return false;
}

bool socket_take_event(struct socket_session *s, struct slice name, struct slice *ret_json)
{
	for (unsigned i = 0; i < s->n_box; i++) {
		struct slice its_name = SLICE_EMPTY;
		bool named = socketio_event_name(buf_slice(&s->box[i].text), &its_name);
		if (!s->box[i].is_ack && (name.len == 0 || (named && slice_eq(its_name, name)))) {
			take_letter(s, i, ret_json);
			return true;
		}
	}
	return false;
}

enum socket_state socket_state(const struct socket_session *s)
{
	return s->state;
}

const char *socket_why(const struct socket_session *s)
{
	return s->why;
}

const char *socket_transport_name(const struct socket_session *s)
{
	return s->upgraded ? "websocket" : "polling";
}

enum err socket_transport_parse(struct slice name, enum socket_transport *ret)
{
	static const char *const names[] = { "upgrade", "websocket", "polling" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(name, slice_str(names[i]))) {
			*ret = (enum socket_transport)i;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

/* ---- life ---- */

static struct buf copy(struct slice text)
{
	struct buf b = buf_new(OPTION_BYTES);

	buf_append_slice(&b, text);
	return b;
}

enum err socket_open(struct client *client, const struct socket_options *options, uint64_t seed,
    socket_fn *changed, void *arg, struct socket_session **ret, struct err_note *note)
{
	struct socket_session *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for a socket");
	}
	s->client = client;
	s->transport = options->transport;
	s->patience_us = (int64_t)(options->patience_s * 1e6);
	s->path = copy(options->path);
	s->host = copy(options->host);
	s->cookies = copy(options->cookies);
	s->auth = copy(options->auth);
	s->chance = chance_new(seed, 0);
	s->changed = changed;
	s->arg = arg;
	s->began_us = clock_mono_us();
	s->poll_text = buf_new(HEAD_BYTES);
	s->post_text = buf_new(TEXT_BYTES + HEAD_BYTES);
	s->wire_text = buf_new(HEAD_BYTES);
	s->body = buf_new(ANSWER_KEEP_BYTES);
	s->waiting = buf_new(TEXT_BYTES);
	s->taken = buf_new(TEXT_BYTES);
	s->reader = ws_reader_new(false, WS_MESSAGE_BYTES);
	s->arena = arena_new(ARENA_BYTES);
	if (s->path.failed || s->host.failed || s->cookies.failed || s->auth.failed) {
		socket_close(&s);
		return err_note_set(
		    note, ERR_LIMIT, "path, cookies or auth of a socket are too long");
	}
	socket_wire_begin(s);
	*ret = s;
	return ERR_OK;
}

void socket_leave(struct socket_session *s)
{
	if (s->state == SOCKET_CONNECTED) {
		s->state = SOCKET_LEAVING;
		socket_wire_leave(s);
	}
}

void socket_close(struct socket_session **sp)
{
	struct socket_session *s = *sp;

	if (s == NULL) {
		return;
	}
	*sp = NULL;
	socket_wire_close(s);
	for (unsigned i = 0; i < s->n_box; i++) {
		buf_free(&s->box[i].text);
	}
	struct buf *const texts[] = { &s->path, &s->host, &s->cookies, &s->auth, &s->poll_text,
		&s->post_text, &s->wire_text, &s->body, &s->waiting, &s->taken };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_free(texts[i]);
	}
	ws_reader_free(&s->reader);
	arena_reset(&s->arena);
	free(s);
}
