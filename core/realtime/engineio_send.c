/*
 * Packets to clients. What waits for one is bounded: beyond the first bound what may be dropped
 * goes, beyond the second the session does, because a client that does not read what it missed is
 * better off coming back and asking.
 */
#include "core/obs/log.h"
#include "core/realtime/engineio_packet.h"
#include "core/realtime/engineio_priv.h"

enum {
	PARTS_MAX = 8,
	MEASURED_AT_ONCE = 256,
};

struct ws_out *engineio_text(const struct slice *parts, unsigned n)
{
	const char digit = ENGINEIO_MESSAGE;
	struct slice all[PARTS_MAX + 1] = { SLICE_OF(&digit, 1) };

	if (n > PARTS_MAX) {
		return NULL;
	}
	for (unsigned i = 0; i < n; i++) {
		all[i + 1] = parts[i];
	}
	return ws_out_new(WS_TEXT, all, n + 1);
}

struct ws_out *engineio_bytes(struct slice bytes)
{
	return ws_out_new(WS_BINARY, &bytes, 1);
}

struct ws_queue *engineio_queue(struct engineio_session *s)
{
	return s->ws != NULL ? ws_queue_of(s->ws) : &s->out;
}

bool engineio_is_full(const struct engineio_session *s)
{
	const struct ws_queue *b = s->ws != NULL ? ws_queue_of(s->ws) : &s->out;

	return b->bytes > s->server->set.queue_soft;
}

/* Room for len more bytes? False: the session is closed, or this one message is dropped. */
static bool make_room(struct engineio_session *s, size_t len, bool droppable)
{
	const struct engineio_settings *set = &s->server->set;
	struct ws_queue *b = engineio_queue(s);

	if (b->bytes + len <= set->queue_soft) {
		return true;
	}
	engineio_count(s->server, ENGINEIO_DROPPED, ws_queue_drop(b) + (droppable ? 1 : 0));
	if (droppable) {
		return false;
	}
	if (b->bytes + len <= set->queue_hard) {
		return true;
	}
	LOG(LOG_INFO, "realtime", "slow_receiver", LOG_I("waiting_bytes", b->bytes));
	engineio_count(s->server, ENGINEIO_CLOSED_SLOW, 1);
	engineio_session_end(s, ENGINEIO_BY_RULE, "slow", WS_CLOSE_TRY_LATER);
	return false;
}

static void push(struct engineio_session *s, struct ws_out *o, bool droppable)
{
	if (ws_queue_push(engineio_queue(s), o, droppable) != ERR_OK) {
		/* A gap that the client does not know of would be worse. */
		engineio_session_end(s, ENGINEIO_BY_RULE, "memory", WS_CLOSE_TRY_LATER);
		return;
	}
	engineio_count(s->server, ENGINEIO_PACKETS_OUT, 1);
	if (s->ws != NULL) {
		ws_touch(s->ws);
	} else {
		engineio_dirty(s);
	}
}

void engineio_send(struct engineio_session *s, struct ws_out *o, unsigned flags)
{
	bool droppable = (flags & ENGINEIO_DROPPABLE) != 0;

	if (s->state == ENGINEIO_STANDS && make_room(s, ws_out_payload(o).len, droppable)) {
		push(s, o, droppable);
	}
}

void engineio_put(struct engineio_session *s, enum ws_opcode opcode, struct slice text)
{
	struct ws_out *o = ws_out_new(opcode, &text, 1);

	if (o == NULL) {
		engineio_session_end(s, ENGINEIO_BY_LOSS, "memory", WS_CLOSE_TRY_LATER);
		return;
	}
	push(s, o, false);
	ws_out_unref(&o);
}

void engineio_measure(struct engineio *e)
{
	for (unsigned i = 0; i < MEASURED_AT_ONCE && e->measured < e->n_slots; i++) {
		struct engineio_session *s = e->slots[e->measured++];
		if (s != NULL) {
			e->measured_sessions++;
			e->measured_bytes += (int64_t)engineio_queue(s)->bytes;
		}
	}
	if (e->measured == e->n_slots) {
		metric_set(e->cells[ENGINEIO_RECORD_BYTES],
		    e->measured_sessions *
			(int64_t)(sizeof(struct engineio_session) + e->app->record_bytes));
		metric_set(e->cells[ENGINEIO_QUEUED_BYTES], e->measured_bytes);
		e->measured = 0;
		e->measured_sessions = e->measured_bytes = 0;
	}
}
