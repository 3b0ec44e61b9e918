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
	RPC_TXN = 2,	    /* a transaction function: runs inside the store's group commit */
	RPC_TASK = 4,	    /* the courier's: its handler waits, in a task of its own */
};

struct rpc_call_info {
	enum role_id from;
	int64_t deadline_us; /* monotonic; the callee need not start after it */
	uint64_t trace;	     /* identifies the client's request in all logs */
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
	uint32_t from;	  /* ROLE_BIT mask of who may send it */
	enum role_id to;
	uint32_t max_req, max_rep; /* bytes of payload */
	uint32_t deadline_ms;	   /* the longest that a caller waits */
	uint32_t cost_us; /* first guess of the callee's time per call; measured afterwards */
	uint32_t flags;	  /* enum rpc_flags */
	rpc_fn *handle;
};

/* All rows of a process; a type number on the wire is the index here, the same in all roles. */
struct rpc_registry {
	const struct rpc_def *const *defs;
	unsigned n;
};

/* ---- caller ---- */

struct rpc_pool; /* the channels to all processes of one role */

enum {
	RPC_MAX_CREDITS = 1024,
	RPC_LOCAL_INSTANCES = 64, /* most processes of one role on this machine */
	/*
	 * The instance number of whoever stands for the processes of the role on other machines.
	 * Nothing is sent to it before it has said that there are any.
	 */
	RPC_ELSEWHERE = RPC_LOCAL_INSTANCES,
};

/* As the expected wait of a callee: it takes no work until it says otherwise. */
#define RPC_WAIT_CLOSED INT64_MAX

/* reg is kept. credits_per_channel: 1..RPC_MAX_CREDITS requests in flight. */
NODISCARD enum err rpc_pool_new(struct loop *l, const struct rpc_registry *reg, enum role_id self,
    enum role_id to, unsigned credits_per_channel, struct rpc_pool **ret);
/* No task may be inside rpc_call(). The loop must run once more to close the handles. */
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
 * a callee's ERR_PEER_GONE says that whoever it left the work to is gone, and is taken like its own
 * death: another peer is tried if the row is idempotent.
 * ERR_DEADLINE; ERR_CANCELLED (the callee is told); ERR_PEER_GONE: nothing was sent, or the row is
 * idempotent and retries did not help; ERR_OUTCOME_UNKNOWN: died after it was sent.
 */
NODISCARD enum err rpc_call(struct rpc_pool *p, const struct rpc_def *def, struct slice req,
    int64_t deadline_us, uint64_t trace, struct arena *arena, struct slice *ret_reply,
    struct err_note *note);

/*
 * Expected wait for new work in microseconds at the least loaded peer; INT64_MAX if a call now
 * would be refused: no peer, or no credit at any.
 */
int64_t rpc_pool_expected_wait_us(const struct rpc_pool *p);

/*
 * How many of the credits are out, in thousandths, at the peer that has most left; 0 without a
 * peer, of which the expected wait tells.
 */
unsigned rpc_pool_used_permille(const struct rpc_pool *p);

/* Mean time that the peers' calls have run lately, whatever they were; 0 before the first. */
int64_t rpc_pool_mean_run_us(const struct rpc_pool *p);

/*
 * Mean time that they had a processor for it: what they would run where nobody else wants one; 0 if
 * none has said.
 */
int64_t rpc_pool_mean_cpu_us(const struct rpc_pool *p);

/* The same of calls of one row; at first the row's own guess. */
int64_t rpc_pool_row_run_us(const struct rpc_pool *p, const struct rpc_def *def);

/* Peers that are connected now and not draining. */
unsigned rpc_pool_connected(const struct rpc_pool *p);

/* Counts since the pool or server was made. */
struct rpc_stats {
	uint64_t calls;	 /* begun (caller), received (callee) */
	uint64_t errors; /* of these: ended in any error */
	uint64_t
	    refused; /* no credit, so not sent (caller); not begun: too late or draining (callee) */
	uint64_t retries;	      /* sent again after the first peer was gone */
	uint64_t timeouts, cancelled; /* ended by the deadline, by the caller */
	uint64_t unknown;	      /* ended in ERR_OUTCOME_UNKNOWN */
	uint64_t peers_lost;
	uint64_t bytes_sent, bytes_received;
};

