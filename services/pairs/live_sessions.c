/*
 * Work and clocks. What has to read the database or to ask the store is done in tasks, of which
 * there are so many at a time and no more; what is ready to be done waits in a list. Few are begun
 * in each round of the loop, so that a storm of clients who return holds up nobody else.
 */
#include "services/pairs/live_sessions.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/ev/task.h"
#include "core/realtime/engineio.h"
#include "services/pairs/live_priv.h"

enum {
	BEGUN_PER_ROUND = 32,
	TICK_MS = 100,
};

/* clang-format off */
const struct metric_def live_metrics[LIVE_METRICS] = {
	[LIVE_MEMBERS] = { "pairs_live_sessions", METRIC_GAUGE, NULL,
		"Live sessions of members of couples." },
	[LIVE_ROOMS] = { "pairs_live_couples", METRIC_GAUGE, NULL,
		"Couples with live sessions, counted in each process." },
	[LIVE_TOLD] = { "pairs_live_told_total", METRIC_COUNTER, NULL,
		"Events told to live sessions as they happened." },
	[LIVE_REPLAYED] = { "pairs_live_replayed_total", METRIC_COUNTER, NULL,
		"Events told to sessions that came back." },
	[LIVE_RESYNCS] = { "pairs_live_resyncs_total", METRIC_COUNTER, NULL,
		"Sessions that came back too late to be told all, and read it for themselves." },
	[LIVE_GAPS] = { "pairs_live_gaps_total", METRIC_COUNTER, NULL,
		"Events that a process found in the database because nobody had told it." },
	[LIVE_EXPELLED] = { "pairs_live_expelled_total", METRIC_COUNTER, NULL,
		"Live sessions ended because the member signed out or the couple parted." },
};
/* clang-format on */
_Static_assert((int)LIVE_METRICS == (int)LIVE_CELLS, "a family for each cell");

/* ---- work ---- */

static void work_task(void *arg);

/* As much as may be begun now; the rest when the next one ends, or at the next tick. */
static void on_pump(uv_idle_t *pump)
{
	struct live *l = pump->data;
	struct list *node = NULL;
	bool is_good = true;

	for (unsigned i = 0; i < BEGUN_PER_ROUND && l->workers < LIVE_WORKERS_MAX &&
			     (node = list_pop(&l->ready)) != NULL;
	     i++) {
		struct live_work *w = LIST_OF(node, struct live_work, node);
		is_good = task_spawn(l->env->loop, work_task, w, DEADLINE_NONE, NULL) == ERR_OK;
		if (!is_good) {
			list_push(&l->ready, node);
			break;
		}
		l->n_ready--;
		l->workers++;
	}
	if (!is_good || l->workers == LIVE_WORKERS_MAX || list_is_empty(&l->ready)) {
		uv_idle_stop(pump);
	}
}

static void pump(struct live *l)
{
	if (!list_is_empty(&l->ready) && l->workers < LIVE_WORKERS_MAX) {
		uv_idle_start(&l->pump, on_pump);
	}
}

void live_begin(struct live *l, struct live_work *w)
{
	w->live = l;
	list_push(&l->ready, &w->node);
	l->n_ready++;
	pump(l);
	live_wind(l);
}

static void work_task(void *arg)
{
	struct live_work *w = arg;
	struct live *l = w->live;
	bool again = w->run(l, w);

	l->workers--;
	if (again) {
		live_begin(l, w);
	} else {
		pump(l);
	}
}

/* ---- the clock ---- */

static void on_tick(uv_timer_t *tick)
{
	struct live *l = tick->data;
	int64_t now_us = loop_now_us(l->env->loop);
	struct deadline *d;

	while ((d = deadline_pop(&l->heap, now_us)) != NULL) {
		live_room_look(l, LIST_OF(d, struct live_room, deadline));
	}
	pump(l);
	if (l->n_rooms == 0 && list_is_empty(&l->ready)) {
		uv_timer_stop(tick);
	}
}

void live_wind(struct live *l)
{
	if (uv_is_active((uv_handle_t *)&l->tick) == 0) {
		CHECK(uv_timer_start(&l->tick, on_tick, TICK_MS, TICK_MS) == 0);
	}
}

/* ---- what is told in this process ---- */

static void on_event(void *arg, const struct pairs_told *told)
{
	struct live *l = arg;
	struct live_room *r = live_room_find(l, told->couple);

	live_peers_event(l, told);
	if (r != NULL) {
		live_room_tell(l, r, told);
	}
}

static void on_signal(void *arg, const struct pairs_signal *signal)
{
	struct live *l = arg;
	struct live_room *r = live_room_find(l, signal->couple);

	live_peers_signal(l, signal);
	if (r != NULL) {
		live_room_signal(l, r, signal);
	}
}

static void on_recheck(void *arg, int64_t couple, int64_t user)
{
	struct live *l = arg;
	struct live_room *r = live_room_find(l, couple);

	live_peers_recheck(l, couple, user);
	if (r != NULL) {
		live_room_recheck(l, r);
	}
}

/* ---- begin and end ---- */

enum err live_new(struct svc_env *env, struct pairs_fanout *fanout, struct live **ret)
{
	struct live *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		return ERR_MEMORY;
	}
	l->env = env;
	l->buckets = calloc(LIVE_BUCKETS, sizeof(struct live_room *));
	if (l->buckets == NULL || deadline_init(&l->heap, ENGINEIO_SESSIONS_MAX) != ERR_OK) {
		free(l->buckets);
		free(l);
		return ERR_MEMORY;
	}
	list_init(&l->ready);
	l->holder = pairs_new_id();
	/* A process before this one may still be making changes that it cannot tell us. */
	l->alert_until_us =
	    loop_now_us(env->loop) + conf_ms(env->conf, "web", "drain") * 1000 + LIVE_ALERT_US;
	for (unsigned i = 0; i < LIVE_CELLS; i++) {
		l->cells[i] = metric_cell(env->metrics, &live_metrics[i], NULL);
	}
	metric_set(l->cells[LIVE_MEMBERS], 0);
	metric_set(l->cells[LIVE_ROOMS], 0);
	CHECK(uv_idle_init(loop_uv(env->loop), &l->pump) == 0);
	CHECK(uv_timer_init(loop_uv(env->loop), &l->tick) == 0);
	uv_unref((uv_handle_t *)&l->pump);
	uv_unref((uv_handle_t *)&l->tick);
	l->pump.data = l->tick.data = l;
	l->open_handles = 2;
	*fanout = (struct pairs_fanout){
		.arg = l, .event = on_event, .signal = on_signal, .recheck = on_recheck
	};
	*ret = l;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	struct live *l = handle->data;

	if (--l->open_handles == 0) {
		deadline_fini(&l->heap);
		free(l->buckets);
		free(l);
	}
}

void live_free(struct live **lp)
{
	struct live *l = *lp;

	*lp = NULL;
	if (l == NULL) {
		return;
	}
	uv_close((uv_handle_t *)&l->pump, on_closed);
	uv_close((uv_handle_t *)&l->tick, on_closed);
}

void live_drain(struct live *l)
{
	l->draining = true;
	/* Changes are made in processes that we do not hear of. */
	live_be_alert(l, INT64_MAX);
}
