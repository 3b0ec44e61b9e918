/*
 * What pool.c (peers, replies, load) and call.c (the life of one call) share.
 */
#ifndef PLIMSOLL_RPC_POOL_PRIV_H
#define PLIMSOLL_RPC_POOL_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/list.h"
#include "core/ev/task.h"
#include "core/grace/meter.h"
#include "core/rpc/channel.h"
#include "core/rpc/rpc.h"

enum {
	RPC_MAX_INSTANCES = RPC_LOCAL_INSTANCES + 1,
	RPC_HANDOVER_US = 300000, /* a restarted peer's socket should be here by then */
};

struct rpc_peer;

enum rpc_wait_state {
	RPC_WAITING,
	RPC_ANSWERED,	 /* status and reply, or text, are filled in */
	RPC_LOST_UNSENT, /* the peer died; it cannot have had the whole request */
	RPC_LOST_SENT,	 /* the peer died with the request */
};

/* Where the result of a call goes; on the stack of the waiting task. */
struct rpc_wait {
	enum rpc_wait_state state;
	struct task *task;
	struct arena *arena; /* for the reply */
	bool wants_reply;
	enum err status;
	struct slice reply;
	char text[RPC_NOTE_BYTES + 1]; /* what the callee said about an error */
};

/*
 * One credit of a channel: a request in flight. It lives until the callee has replied, even if
 * nobody waits any more, so that a callee that hangs cannot be sent more than its credits.
 */
struct rpc_slot {
	struct list node; /* in peer->unseen, peer->seen or peer->idle */
	struct rpc_peer *peer;
	struct rpc_wait *wait; /* NULL: nobody waits */
	bool in_flight;
	uint32_t generation; /* of this use of the slot */
	uint32_t seq;	     /* number of its request on the channel */
	unsigned type;
	uint64_t end;	 /* stream offset behind its request */
	int64_t cost_us; /* expected when it was sent */
};

/* The channel to one process of the role. */
struct rpc_peer {
	struct rpc_pool *pool;
	unsigned instance;
	struct rpc_channel *channel;
	bool draining;	    /* has refused a request with ERR_DRAINING: it is about to end */
	bool closed;	    /* its last report was RPC_WAIT_CLOSED, or it has made none yet */
	struct list unseen; /* in flight, not in the callee's last report; in order of sending */
	struct list seen;   /* in flight, in the last report */
	struct list idle;   /* free slots */
	unsigned in_flight;
	uint32_t seq;				  /* requests sent */
	int64_t unseen_us;			  /* sum of cost_us in unseen */
	int64_t reported_wait_us, reported_at_us; /* the callee's last word */
	struct rpc_slot slots[];
};

struct rpc_pool {
	struct loop *loop;
	const struct rpc_registry *reg;
	enum role_id self, to;
	unsigned credits;
	struct rpc_peer *peers[RPC_MAX_INSTANCES]; /* by instance; NULL: not connected */
	unsigned next;		    /* where the search for a peer starts, so that ties rotate */
	int64_t lost_us;	    /* when the last peer went away, or the pool began */
	struct list waiters;	    /* struct rpc_waiter: tasks waiting for a peer to appear */
	struct cost_meter *cost;    /* per row of the registry */
	struct cost_meter any_cost; /* over all rows, as they come */
	struct cost_meter any_cpu;  /* of that, on a processor */
	struct rpc_stats stats;
};

/* A task that waits for any peer to be added; on its stack. */
struct rpc_waiter {
	struct list node;
	struct task *task;
};

/* The usable peer with the shortest expected wait and a credit left, or NULL. */
struct rpc_peer *rpc_pool_choose(struct rpc_pool *p);

/* Takes a credit and queues the request; wait is filled in when it ends. ERR_MEMORY. */
NODISCARD enum err rpc_peer_send(struct rpc_peer *peer, const struct rpc_frame *request,
    struct rpc_wait *wait, struct rpc_slot **ret);

/* The caller gives up: tells the callee; wait is not touched any more. */
void rpc_slot_abandon(struct rpc_slot *slot, uint64_t trace);

#endif
