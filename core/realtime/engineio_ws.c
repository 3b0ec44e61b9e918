/*
 * WebSocket as a transport, from the start or after long polling. The way from the one to the
 * other: the client opens a WebSocket with the session's id, says 2probe and hears 3probe, lets its
 * polls end and says 5; from then on the WebSocket is the transport. Nothing is written to it
 * before that 5 and nothing to polls behind it, so that nothing overtakes. Whatever else comes
 * first on the new WebSocket ends it, and polling goes on as if nothing had happened.
 */
#include <stdio.h>

#include "core/realtime/engineio_priv.h"

static const char *const yes_or_no[] = { "[]", "[\"websocket\"]" };

void engineio_put_open(const struct engineio_session *s, bool upgrades, struct buf *out)
{
	const struct engineio_settings *set = &s->server->set;
	char sid[SID_CHARS + 1];

	sid_text(&s->id, sid);
	buf_printf(out,
	    "0{\"sid\":\"%s\",\"upgrades\":%s,\"pingInterval\":%lld,\"pingTimeout\":%lld,"
	    "\"maxPayload\":%u}",
	    sid, yes_or_no[upgrades], (long long)(set->ping_interval_us / 1000),
	    (long long)(set->ping_timeout_us / 1000), set->max_payload);
}

/* ---- the transport ---- */

static void on_message(void *arg, enum ws_opcode opcode, struct slice payload)
{
	struct engineio_session *s = arg;

	(void)!engineio_take(s, opcode == WS_BINARY, payload);
}

static void on_gone(void *arg, enum ws_end why)
{
	struct engineio_session *s = arg;

	s->ws = NULL;
	/* Counted as a WebSocket to the last. */
	engineio_count(s->server, ENGINEIO_WS_SESSIONS, -1);
	engineio_count(s->server, ENGINEIO_POLLING_SESSIONS, 1);
	engineio_session_end(s, ENGINEIO_BY_LOSS,
	    why == WS_END_WRONG ? "websocket broken" : "websocket gone", WS_CLOSE_NO_CODE);
}

static const struct ws_ops transport_ops = { .message = on_message, .gone = on_gone };

static void become_ws(struct engineio_session *s, struct ws *w)
{
	s->ws = w;
	ws_set_owner(w, &transport_ops, s);
	engineio_count(s->server, ENGINEIO_POLLING_SESSIONS, -1);
	engineio_count(s->server, ENGINEIO_WS_SESSIONS, 1);
}

/* False: answered. */
static bool is_handshake(struct op_call *c)
{
	int status = ws_handshake_fault(c->req);

	if (status != 0) {
		http_close_after(c->req);
		http_reply(c->req, status, SLICE("text/html"), SLICE("Bad request"));
	}
	return status == 0;
}

void engineio_ws_open(struct engineio *e, struct op_call *c)
{
	struct engineio_session *s = NULL;
	struct buf open = buf_new(1000);
	struct ws *w = NULL;

	if (!is_handshake(c)) {
		return;
	}
	if (engineio_session_open(e, &s) != ERR_OK) {
		engineio_refuse_busy(e, c);
		return;
	}
	enum err err = ws_accept(c->req, e->set.max_payload, &transport_ops, s, &w);
	if (err != ERR_OK) {
		engineio_session_end(s, ENGINEIO_BY_LOSS, "no websocket", WS_CLOSE_NO_CODE);
		if (err != ERR_PEER_GONE) {
			engineio_refuse_busy(e, c);
		}
		return;
	}
	become_ws(s, w);
	engineio_put_open(s, false, &open);
	engineio_put(s, WS_TEXT, buf_slice(&open));
	buf_free(&open);
	e->app->opened(e->arg, s);
}

/* ---- the way from polling ---- */

void engineio_probe_end(struct engineio_session *s)
{
	if (s->probe != NULL) {
		ws_close(s->probe, WS_CLOSE_NO_CODE, SLICE_EMPTY);
	}
	s->probe = NULL;
	s->probed = false;
	s->probe_us = s->release_us = INT64_MAX;
	engineio_clock(s);
}

static void put_on_probe(struct engineio_session *s, struct slice text)
{
	struct ws_out *o = ws_out_new(WS_TEXT, &text, 1);

	if (o != NULL && ws_queue_push(ws_queue_of(s->probe), o, false) == ERR_OK) {
		ws_touch(s->probe);
	}
	ws_out_unref(&o);
}

/* The client's polls have ended. What waits goes to the WebSocket, whose turn it is. */
static void finish_probe(struct engineio_session *s)
{
	struct ws *w = s->probe;

	s->probe = NULL;
	engineio_probe_end(s);
	if (s->poll != NULL) {
		engineio_poll_release(s, SLICE("6"));
	}
	ws_queue_move(ws_queue_of(w), &s->out);
	become_ws(s, w);
	engineio_count(s->server, ENGINEIO_UPGRADED, 1);
	ws_touch(w);
}

static void on_probe_message(void *arg, enum ws_opcode opcode, struct slice payload)
{
	struct engineio_session *s = arg;

	if (opcode == WS_TEXT && !s->probed && slice_eq(payload, SLICE("2probe"))) {
		s->probed = true;
		put_on_probe(s, SLICE("3probe"));
		if (s->poll != NULL && ws_queue_is_empty(&s->out)) {
			engineio_put(s, WS_TEXT, SLICE("6"));
		}
	} else if (opcode == WS_TEXT && s->probed && slice_eq(payload, SLICE("5"))) {
		finish_probe(s);
	} else {
		engineio_probe_end(s);
	}
}

static void on_probe_gone(void *arg, enum ws_end why)
{
	struct engineio_session *s = arg;

	(void)why;
	s->probe = NULL;
	engineio_probe_end(s);
}

static const struct ws_ops probe_ops = { .message = on_probe_message, .gone = on_probe_gone };

void engineio_ws_join(struct engineio_session *s, struct op_call *c)
{
	struct ws *w = NULL;

	if (!is_handshake(c)) {
		return;
	}
	enum err err = ws_accept(c->req, s->server->set.max_payload, &probe_ops, s, &w);
	if (err != ERR_OK) {
		if (err != ERR_PEER_GONE) {
			engineio_refuse_busy(s->server, c);
		}
		return;
	}
	if (s->ws != NULL || s->probe != NULL || s->state != ENGINEIO_STANDS) {
		/* A second one must see its handshake answered before it is closed. */
		ws_close(w, WS_CLOSE_NO_CODE, SLICE_EMPTY);
		return;
	}
	s->probe = w;
	s->probe_us = loop_now_us(s->server->loop) + s->server->set.upgrade_timeout_us;
	engineio_clock(s);
}
