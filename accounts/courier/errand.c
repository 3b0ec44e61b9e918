/*
 * See errand.h.
 */
#include "accounts/courier/errand.h"

#include <stdlib.h>

#include "core/ev/task.h"

struct errand {
	struct svc_env *env;
	unsigned *n_running;
	struct rpc_request *q;
	struct task *task;
};

static void run(void *arg)
{
	struct errand *w = arg;
	const struct rpc_request_view v = rpc_request_view(w->q);
	struct buf reply = buf_new(v.def->max_rep);
	struct err_note note = { 0 };
	enum err e = v.def->handle(w->env, &v.info, v.payload, &reply, &note);

	if (e == ERR_OK && reply.failed) {
		e = ERR_LIMIT;
	}
	rpc_reply(w->q, e, buf_slice(&reply), &note);
	(*w->n_running)--;
	buf_free(&reply);
	free(w);
}

void errand_begin(struct svc_env *env, unsigned *n_running, struct rpc_request *q)
{
	struct errand *w = calloc(1, sizeof(*w));

	if (w == NULL) {
		rpc_reply(q, ERR_MEMORY, SLICE_EMPTY, NULL);
		return;
	}
	*w = (struct errand){ .env = env, .n_running = n_running, .q = q };
	if (task_spawn(env->loop, run, w, DEADLINE_NONE, &w->task) != ERR_OK) {
		rpc_reply(q, ERR_TOO_BUSY, SLICE_EMPTY, NULL);
		free(w);
		return;
	}
	rpc_request_set_data(q, w);
	(*n_running)++;
}

void errand_cancel(struct rpc_request *q)
{
	task_cancel(((struct errand *)rpc_request_data(q))->task);
}
