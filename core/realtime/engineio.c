/*
 * The table of sessions, their clocks, how they begin and end.
 *
 * All times of a session are one entry of one heap, and one timer of the loop serves the heap: so
 * that they are kept to the millisecond, which clients with short intervals notice. A request looks
 * at the times, too: a timer that is late must not revive a session.
 *
 * Nothing is freed or answered in the middle of a callback: what has something to send or is over
 * is done at the end of the round, before the loop waits. So several packets of one round go into
 * one answer, and whoever closes a session while its packets are worked on does no harm.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/obs/log.h"
#include "core/realtime/engineio_priv.h"

enum {
	JITTER_PART = 16, /* the first ping is early by up to this part of the interval */
};

/* ---- clocks ---- */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void set_timer(struct engineio *e);

void engineio_clock(struct engineio_session *s)
{
	struct engineio *e = s->server;
	int64_t due_us = earlier(earlier(s->beat_us, s->probe_us),
	    earlier(earlier(s->release_us, s->app_us), s->leave_us));

	if (s->state == ENGINEIO_OVER || (s->deadline.place != 0 && s->deadline_us == due_us)) {
		return;
	}
	deadline_remove(&e->heap, &s->deadline);
	s->deadline_us = due_us;
	deadline_add(&e->heap, &s->deadline, due_us);
	set_timer(e);
}

/* A ping is due, or the pong that should have come is. False: the session is over. */
static bool beat(struct engineio_session *s, int64_t now_us)
{
	if (now_us < s->beat_us) {
		return true;
	}
	if (s->waits_pong) {
		engineio_count(s->server, ENGINEIO_CLOSED_PING, 1);
		engineio_session_end(s, ENGINEIO_BY_RULE, "ping timeout", WS_CLOSE_NO_CODE);
		return false;
	}
	/* From the time at which it was due: what counts is when the client could know. */
	s->waits_pong = true;
	s->prolonged = false;
	s->beat_us += s->server->set.ping_timeout_us;
	engineio_put(s, WS_TEXT, SLICE("2"));
	return now_us < s->beat_us || beat(s, now_us);
}

/* Does whatever is due; the session may be over behind it. */
static void run_due(struct engineio_session *s, int64_t now_us)
{
	struct engineio *e = s->server;

	if (now_us >= s->leave_us) {
		s->leave_us = INT64_MAX;
		engineio_session_end(s, ENGINEIO_BY_SERVER, "drained", WS_CLOSE_GOING_AWAY);
		return;
	}
	if (s->state != ENGINEIO_STANDS || !beat(s, now_us)) {
		return;
	}
	if (now_us >= s->probe_us) {
		engineio_probe_end(s);
	}
	if (now_us >= s->release_us) {
		s->release_us = INT64_MAX;
		engineio_put(s, WS_TEXT, SLICE("6"));
	}
	if (now_us >= s->app_us) {
		s->app_us = INT64_MAX;
		e->app->timer(e->arg, s);
	}
	engineio_clock(s);
}

static void on_timer(uv_timer_t *timer)
{
	struct engineio *e = timer->data;
	int64_t now_us = loop_now_us(e->loop);
	struct deadline *d;

	while ((d = deadline_pop(&e->heap, now_us)) != NULL) {
		run_due(LIST_OF(d, struct engineio_session, deadline), now_us);
	}
	engineio_measure(e);
	set_timer(e);
}

static void set_timer(struct engineio *e)
{
	int64_t next_us = deadline_next_us(&e->heap);

	if (next_us == INT64_MAX) {
		uv_timer_stop(&e->timer);
		return;
	}
	int64_t wait_us = next_us - loop_now_us(e->loop);
	uint64_t wait_ms = wait_us <= 0 ? 0 : (uint64_t)(wait_us + 999) / 1000;
	if (uv_is_active((uv_handle_t *)&e->timer) == 0 ||
	    uv_timer_get_due_in(&e->timer) > wait_ms) {
		CHECK(uv_timer_start(&e->timer, on_timer, wait_ms, 0) == 0);
	}
}

bool engineio_rate(int64_t *paid_us, unsigned per_s, unsigned burst, int64_t now_us)
{
	if (per_s == 0) {
		return true;
	}
	int64_t each_us = 1000000 / per_s, debt_us = (int64_t)burst * each_us;
	int64_t paid = *paid_us > now_us ? *paid_us : now_us;

	if (paid + each_us > now_us + debt_us) {
		return false;
	}
	*paid_us = paid + each_us;
	return true;
}

/* ---- the end of a round ---- */

static void on_flush(uv_prepare_t *prepare)
{
	struct engineio *e = prepare->data;

	for (struct list *node; (node = list_pop(&e->dirty)) != NULL;) {
		struct engineio_session *s = LIST_OF(node, struct engineio_session, node);
		s->is_dirty = false;
		if (s->poll != NULL && !ws_queue_is_empty(&s->out)) {
			engineio_poll_release(s, SLICE_EMPTY);
		}
	}
	for (struct list *node; (node = list_pop(&e->over)) != NULL;) {
		free(LIST_OF(node, struct engineio_session, node));
	}
	if (list_is_empty(&e->dirty) && list_is_empty(&e->over)) {
		uv_prepare_stop(&e->flush);
	}
}

void engineio_dirty(struct engineio_session *s)
{
	struct engineio *e = s->server;

	if (s->state == ENGINEIO_OVER || s->is_dirty) {
		return;
	}
	s->is_dirty = true;
	list_push(&e->dirty, &s->node);
	uv_prepare_start(&e->flush, on_flush);
}

/* ---- sessions ---- */

