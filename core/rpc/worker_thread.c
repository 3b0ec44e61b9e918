/*
 * The worker thread: takes the next job that is worth running, runs it, again. It asks nobody, so
 * it idles only when nothing waits.
 */
#include "core/base/clock.h"
#include "core/rpc/worker_priv.h"

int64_t worker_wait_us(const struct rpc_worker *w, int64_t now_us)
{
	int64_t sum_us = 0;

	if (w->running != NULL) {
		sum_us = w->running->row->cost.mean_us - (now_us - w->running_since_us);
		sum_us = sum_us < 0 ? 0 : sum_us;
	}
	for (unsigned i = 0; w->n_waiting > 0 && i < w->reg->n; i++) {
		sum_us += w->rows[i].waiting * w->rows[i].cost.mean_us;
	}
	return sum_us;
}

void worker_leave_queue(struct rpc_worker *w, struct worker_job *j)
{
	list_remove(&j->node);
	j->queued = false;
	w->n_waiting--;
	j->row->waiting--;
}

/* ---- on the thread ---- */

static void handle(struct rpc_worker *w, struct worker_job *j)
{
	const struct rpc_def *def = j->view.def;
	const int64_t begin_us = clock_mono_us(), begin_cpu_us = clock_thread_cpu_us();

	j->e = def->handle(w->role_state, &j->view.info, j->view.payload, &j->reply, &j->note);
	if (j->e == ERR_OK && j->reply.failed) {
		j->e = err_note_set(&j->note, ERR_LIMIT, "%s: the reply is larger than %u bytes",
		    def->name, def->max_rep);
	}
	j->run_us = clock_mono_us() - begin_us;
	j->run_us = j->run_us < 1 ? 1 : j->run_us;
	j->cpu_us = clock_thread_cpu_us() - begin_cpu_us;
}

/* The next job that is worth running, out of the queue; NULL when there is none. */
static struct worker_job *take_next(struct rpc_worker *w, int64_t now_us)
{
	while (!list_is_empty(&w->waiting)) {
		struct worker_job *j = LIST_OF(w->waiting.next, struct worker_job, node);
		worker_leave_queue(w, j);
		if (now_us < j->view.info.deadline_us) {
			return j;
		}
		j->e = ERR_DEADLINE;
		list_push(&w->done, &j->node);
		uv_async_send(&w->finished);
	}
	return NULL;
}

void worker_thread_main(void *arg)
{
	struct rpc_worker *w = arg;

	uv_mutex_lock(&w->lock);
	while (!w->ending) {
		w->running_since_us = clock_mono_us();
		struct worker_job *j = w->running = take_next(w, w->running_since_us);
		if (j == NULL) {
			uv_cond_wait(&w->changed, &w->lock);
			continue;
		}
		uv_mutex_unlock(&w->lock);
		handle(w, j);
		uv_mutex_lock(&w->lock);
		w->running = NULL;
		w->ran_us += j->run_us;
		cost_meter_record(&j->row->cost, j->run_us);
		list_push(&w->done, &j->node);
		uv_async_send(&w->finished);
	}
	uv_mutex_unlock(&w->lock);
}
