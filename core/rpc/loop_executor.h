/*
 * The executor for callees whose handlers are short (some hundred microseconds): requests wait in
 * one queue for all channels and run on the loop in order of arrival, in slices of 1 ms. Between
 * slices the loop sends the replies and reads on, so that cancellations and deadlines count and
 * nobody waits for the end of a long burst. The queue is bounded by the callers' credits.
 * Private to core/rpc.
 */
#ifndef PLIMSOLL_RPC_LOOP_EXECUTOR_H
#define PLIMSOLL_RPC_LOOP_EXECUTOR_H

#include "core/base/err.h"
#include "core/rpc/rpc.h"

struct loop_executor;

/* role_state goes to the handlers. */
NODISCARD enum err loop_executor_new(struct loop *l, const struct rpc_registry *reg,
    struct rpc_server *server, void *role_state, struct loop_executor **ret);

/* No request may be left in it. Sets *x to NULL; NULL inside is allowed. */
void loop_executor_free(struct loop_executor **x);

/* What the server calls; its arg is the executor. */
struct rpc_executor loop_executor_ops(struct loop_executor *x);

#endif
