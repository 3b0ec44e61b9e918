/*
 * PostgreSQL as the engine behind sql.h, through libpq. A pool of 1 to 10 connections per process
 * is driven by the loop: sql_step() suspends the running task until its answer is there, so
 * handlers read the same as on SQLite. What differs for callers:
 *  - A statement runs at its first step and all its rows are kept until sql_end(), at most
 *    PG_ANSWER_MAX bytes (ERR_LIMIT above).
 *  - It must run in a task of the pool's loop. A session (pg_open) has no loop and blocks instead:
 *    for commands and unit tests.
 *  - More errors: ERR_TOO_BUSY (no connection within the wait, or too many wait), ERR_PEER_GONE
 *    (the connection broke), ERR_DEADLINE, ERR_CANCELLED, and ERR_CONFLICT (not serializable; the
 *    transaction must run again, which pg_txn_run() does).
 */
#ifndef PLIMSOLL_STORE_PG_H
#define PLIMSOLL_STORE_PG_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ev/loop.h"
#include "core/obs/metric.h"
#include "core/store/sql.h"

enum {
	PG_POOL_MAX = 10,
	PG_ANSWER_MAX = 16 * 1024 * 1024, /* bytes of one statement's rows */
	PG_HOSTS_MAX = 8,
	PG_FILES_MAX = 4
};

/* ---- where the database is ---- */

struct pg_target;

/* What a process must be able to reach in order to connect; strings live with the target. */
struct pg_reach {
	bool unix_socket;
	uint16_t ports[PG_HOSTS_MAX]; /* of TCP, without repetition */
	unsigned n_ports;
	const char *files[PG_FILES_MAX]; /* certificates that libpq reads at every connect */
	unsigned n_files;
};

/*
 * Understands a connection string ("postgresql://user:secret@host:port/database?sslmode=..."; libpq
 * 34.1.1) and refuses what cannot work from inside the sandbox, in words that quote no secret.
 * what is for notes: "[store] url". A target for reading asks the server to refuse writes.
 * ERR_CONFIG, ERR_MEMORY.
 */
NODISCARD enum err pg_target_new(const char *url, const char *what, enum sql_mode mode,
    struct pg_target **ret, struct err_note *note);
void pg_target_free(struct pg_target **t);

/*
 * Looks the names of its hosts up, which cannot be done in the sandbox; later connections go to
 * the addresses found now. ERR_PEER_GONE: a name is not known.
 */
NODISCARD enum err pg_target_resolve(struct pg_target *t, struct err_note *note);

struct pg_reach pg_target_reach(const struct pg_target *t);
const char *pg_target_user(const struct pg_target *t);

/* ---- sessions ---- */

/* Connects and waits for it, 10 s at most. Close with sql_close(). Errors as a statement's. */
NODISCARD enum err pg_open(
    const struct pg_target *t, enum sql_mode mode, struct sql_db **ret, struct err_note *note);

/* ---- pools ---- */

struct pg_pool;

struct pg_pool_options {
	struct loop *loop;
	const struct pg_target *target; /* must live as long as the pool */
	enum sql_mode mode;
	unsigned size;		 /* 1..PG_POOL_MAX */
	unsigned wait_max;	 /* tasks that wait for a connection; more get ERR_TOO_BUSY */
	int64_t wait_us;	 /* the longest that they wait */
	struct metrics *metrics; /* with the families of pg_metric_schema(); NULL: count nothing */
};

/* Begins to connect when the loop runs. */
NODISCARD enum err pg_pool_open(
    const struct pg_pool_options *o, struct pg_pool **ret, struct err_note *note);

/*
 * Closes all connections. The loop must run once more to free the rest. While queries run it does
 * nothing, for the end of a process. Sets *p to NULL, takes NULL.
 */
void pg_pool_close(struct pg_pool **p);

/*
 * The pool as a connection for reads outside of transactions, by any number of tasks at once; each
 * statement takes a connection and gives it back. A read whose connection breaks is sent once more
 * on another. Owned by the pool; sql_close() does nothing.
 */
struct sql_db *pg_pool_db(struct pg_pool *p);

/* A connection is open now. */
bool pg_pool_is_up(const struct pg_pool *p);

struct pg_pool_state {
	unsigned open, busy, waiting;
	int64_t expected_wait_us; /* of a task that asks for a connection now */
};
struct pg_pool_state pg_pool_state(const struct pg_pool *p);

/* Families that a pool counts in: part of every schema. */
void pg_metric_schema(struct metric_schema *schema);

/* ---- transactions ---- */

enum pg_txn_kind {
	PG_TXN_READ, /* one snapshot for all statements, read only */
	PG_TXN_WRITE /* serializable */
};

/* What a transaction does; called again, from the start, when it must be re-run. */
typedef enum err pg_txn_fn(void *arg, struct sql_db *db, struct err_note *note);

/* Called once the connection is there: from then on fn may run. May be NULL. */
typedef void pg_begun_fn(void *arg);

struct pg_txn_result {
	unsigned runs;	   /* of fn */
	int64_t commit_us; /* of the last commit; -1: there was none */
};

/*
 * Runs fn in a transaction on one connection of the pool, commits when it returns ERR_OK, else
 * rolls back and returns its error. Re-run, at most a few times within the task's deadline: after a
 * serialization failure or deadlock (then alone in this process), and when the connection broke
 * before the commit was sent.
 * ERR_OUTCOME_UNKNOWN: the commit was sent and its answer lost (may_repeat: then re-run, too).
 */
NODISCARD enum err pg_txn_run(struct pg_pool *p, enum pg_txn_kind kind, bool may_repeat,
    pg_txn_fn *fn, pg_begun_fn *begun, void *arg, struct pg_txn_result *ret, struct err_note *note);

#endif
