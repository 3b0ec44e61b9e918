/*
 * The counters of a process' pools and of its server in the metrics block, so that calls between
 * roles are seen like requests of clients.
 */
#ifndef PLIMSOLL_RPC_RPC_CELLS_H
#define PLIMSOLL_RPC_RPC_CELLS_H

#include "core/obs/metric.h"
#include "core/rpc/rpc.h"

enum {
	RPC_COUNTED = 10 /* members of struct rpc_stats */
};

struct rpc_cells {
	_Atomic int64_t *calls[ROLE_COUNT][RPC_COUNTED]; /* by the role that is called */
	_Atomic int64_t *served[RPC_COUNTED];
	struct rpc_stats calls_before[ROLE_COUNT], served_before; /* counted already */
};

/* The families; part of every schema. */
void rpc_metric_schema(struct metric_schema *schema);

void rpc_cells_find(struct rpc_cells *c, const struct metrics *m);

/* Adds what has come since the last time. peer is indexed by role, NULL where there is no pool; s
 * may be NULL. */
void rpc_cells_update(
    struct rpc_cells *c, struct rpc_pool *const peer[ROLE_COUNT], const struct rpc_server *s);

#endif