struct rpc_stats rpc_pool_stats(const struct rpc_pool *p);

/* ---- callee ---- */

struct rpc_server;
struct rpc_request; /* one request waiting for its reply */

struct rpc_request_view {
	const struct rpc_def *def;
	struct rpc_call_info info;
	struct slice payload; /* valid until rpc_reply() */
	int64_t arrived_us;
};

/*
 * What to do with a request that has been checked against its row and whose deadline has not
 * passed. Takes q; ends in rpc_reply(), which may be called at once.
 */
typedef void rpc_execute_fn(void *arg, struct rpc_request *q);
/*
 * The caller has given up on q or is gone: if it has not begun, skip it and rpc_reply() with
 * ERR_CANCELLED. Called at most once, and not when execute has replied already.
 */
typedef void rpc_cancel_fn(void *arg, struct rpc_request *q);

struct rpc_executor {
	/* NULL: call def->handle(role_state) on the loop, in order of arrival, in 1 ms slices. */
	rpc_execute_fn *execute;
	rpc_cancel_fn *cancel; /* may be NULL */
	void *arg;
	void *role_state; /* handed to handlers when execute is NULL */
};

NODISCARD enum err rpc_server_new(struct loop *l, const struct rpc_registry *reg, enum role_id self,
    const struct rpc_executor *ex, struct rpc_server **ret);
void rpc_server_free(struct rpc_server **s);

/* Serves requests of a peer process on fd; takes fd. peer is checked against each row's from. */
NODISCARD enum err rpc_server_add(struct rpc_server *s, enum role_id peer, int fd);

/*
 * Queue state put into every reply from now on: requests waiting and expected wait of a new one.
 * For executors of one's own; the one on the loop measures it.
 */
void rpc_server_set_queue(struct rpc_server *s, uint32_t waiting, int64_t expected_wait_us);

/*
 * Tells all callers the queue state now, without a request of theirs. For a callee whose state
 * changes by itself; one that is busy reading nothing hears it with its next reply.
 */
void rpc_server_report(struct rpc_server *s);

/* The queue state that replies carry now. */
struct rpc_queue_state {
	uint32_t waiting;
	int64_t wait_us;
};
struct rpc_queue_state rpc_server_queue(const struct rpc_server *s);

/* Requests accepted but not yet replied to. */
unsigned rpc_server_in_flight(const struct rpc_server *s);

/*
 * Orderly end: from now on new requests are refused with ERR_DRAINING (callers go elsewhere);
 * done(arg) is called once, from the loop, when all that were accepted are answered and the answers
 * have left the process.
 */
void rpc_server_drain(struct rpc_server *s, void (*done)(void *arg), void *arg);

struct rpc_stats rpc_server_stats(const struct rpc_server *s);

/* The row, the caller's words and the payload do not change: any thread may look at the view. */
struct rpc_request_view rpc_request_view(const struct rpc_request *q);

/* For executors that queue: a node to link q with. */
struct list *rpc_request_node(struct rpc_request *q);
struct rpc_request *rpc_request_of(struct list *node);

/* A pointer of the executor's own, NULL at first. */
void rpc_request_set_data(struct rpc_request *q, void *data);
void *rpc_request_data(const struct rpc_request *q);

/* Tells what serving q took; callers learn the mean cost of the row from it. Not known: do not. */
void rpc_request_ran(struct rpc_request *q, int64_t us);
/* Behind rpc_request_ran(): how long of that on a processor. Not known: do not. */
void rpc_request_had_cpu(struct rpc_request *q, int64_t us);

/* Sends the outcome and frees q. A caller that is gone or has cancelled gets nothing. */
void rpc_reply(struct rpc_request *q, enum err e, struct slice reply, const struct err_note *note);

#endif
