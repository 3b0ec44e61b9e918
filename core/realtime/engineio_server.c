/*
 * An Engine.IO server as a whole: made, set anew, drained, ended.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/rng.h"
#include "core/realtime/engineio_priv.h"

enum {
	DRAIN_PART = 8, /* of the time that a drain has is left for the last ones to go */
};

/* clang-format off */
const struct metric_def engineio_metrics[ENGINEIO_METRICS] = {
	[ENGINEIO_POLLING_SESSIONS] = { "realtime_polling_sessions", METRIC_GAUGE, NULL,
		"Sessions over long polling that stand." },
	[ENGINEIO_WS_SESSIONS] = { "realtime_websocket_sessions", METRIC_GAUGE, NULL,
		"Sessions over WebSocket that stand." },
	[ENGINEIO_OPENED] = { "realtime_sessions_opened_total", METRIC_COUNTER, NULL,
		"Sessions opened." },
	[ENGINEIO_REFUSED] = { "realtime_sessions_refused_total", METRIC_COUNTER, NULL,
		"New sessions refused for load, a limit or a drain." },
	[ENGINEIO_UPGRADED] = { "realtime_sessions_upgraded_total", METRIC_COUNTER, NULL,
		"Sessions that went from long polling to WebSocket." },
	[ENGINEIO_HANDED] = { "realtime_requests_handed_total", METRIC_COUNTER, NULL,
		"Requests handed to the process that owns their session." },
	[ENGINEIO_PACKETS_IN] = { "realtime_packets_received_total", METRIC_COUNTER, NULL,
		"Packets from clients." },
	[ENGINEIO_PACKETS_OUT] = { "realtime_packets_queued_total", METRIC_COUNTER, NULL,
		"Packets queued for clients." },
	[ENGINEIO_DROPPED] = { "realtime_packets_dropped_total", METRIC_COUNTER, NULL,
		"Volatile packets dropped because their receiver did not keep up." },
	[ENGINEIO_CLOSED_SLOW] = { "realtime_closed_slow_total", METRIC_COUNTER, NULL,
		"Sessions closed because too much waited for them." },
	[ENGINEIO_CLOSED_PING] = { "realtime_closed_ping_total", METRIC_COUNTER, NULL,
		"Sessions closed because no pong came in time." },
	[ENGINEIO_CLOSED_RULE] = { "realtime_closed_rule_total", METRIC_COUNTER, NULL,
		"Sessions closed because the client broke the protocol or a limit." },
	[ENGINEIO_RECORD_BYTES] = { "realtime_session_bytes", METRIC_GAUGE, NULL,
		"Bytes of the records of sessions, without their connections; looked at every now and then." },
	[ENGINEIO_QUEUED_BYTES] = { "realtime_queued_bytes", METRIC_GAUGE, NULL,
		"Bytes that wait for clients, a message that several share counted for each; likewise." },
};
/* clang-format on */
_Static_assert((int)ENGINEIO_METRICS == (int)ENGINEIO_CELLS, "a family for each cell");

static bool make_tables(struct engineio *e)
{
	e->slots = calloc(ENGINEIO_SESSIONS_MAX, sizeof(struct engineio_session *));
	e->generations = calloc(ENGINEIO_SESSIONS_MAX, sizeof(*e->generations));
	e->free_slots = calloc(ENGINEIO_SESSIONS_MAX, sizeof(*e->free_slots));
	return e->slots != NULL && e->generations != NULL && e->free_slots != NULL &&
	       deadline_init(&e->heap, ENGINEIO_SESSIONS_MAX) == ERR_OK;
}

static void free_tables(struct engineio *e)
{
	free(e->slots);
	free(e->generations);
	free(e->free_slots);
	deadline_fini(&e->heap);
	free(e);
}

enum err engineio_new(struct loop *l, struct metrics *metrics, unsigned worker,
    const struct engineio_settings *settings, const struct engineio_app *app, void *arg,
    struct engineio **ret)
{
	struct engineio *e = calloc(1, sizeof(*e));

	if (e == NULL) {
		return ERR_MEMORY;
	}
	/* Pages of the tables are there once they are used. */
	if (!make_tables(e)) {
		free_tables(e);
		return ERR_MEMORY;
	}
	e->loop = l;
	e->set = *settings;
	e->app = app;
	e->arg = arg;
	e->worker = worker;
	list_init(&e->dirty);
	list_init(&e->over);
	for (unsigned i = 0; i < ENGINEIO_CELLS; i++) {
		e->cells[i] = metric_cell(metrics, &engineio_metrics[i], NULL);
	}
	/* Of the process that was here before. */
	metric_set(e->cells[ENGINEIO_POLLING_SESSIONS], 0);
	metric_set(e->cells[ENGINEIO_WS_SESSIONS], 0);
	metric_set(e->cells[ENGINEIO_RECORD_BYTES], 0);
	metric_set(e->cells[ENGINEIO_QUEUED_BYTES], 0);
	CHECK(uv_timer_init(loop_uv(l), &e->timer) == 0);
	CHECK(uv_prepare_init(loop_uv(l), &e->flush) == 0);
	uv_unref((uv_handle_t *)&e->timer);
	uv_unref((uv_handle_t *)&e->flush);
	e->timer.data = e->flush.data = e;
	e->open_handles = 2;
	*ret = e;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct engineio *e = handle->data;

	if (--e->open_handles == 0) {
		free_tables(e);
	}
}

void engineio_free(struct engineio **ep)
{
	struct engineio *e = *ep;

	*ep = NULL;
	if (e == NULL) {
		return;
	}
	for (unsigned i = 0; i < e->n_slots; i++) {
		if (e->slots[i] != NULL) {
			engineio_session_end(
			    e->slots[i], ENGINEIO_BY_RULE, "stopped", WS_CLOSE_GOING_AWAY);
		}
	}
	for (struct list *node; (node = list_pop(&e->over)) != NULL;) {
		free(LIST_OF(node, struct engineio_session, node));
	}
	uv_close((uv_handle_t *)&e->timer, on_closed);
	uv_close((uv_handle_t *)&e->flush, on_closed);
}

void engineio_set_gate(struct engineio *e, bool (*may_open)(void *arg), void *arg)
{
	e->may_open = may_open;
	e->may_open_arg = arg;
}

void engineio_set_homes(struct engineio *e, unsigned first, unsigned n)
{
	e->home_first = first;
	e->home_n = n;
}

void engineio_set(struct engineio *e, const struct engineio_settings *settings)
{
	e->set = *settings;
}

void engineio_drain(struct engineio *e, int64_t deadline_us)
{
	int64_t now_us = loop_now_us(e->loop);
	int64_t span_us = deadline_us - now_us;

	e->drain_us = deadline_us;
	span_us = span_us <= 0 ? 1 : span_us - span_us / DRAIN_PART;
	for (unsigned i = 0; i < e->n_slots; i++) {
		struct engineio_session *s = e->slots[i];
		int64_t wait_us = (int64_t)rng_below((uint64_t)span_us);
		if (s == NULL || s->state != ENGINEIO_STANDS) {
			continue;
		}
		if (e->app->draining != NULL) {
			e->app->draining(e->arg, s, wait_us / 1000);
		}
		if (s->state == ENGINEIO_STANDS) {
			s->leave_us = now_us + wait_us;
			engineio_clock(s);
		}
	}
}
