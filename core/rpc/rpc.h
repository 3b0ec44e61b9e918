/*
 * Calls between roles: length-prefixed frames on Unix stream socketpairs. One row per message says
 * who may send it to whom, how large it may be and how long it may take. Every request carries a
 * deadline and a trace id; every reply carries the callee's queue state. Calls are asynchronous
 * (a task waits); credits bound what is in flight. A callee that dies fails its callers at once.
 */
#ifndef PLIMSOLL_RPC_RPC_H
#define PLIMSOLL_RPC_RPC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/role_id.h"
#include "core/base/slice.h"
#include "core/ev/loop.h"

enum rpc_flags {
	RPC_IDEMPOTENT = 1, /* may be sent again when the peer died with the outcome unknown */
	RPC_TXN = 2, /* a transaction function: runs inside the store's group commit */
};

struct rpc_call_info {
	enum role_id from;
	int64_t deadline_us; /* monotonic; the callee need not start after it */
	uint64_t trace; /* identifies the client's request in all logs */
};

/*
 * Handles one request in the callee. role_state is what the callee's role gave to its server
 * (accounts and services get a struct svc_env, see core/service.h). Appends the reply; returning an
 * error sends only the error, with note's text. req is valid during the call.
 */
typedef enum err rpc_fn(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note);

struct rpc_def {
	const char *name; /* "identity.cert_sign"; unique */
	uint32_t from; /* ROLE_BIT mask of who may send it */
	enum role_id to;
	uint32_t max_req, max_rep; /* bytes of payload */
	uint32_t deadline_ms; /* the longest that a caller waits */
	uint32_t cost_us; /* first guess of the callee's time per call; measured afterwards */
	uint32_t flags; /* enum rpc_flags */
	rpc_fn *handle;
};

/* All rows of a process; a type number on the wire is the index here, the same in all roles. */
struct rpc_registry {
	const struct rpc_def *const *defs;
	unsigned n;
};

/* ---- caller ---- */

struct rpc_pool; /* the channels to all processes of one role */

NODISCARD enum err rpc_pool_new(
    struct loop *l, const struct rpc_registry *reg, enum role_id self, enum role_id to,
    unsigned credits_per_channel, struct rpc_pool **ret);
void rpc_pool_free(struct rpc_pool **p);

/*
 * Adds a connected socket to instance of the role; takes fd. A channel for the same instance that
 * is still there is replaced, its calls fail. Also used when the supervisor has restarted a peer.
 */
NODISCARD enum err rpc_pool_add(struct rpc_pool *p, unsigned instance, int fd);

/*
 * Calls from the running task and waits for the reply, until deadline_us, the row's deadline or the
 * task's, whichever is first. Chooses the channel with the shortest expected wait. *ret_reply
 * (NULL allowed) is copied into arena.
 * Errors: what the callee returned (text in note); ERR_TOO_BUSY: no credit or the callee refused;
 * ERR_DEADLINE; ERR_CANCELLED (the callee is told); ERR_PEER_GONE: nothing was sent, or the row is
 * idempotent and retries did not help; ERR_OUTCOME_UNKNOWN: died after it was sent.
 */
NODISCARD enum err rpc_call(struct rpc_pool *p, const struct rpc_def *def, struct slice req,
    int64_t deadline_us, uint64_t trace, struct arena *arena, struct slice *ret_reply,
    struct err_note *note);

/* Expected wait for new work in microseconds at the least loaded peer; INT64_MAX with no peer. */
int64_t rpc_pool_expected_wait_us(const struct rpc_pool *p);

/* Peers that are connected now. */
unsigned rpc_pool_connected(const struct rpc_pool *p);

/* ---- callee ---- */

struct rpc_server;
struct rpc_request; /* one request waiting for its reply */

struct rpc_request_view {
	const struct rpc_def *def;
	struct rpc_call_info info;
	struct slice payload; /* valid until rpc_reply() */
	int64_t arrived_us;
};

/* What to do with a request that has been checked against its row. Takes q; ends in rpc_reply(). */
typedef void rpc_execute_fn(void *arg, struct rpc_request *q);
/* The caller has given up on q: skip it if it has not begun (and rpc_reply() with ERR_CANCELLED). */
typedef void rpc_cancel_fn(void *arg, struct rpc_request *q);

struct rpc_executor {
	rpc_execute_fn *execute; /* NULL: call def->handle(role_state) at once on the loop */
	rpc_cancel_fn *cancel; /* may be NULL */
	void *arg;
	void *role_state; /* handed to handlers when execute is NULL */
};

NODISCARD enum err rpc_server_new(struct loop *l, const struct rpc_registry *reg, enum role_id self,
    const struct rpc_executor *ex, struct rpc_server **ret);
void rpc_server_free(struct rpc_server **s);

/* Serves requests of a peer process on fd; takes fd. peer is checked against each row's from. */
NODISCARD enum err rpc_server_add(struct rpc_server *s, enum role_id peer, int fd);

/* Queue state put into every reply from now on: requests waiting and expected wait of a new one. */
void rpc_server_set_queue(struct rpc_server *s, uint32_t waiting, int64_t expected_wait_us);

/* Requests accepted but not yet replied to. */
unsigned rpc_server_in_flight(const struct rpc_server *s);

struct rpc_request_view rpc_request_view(const struct rpc_request *q);

/* For executors that queue: a node to link q with. */
struct list *rpc_request_node(struct rpc_request *q);
struct rpc_request *rpc_request_of(struct list *node);

/* Sends the outcome and frees q. A caller that is gone or has cancelled gets nothing. */
void rpc_reply(struct rpc_request *q, enum err e, struct slice reply, const struct err_note *note);

#endif
