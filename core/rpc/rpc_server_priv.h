/*
 * What rpc_server.c (callers, frames, the end) and rpc_request.c (requests and their answers)
 * share.
 */
#ifndef PLIMSOLL_RPC_RPC_SERVER_PRIV_H
#define PLIMSOLL_RPC_RPC_SERVER_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/list.h"
#include "core/rpc/channel.h"
#include "core/rpc/loop_executor.h"
#include "core/rpc/rpc.h"

/* One calling process. */
struct rpc_caller {
	struct list node; /* in server->callers */
	struct rpc_server *server;
	enum role_id role;
	struct rpc_channel *channel;
	struct list requests; /* not answered yet */
	unsigned in_flight;
	uint32_t seen; /* requests received */
};

struct rpc_request {
	struct list node;      /* the executor's */
	struct list of_caller; /* in caller->requests, or in server->idle */
	struct rpc_server *server;
	struct rpc_caller *caller; /* NULL: gone */
	bool cancelled;
	unsigned type;
	uint64_t id;
	struct rpc_call_info info;
	int64_t arrived_us;
	uint32_t run_us;
	uint16_t cpu_permille;
	struct buf payload;
	void *data;
};

struct rpc_server {
	struct loop *loop;
	const struct rpc_registry *reg;
	enum role_id self;
	struct rpc_executor ex;
	struct loop_executor *on_loop; /* if the role brought no executor */
	struct list callers;
	struct list idle; /* recycled requests */
	unsigned n_idle, in_flight;
	uint32_t waiting; /* queue state of the next reply */
	int64_t wait_us;
	uv_prepare_t drain;
	bool draining;
	void (*drained)(void *arg);
	void *drained_arg;
	struct rpc_stats stats;
};

/* A request with a copy of f's payload, in flight from now on; NULL without memory. */
struct rpc_request *rpc_request_new(struct rpc_caller *caller, const struct rpc_frame *f);
void rpc_request_free(struct rpc_request *q);

/* Answers a request that does not begin. */
void rpc_refuse(struct rpc_caller *caller, const struct rpc_frame *request, enum err e);

#endif
