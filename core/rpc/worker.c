/*
 * The loop's side of a worker: admission, answers, cancellation, life.
 *
 * A request is refused when its expected wait plus its own mean cost ends behind its deadline. An
 * idle worker accepts anything: else one slow run could raise a mean for ever, with nothing to
 * measure it again.
 */
#include "core/rpc/worker.h"

#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/rpc/worker_priv.h"

enum {
	IDLE_JOBS_MAX = 64,	/* recycled ones */
	KEEP_BYTES = 64 * 1024, /* reply memory that a recycled job may keep */
};

static void publish(struct rpc_worker *w)
{
	if (w->server == NULL) {
		return; /* ended before it had one */
	}
	uv_mutex_lock(&w->lock);
	const int64_t now_us = clock_mono_us();
	const int64_t running_us = w->running != NULL ? now_us - w->running_since_us : 0;
	const struct rpc_worker_state state = {
		.waiting = w->n_waiting,
		.wait_us = worker_wait_us(w, now_us),
		.busy = w->running != NULL || w->n_waiting > 0,
		.ran_us = w->ran_us + running_us,
	};
	uv_mutex_unlock(&w->lock);
	rpc_server_set_queue(w->server, state.waiting, state.wait_us);
	if (w->on_state != NULL) {
		w->on_state(w->on_state_arg, &state);
	}
}

static struct worker_row *row_of(struct rpc_worker *w, const struct rpc_def *def)
{
	for (unsigned i = 0; i < w->reg->n; i++) {
		if (w->reg->defs[i] == def) {
			return &w->rows[i];
		}
	}
	return NULL;
}

static struct worker_job *job_new(struct rpc_worker *w, struct rpc_request *q)
{
	struct list *recycled = list_pop(&w->idle);
	struct worker_job *j = NULL;

	if (recycled != NULL) {
		j = LIST_OF(recycled, struct worker_job, node);
		w->n_idle--;
	} else if ((j = calloc(1, sizeof(*j))) == NULL) {
		return NULL;
	}
	list_init(&j->node);
	j->q = q;
	j->view = rpc_request_view(q);
	j->e = ERR_OK;
	j->run_us = 0;
	j->note = (struct err_note){ 0 };
	buf_clear(&j->reply);
	j->reply.max = j->view.def->max_rep;
	j->queued = false;
	j->row = row_of(w, j->view.def);
	CHECK(j->row != NULL);
	return j;
}

static void job_free(struct rpc_worker *w, struct worker_job *j)
{
	if (j->reply.cap > KEEP_BYTES) {
		buf_free(&j->reply);
	}
	if (w->n_idle < IDLE_JOBS_MAX) {
		list_push(&w->idle, &j->node);
		w->n_idle++;
		return;
	}
	buf_free(&j->reply);
	free(j);
}

static void answer(struct rpc_worker *w, struct worker_job *j)
{
	if (j->run_us > 0) {
		rpc_request_ran(j->q, j->run_us);
		rpc_request_had_cpu(j->q, j->cpu_us);
	}
	rpc_reply(j->q, j->e, buf_slice(&j->reply), &j->note);
	job_free(w, j);
}

static void on_finished(uv_async_t *async)
{
	struct rpc_worker *w = async->data;
	struct list *node = NULL;

	publish(w);
	do {
		uv_mutex_lock(&w->lock);
		node = list_pop(&w->done);
		uv_mutex_unlock(&w->lock);
		if (node != NULL) {
			answer(w, LIST_OF(node, struct worker_job, node));
		}
	} while (node != NULL);
}

/* May j join the queue, as far as its own deadline goes? */
static enum err admit(const struct rpc_worker *w, const struct worker_job *j, struct err_note *note)
{
	const int64_t now_us = clock_mono_us();
	const int64_t wait_us = worker_wait_us(w, now_us);
	const int64_t left_us = j->view.info.deadline_us - now_us;
	const bool is_idle = w->running == NULL && w->n_waiting == 0;

	if (w->n_waiting >= w->queue_max) {
		return err_note_set(note, ERR_TOO_BUSY, "%s: %u requests wait already",
		    j->view.def->name, w->n_waiting);
	}
	if (!is_idle && wait_us + j->row->cost.mean_us > left_us) {
		return err_note_set(note, ERR_TOO_BUSY,
		    "%s: it would take %lld ms, the time left is %lld ms", j->view.def->name,
		    (long long)((wait_us + j->row->cost.mean_us) / 1000),
		    (long long)(left_us / 1000));
	}
	return ERR_OK;
}