static bool take_slot(struct engineio *e, uint32_t *ret)
{
	if (e->n_free > 0) {
		*ret = e->free_slots[--e->n_free];
		return true;
	}
	if (e->n_slots == ENGINEIO_SESSIONS_MAX) {
		return false;
	}
	*ret = e->n_slots++;
	return true;
}

enum err engineio_session_open(struct engineio *e, struct engineio_session **ret)
{
	int64_t now_us = loop_now_us(e->loop);
	unsigned n_open = e->n_slots - e->n_free;
	uint32_t slot = 0;

	if (e->drain_us != 0) {
		return ERR_DRAINING;
	}
	if (n_open >= e->set.max_sessions ||
	    (e->may_open != NULL && !e->may_open(e->may_open_arg)) ||
	    !engineio_rate(&e->opens_us, e->set.opens_per_s, e->set.opens_per_s, now_us)) {
		return ERR_TOO_BUSY;
	}
	struct engineio_session *s = calloc(1, sizeof(*s));
	if (s == NULL || !take_slot(e, &slot)) {
		free(s);
		return ERR_MEMORY;
	}
	s->server = e;
	s->id.worker = (uint8_t)e->worker;
	s->id.generation = ++e->generations[slot];
	s->id.slot = slot;
	rng_bytes(s->id.random, sizeof(s->id.random));
	list_init(&s->node);
	s->probe_us = s->release_us = s->app_us = s->leave_us = INT64_MAX;
	/* Never late, but not all at once after many have come together. */
	s->beat_us = now_us + e->set.ping_interval_us;
	if (e->set.ping_interval_us >= 1000000) {
		s->beat_us -= (int64_t)rng_below((uint64_t)e->set.ping_interval_us / JITTER_PART);
	}
	e->slots[slot] = s;
	engineio_clock(s);
	engineio_count(e, ENGINEIO_OPENED, 1);
	engineio_count(e, ENGINEIO_POLLING_SESSIONS, 1);
	*ret = s;
	return ERR_OK;
}

struct engineio_session *engineio_session_find(struct engineio *e, const struct sid *id)
{
	struct engineio_session *s = id->slot < e->n_slots ? e->slots[id->slot] : NULL;

	if (s == NULL || !sid_eq(&s->id, id)) {
		return NULL;
	}
	int64_t now_us = loop_now_us(e->loop);
	if (now_us >= s->deadline_us) {
		run_due(s, now_us);
	}
	return s->state == ENGINEIO_OVER ? NULL : s;
}

static void remove_session(struct engineio_session *s)
{
	struct engineio *e = s->server;

	s->state = ENGINEIO_OVER;
	deadline_remove(&e->heap, &s->deadline);
	e->slots[s->id.slot] = NULL;
	e->free_slots[e->n_free++] = s->id.slot;
	ws_queue_clear(&s->out);
	list_remove(&s->node);
	s->is_dirty = false;
	list_push(&e->over, &s->node);
	uv_prepare_start(&e->flush, on_flush);
}

static void tell_closed(struct engineio_session *s, const char *why)
{
	struct engineio *e = s->server;

	s->state = ENGINEIO_LEAVING;
	engineio_count(e, s->ws != NULL ? ENGINEIO_WS_SESSIONS : ENGINEIO_POLLING_SESSIONS, -1);
	LOG(LOG_DEBUG, "realtime", "closed", LOG_C("why", why));
	e->app->closed(e->arg, s, why);
}

void engineio_session_end(
    struct engineio_session *s, enum engineio_how how, const char *why, enum ws_close_code code)
{
	struct ws *ws = s->ws;
	bool has_last_words = how == ENGINEIO_BY_SERVER && s->state == ENGINEIO_STANDS;

	if (s->state == ENGINEIO_OVER) {
		return;
	}
	if (s->state == ENGINEIO_STANDS) {
		tell_closed(s, why);
	}
	engineio_probe_end(s);
	if (ws != NULL) {
		s->ws = NULL;
		if (how == ENGINEIO_BY_RULE || how == ENGINEIO_BY_CLIENT) {
			ws_queue_forget(ws_queue_of(ws));
		}
		if (how != ENGINEIO_BY_LOSS) {
			ws_close(ws, code, slice_str(why));
		}
	} else if (s->poll != NULL) {
		if (how != ENGINEIO_BY_SERVER) {
			ws_queue_clear(&s->out);
		}
		engineio_poll_release(s, how == ENGINEIO_BY_CLIENT ? SLICE("6") : SLICE("1"));
	} else if (has_last_words && s->server->drain_us == 0) {
		s->leave_us = loop_now_us(s->server->loop) + ENGINEIO_LAST_POLL_US;
		s->beat_us = s->app_us = s->release_us = INT64_MAX;
		engineio_clock(s);
		return;
	}
	remove_session(s);
}

void engineio_close(struct engineio_session *s, const char *why)
{
	engineio_session_end(s, ENGINEIO_BY_SERVER, why, WS_CLOSE_NO_CODE);
}

void engineio_abort(struct engineio_session *s, const char *why)
{
	engineio_count(s->server, ENGINEIO_CLOSED_RULE, 1);
	engineio_session_end(s, ENGINEIO_BY_RULE, why, WS_CLOSE_NO_CODE);
}

bool engineio_is_over(const struct engineio_session *s)
{
	return s->state != ENGINEIO_STANDS;
}

void engineio_set_data(struct engineio_session *s, void *data)
{
	s->data = data;
}

void *engineio_data(const struct engineio_session *s)
{
	return s->data;
}

void engineio_set_timer(struct engineio_session *s, int64_t due_us)
{
	s->app_us = due_us;
	engineio_clock(s);
}
