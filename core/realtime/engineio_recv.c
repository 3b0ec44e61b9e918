/*
 * Packets from clients.
 */
#include "core/base/clock.h"
#include "core/realtime/engineio_packet.h"
#include "core/realtime/engineio_priv.h"

/* False: too many packets; the session is over. */
static bool pay(struct engineio_session *s)
{
	struct engineio *e = s->server;

	engineio_count(e, ENGINEIO_PACKETS_IN, 1);
	if (engineio_rate(
		&s->tokens_us, e->set.packets_per_s, e->set.packets_burst, loop_now_us(e->loop))) {
		return true;
	}
	engineio_abort(s, "too many packets");
	return false;
}

/* Whatever comes while a pong is due shows that the client is there: it gets as much time once
 * more. */
static void heard(struct engineio_session *s)
{
	if (s->waits_pong && !s->prolonged) {
		s->prolonged = true;
		s->beat_us = loop_now_us(s->server->loop) + s->server->set.ping_timeout_us;
		engineio_clock(s);
	}
}

static void take_pong(struct engineio_session *s)
{
	if (s->waits_pong) {
		s->waits_pong = false;
		s->beat_us = loop_now_us(s->server->loop) + s->server->set.ping_interval_us;
		engineio_clock(s);
	}
}

static bool take(struct engineio_session *s, const struct engineio_packet *p)
{
	struct engineio *e = s->server;

	if (!pay(s)) {
		return false;
	}
	switch (p->type) {
	case ENGINEIO_MESSAGE:
		heard(s);
		e->app->message(e->arg, s, p->binary, p->data);
		return s->state == ENGINEIO_STANDS;
	case ENGINEIO_PONG:
		take_pong(s);
		return true;
	case ENGINEIO_CLOSE:
		engineio_session_end(s, ENGINEIO_BY_CLIENT, "client", WS_CLOSE_NO_CODE);
		return false;
	case ENGINEIO_OPEN:
	case ENGINEIO_UPGRADE:
	case ENGINEIO_NOOP:
		return true;
	case ENGINEIO_PING:
	default:
		/* In version 4 only servers send pings. */
		engineio_abort(s, "ping of a client");
		return false;
	}
}

bool engineio_take(struct engineio_session *s, bool binary, struct slice text)
{
	struct engineio_packet p = { .type = ENGINEIO_MESSAGE, .binary = true, .data = text };

	/* In a text frame 'b' is no type. */
	if (!binary && (engineio_parse(text, &p) != ERR_OK || p.binary)) {
		engineio_abort(s, "malformed packet");
		return false;
	}
	return take(s, &p);
}

/* As in a frame, but bytes are base64. ERR_SYNTAX: malformed; ERR_END: the session is over by it.
 */
static enum err take_piece(struct engineio_session *s, struct slice piece)
{
	struct engineio_packet p;
	struct buf bytes = buf_new(ENGINEIO_BODY_MAX);
	enum err e = engineio_parse(piece, &p);

	if (e == ERR_OK && p.binary) {
		e = engineio_decode(p.data, &bytes);
		p.data = buf_slice(&bytes);
	}
	if (e != ERR_OK) {
		engineio_abort(s, "malformed packet");
		e = ERR_SYNTAX;
	} else if (!take(s, &p)) {
		e = ERR_END;
	}
	buf_free(&bytes);
	return e;
}

bool engineio_take_body(struct engineio_session *s, struct slice body)
{
	struct slice piece;
	enum err e = ERR_OK;

	if (body.len == 0) {
		engineio_abort(s, "empty packet");
		return true; /* the answer is still "ok" */
	}
	while (e == ERR_OK && slice_split(&body, ENGINEIO_SEPARATOR, &piece)) {
		e = take_piece(s, piece);
	}
	return e != ERR_SYNTAX;
}