static void execute(void *arg, struct rpc_request *q)
{
	struct rpc_worker *w = arg;
	struct worker_job *j = job_new(w, q);

	if (j == NULL) {
		rpc_reply(q, ERR_MEMORY, SLICE_EMPTY, NULL);
		return;
	}
	uv_mutex_lock(&w->lock);
	enum err refused = admit(w, j, &j->note);
	if (refused == ERR_OK) {
		rpc_request_set_data(q, j);
		list_push(&w->waiting, &j->node);
		j->queued = true;
		w->n_waiting++;
		j->row->waiting++;
		uv_cond_signal(&w->changed);
	}
	uv_mutex_unlock(&w->lock);
	publish(w);
	/* An admitted job belongs to the thread by now. */
	if (refused != ERR_OK) {
		j->e = refused;
		answer(w, j);
	}
}

/* A running job runs to its end: a thread cannot be stopped. The server drops its result. */
static void cancel(void *arg, struct rpc_request *q)
{
	struct rpc_worker *w = arg;
	struct worker_job *j = rpc_request_data(q);

	uv_mutex_lock(&w->lock);
	const bool was_queued = j->queued;
	if (was_queued) {
		worker_leave_queue(w, j);
		j->e = ERR_CANCELLED;
	}
	uv_mutex_unlock(&w->lock);
	if (was_queued) {
		publish(w);
		answer(w, j);
	}
}

struct rpc_executor rpc_worker_executor(struct rpc_worker *w)
{
	return (struct rpc_executor){ .execute = execute, .cancel = cancel, .arg = w };
}

void rpc_worker_set_server(struct rpc_worker *w, struct rpc_server *s)
{
	w->server = s;
}

void rpc_worker_set_queue_max(struct rpc_worker *w, unsigned queue_max)
{
	uv_mutex_lock(&w->lock);
	w->queue_max = queue_max;
	uv_mutex_unlock(&w->lock);
}

/* ---- life ---- */

enum err rpc_worker_new(struct loop *l, const struct rpc_registry *reg, void *role_state,
    unsigned queue_max, rpc_worker_state_fn *on_state, void *arg, struct rpc_worker **ret)
{
	struct rpc_worker *w = calloc(1, sizeof(*w) + reg->n * sizeof(w->rows[0]));

	if (w == NULL) {
		return ERR_MEMORY;
	}
	if (uv_async_init(loop_uv(l), &w->finished, on_finished) != 0) {
		free(w);
		return ERR_SYSTEM;
	}
	w->finished.data = w;
	w->reg = reg;
	w->role_state = role_state;
	w->queue_max = queue_max;
	w->on_state = on_state;
	w->on_state_arg = arg;
	list_init(&w->idle);
	list_init(&w->waiting);
	list_init(&w->done);
	CHECK(uv_mutex_init(&w->lock) == 0 && uv_cond_init(&w->changed) == 0);
	for (unsigned i = 0; i < reg->n; i++) {
		cost_meter_init(&w->rows[i].cost, reg->defs[i]->cost_us);
	}
	*ret = w;
	return ERR_OK;
}

enum err rpc_worker_start(struct rpc_worker *w)
{
	if (uv_thread_create(&w->thread, worker_thread_main, w) != 0) {
		return ERR_SYSTEM;
	}
	w->started = true;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void stop_thread(struct rpc_worker *w)
{
	uv_mutex_lock(&w->lock);
	w->ending = true;
	uv_cond_signal(&w->changed);
	uv_mutex_unlock(&w->lock);
	if (w->started) {
		CHECK(uv_thread_join(&w->thread) == 0);
	}
}

void rpc_worker_free(struct rpc_worker **wp)
{
	struct rpc_worker *w = *wp;

	*wp = NULL;
	if (w == NULL) {
		return;
	}
	stop_thread(w);
	while (!list_is_empty(&w->waiting)) {
		struct worker_job *j = LIST_OF(w->waiting.next, struct worker_job, node);
		worker_leave_queue(w, j);
		j->e = ERR_DRAINING;
		answer(w, j);
	}
	on_finished(&w->finished);
	for (struct list *node; (node = list_pop(&w->idle)) != NULL;) {
		struct worker_job *j = LIST_OF(node, struct worker_job, node);
		buf_free(&j->reply);
		free(j);
	}
	uv_mutex_destroy(&w->lock);
	uv_cond_destroy(&w->changed);
	uv_close((uv_handle_t *)&w->finished, on_closed);
}
