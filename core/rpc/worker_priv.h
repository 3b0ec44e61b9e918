/*
 * What worker.c (the loop's side) and worker_thread.c (the thread's) share. One mutex guards all
 * that both touch; handlers run outside of it. A job goes waiting -> running -> done on the lists:
 * the thread moves it and wakes the loop, the loop answers.
 */
#ifndef PLIMSOLL_RPC_WORKER_PRIV_H
#define PLIMSOLL_RPC_WORKER_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/list.h"
#include "core/grace/meter.h"
#include "core/rpc/worker.h"

struct worker_row {
	struct cost_meter cost;
	unsigned waiting;
};

struct worker_job {
	struct list node; /* in waiting or done, or alone while it runs; in idle */
	struct rpc_request *q;
	struct rpc_request_view view;
	struct worker_row *row;
	bool queued; /* in waiting */
	enum err e;
	int64_t run_us; /* 0: it did not run */
	int64_t cpu_us; /* of that, on a processor */
	struct buf reply;
	struct err_note note;
};

struct rpc_worker {
	const struct rpc_registry *reg;
	struct rpc_server *server;
	void *role_state;
	rpc_worker_state_fn *on_state;
	void *on_state_arg;
	unsigned queue_max;
	struct list idle; /* the loop's own */
	unsigned n_idle;
	uv_async_t finished; /* something is in done */
	uv_thread_t thread;
	bool started;
	uv_mutex_t lock;   /* guards all below */
	uv_cond_t changed; /* something is in waiting, or ending was set */
	bool ending;
	struct list waiting, done;
	unsigned n_waiting;
	struct worker_job *running;
	int64_t running_since_us, ran_us;
	struct worker_row rows[]; /* as the registry */
};

/*
 * Expected wait of a new request: the sum of the rows' mean costs over what waits, and what
 * probably remains of the running job. The caller holds the lock.
 */
int64_t worker_wait_us(const struct rpc_worker *w, int64_t now_us);

/* Takes a queued job out of the queue. The caller holds the lock. */
void worker_leave_queue(struct rpc_worker *w, struct worker_job *j);

/* The thread; arg is the worker. */
void worker_thread_main(void *arg);

#endif
