/*
 * An executor that runs handlers one at a time on a thread of its own, for callees whose requests
 * take many milliseconds of processor time. The loop stays free to read, refuse and answer; the
 * thread takes the next job itself, so it never idles while something waits.
 *
 * The queue is bounded in number and, what counts for users, in time: a request that could not be
 * done by its deadline, as far as the measured costs tell, is refused at once with ERR_TOO_BUSY.
 * Requests that were cancelled or whose deadline has passed leave the queue without being run.
 *
 * Handlers run beside the loop: they may use only their arguments and what does not change while
 * the process serves, and they do not log.
 */
#ifndef PLIMSOLL_RPC_WORKER_H
#define PLIMSOLL_RPC_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ev/loop.h"
#include "core/rpc/rpc.h"

struct rpc_worker;

struct rpc_worker_state {
	unsigned waiting; /* requests in the queue */
	int64_t wait_us;  /* expected wait of a new request */
	bool busy;	  /* a handler runs or is about to */
	int64_t ran_us;	  /* handlers have run so long, in all */
};

/* Called on the loop whenever the state has changed; may be NULL. */
typedef void rpc_worker_state_fn(void *arg, const struct rpc_worker_state *state);

/*
 * Makes the executor; no thread yet, requests queue up. role_state goes to the handlers, arg to
 * on_state. reg is kept. ERR_MEMORY, ERR_SYSTEM.
 */
NODISCARD enum err rpc_worker_new(struct loop *l, const struct rpc_registry *reg, void *role_state,
    unsigned queue_max, rpc_worker_state_fn *on_state, void *arg, struct rpc_worker **ret);

/*
 * Starts the thread. Separate from new because a thread has the sandbox of its moment of birth:
 * roles call this after theirs has closed. ERR_SYSTEM.
 */
NODISCARD enum err rpc_worker_start(struct rpc_worker *w);

/* For rpc_server_new(); then tell the worker its server, which must be there before requests come.
 */
struct rpc_executor rpc_worker_executor(struct rpc_worker *w);
void rpc_worker_set_server(struct rpc_worker *w, struct rpc_server *s);

void rpc_worker_set_queue_max(struct rpc_worker *w, unsigned queue_max);

/*
 * Waits for the running handler, answers what waits with ERR_DRAINING, ends the thread. Call it
 * before rpc_server_free(); the loop must run once more to close the handle.
 */
void rpc_worker_free(struct rpc_worker **w);

#endif
