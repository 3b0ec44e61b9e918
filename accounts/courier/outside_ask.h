/*
 * Role: courier. Questions to the server that the operator has named (accounts/outside.h).
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_OUTSIDE_ASK_H
#define PLIMSOLL_ACCOUNTS_COURIER_OUTSIDE_ASK_H

#include "accounts/courier/curl_loop.h"
#include "core/rpc/rpc.h"
#include "core/service.h"

enum {
	OUTSIDE_PARALLEL = 64
};

/* Begins to answer a request of accounts_outside; *n_running counts those under way. */
void outside_ask(
    struct svc_env *env, struct curl_loop *curl, unsigned *n_running, struct rpc_request *q);

/* Nobody waits for it any more: it runs to its end, and is thrown away. */
void outside_cancel(struct rpc_request *q);

#endif
