/*
 * The store role's engine: the only writer of the database. Transaction functions (RPC rows with
 * RPC_TXN) that arrive in one round of the loop share one commit, so one fsync serves many users;
 * each runs in a SAVEPOINT of its own, and all are answered after the commit. Checkpoints run on a
 * thread of their own behind a bounded gate.
 * role_state of a transaction function is its struct txn.
 */
#ifndef PLIMSOLL_STORE_STORE_H
#define PLIMSOLL_STORE_STORE_H

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/ev/loop.h"
#include "core/obs/metric.h"
#include "core/rpc/rpc.h"
#include "core/store/sql.h"

struct conf;

/* What a transaction function works with (its role_state). */
struct txn {
	struct sql_db *db;   /* inside a savepoint */
	struct arena *arena; /* of this request */
	int64_t now_ms;	     /* calendar time of the batch */
	void *env;	     /* struct svc_env of the store role */
	/* Sets *after (up to 4): called with env once the commit is durable (e.g. wake the
	 * courier). */
	void (*after_commit[4])(void *env);
	unsigned n_after;
};

struct store;

enum {
	STORE_PATH_MAX = 1024
};

/* The database's path: "DATA_DIR/db/plimsoll.db"; readers open the same. ERR_LIMIT: too long. */
NODISCARD enum err store_db_path(const char *data_dir, char *out, size_t out_size);

/*
 * Opens the database below data_dir for writing (the folder db is made if it is not there). env is
 * handed to functions. metrics has the families of store_metric_schema(). Errors as sql_open.
 */
NODISCARD enum err store_open(struct loop *l, const char *data_dir, void *env,
    struct metrics *metrics, struct store **ret, struct err_note *note);

/* Starts the checkpoint thread. Call it after the sandbox closed, which holds per thread. */
NODISCARD enum err store_start(struct store *s, struct err_note *note);

/*
 * Refuses what still waits, stops the checkpoint thread, closes. The loop must not run again but to
 * be closed. To finish what was accepted, drain the RPC server first (rpc_server_drain).
 */
void store_close(struct store **s);

/*
 * While on, every transaction function is refused with ERR_READ_ONLY; those that wait already are
 * run. Reads go on.
 */
void store_set_read_only(struct store *s, bool on);

struct sql_db *store_db(struct store *s); /* for migrations at start and audits */

/*
 * The executor to give to rpc_server_new(); the server is needed to publish the queue state. Rows
 * without RPC_TXN are reads: they run between batches, and writing in them gives ERR_DENIED. Their
 * role_state is a struct txn, too.
 */
struct rpc_executor store_executor(struct store *s);
void store_set_server(struct store *s, struct rpc_server *server);

/* Metric families of the store, and "sql_seconds"-like histogram per named statement. */
void store_metric_schema(struct metric_schema *schema, const struct sql_table *tables, unsigned n);

/*
 * Records the time of each statement of a connection in sql_seconds: for web's readers (the store
 * does it for itself). The metrics must have the rows of every statement used. Close db first, then
 * free the timing.
 */
struct store_timing;
NODISCARD enum err store_timing_new(const struct metrics *m, struct store_timing **ret);
void store_timing_free(struct store_timing **t);
void store_timing_attach(struct store_timing *t, struct sql_db *db);

/* Statements that take at least so long are logged, as a warning; 0: none. Off at first. */
void store_timing_set_slow(struct store_timing *t, int64_t slow_us);

/* The same for the statements of the store itself. */
void store_set_slow(struct store *s, int64_t slow_us);

#endif
