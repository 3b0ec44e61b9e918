/*
 * Roles: compute, files and media. compute runs what takes many milliseconds of processor time
 * (password hashes), files what waits for the disk or reads strangers' archives (blobs), media
 * waits for the program that decodes a picture; each one job at a time on a worker thread, while
 * the loop reads, refuses and answers. One process does one job; the callers choose the process
 * with the shortest wait.
 */
#include "core/base/check.h"
#include "core/role/roles.h"
#include "core/rpc/worker.h"

/* On the loop, whenever the queue has changed: for admin, and for "plimsoll status". */
static void publish(void *arg, const struct rpc_worker_state *state)
{
	struct metric_slot *slot = metrics_own_slot(((struct role_ctx *)arg)->env.metrics);

	metric_set(&slot->queue_len, state->waiting);
	metric_set(&slot->queue_wait_us, state->wait_us);
	metric_set(&slot->busy, state->busy ? 1 : 0);
	metric_set(&slot->busy_us, state->ran_us);
}

static unsigned queue_max(const struct role_ctx *r)
{
	return (unsigned)conf_int(r->env.conf, role_table[r->env.role].instances_key, "queue_max");
}

static enum err compute_role_start(struct role_ctx *r, struct err_note *note)
{
	struct rpc_worker *worker = NULL;
	enum err e =
	    rpc_worker_new(r->env.loop, &r->registry, &r->env, queue_max(r), publish, r, &worker);

	if (e != ERR_OK) {
		return err_note_set(note, e, "worker: %s", err_text(e));
	}
	const struct rpc_executor executor = rpc_worker_executor(worker);
	e = rpc_server_new(r->env.loop, &r->registry, r->env.role, &executor, &r->server);
	if (e != ERR_OK) {
		rpc_worker_free(&worker);
		return err_note_set(note, e, "RPC server: %s", err_text(e));
	}
	rpc_worker_set_server(worker, r->server);
	r->role_data = worker;
	r->counts_busy = true;
	return ERR_OK;
}

/* The worker thread is born with the sandbox that is closed by now. */
static enum err compute_role_prepare(struct role_ctx *r, struct err_note *note)
{
	enum err e = rpc_worker_start(r->role_data);

	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "worker thread: %s", err_text(e));
}

static void compute_role_reload(struct role_ctx *r)
{
	rpc_worker_set_queue_max(r->role_data, queue_max(r));
}

/* Draining is the RPC server's: it finishes what is queued and refuses the rest. */
static void compute_role_stop(struct role_ctx *r)
{
	struct rpc_worker *worker = r->role_data;

	r->role_data = NULL;
	rpc_worker_free(&worker);
}

const struct role_ops compute_role_ops = {
	.start = compute_role_start,
	.prepare = compute_role_prepare,
	.reload = compute_role_reload,
	.stop = compute_role_stop,
};
