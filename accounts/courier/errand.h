/*
 * Role: courier. Requests whose handlers wait (RPC_TASK): each runs in a task of its own and is
 * answered at its end. What they wait for is the handlers' to bound.
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_ERRAND_H
#define PLIMSOLL_ACCOUNTS_COURIER_ERRAND_H

#include "core/service.h"

/* Takes q. *n_running counts those that have not been answered. */
void errand_begin(struct svc_env *env, unsigned *n_running, struct rpc_request *q);

/* Nobody waits for it any more: its task is cancelled, and answers when it has noticed. */
void errand_cancel(struct rpc_request *q);

#endif
