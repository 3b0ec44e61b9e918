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
	struct sql_db *db; /* inside a savepoint */
	struct arena *arena; /* of this request */
	int64_t now_ms; /* calendar time of the batch */
	void *env; /* struct svc_env of the store role */
	/* Sets *after (up to 4): called with env once the commit is durable (e.g. wake the courier). */
	void (*after_commit[4])(void *env);
	unsigned n_after;
};

struct store;

/*
 * Opens the database below data_dir ("plimsoll.db") for writing. env is handed to functions.
 * Errors as sql_open.
 */
NODISCARD enum err store_open(struct loop *l, const char *data_dir, void *env,
    struct metrics *metrics, struct store **ret, struct err_note *note);

/* Finishes the running batch, stops the checkpoint thread, closes. */
void store_close(struct store **s);

struct sql_db *store_db(struct store *s); /* for migrations at start and audits */

/* The executor to give to rpc_server_new(); the server is needed to publish the queue state. */
struct rpc_executor store_executor(struct store *s);
void store_set_server(struct store *s, struct rpc_server *server);

/* Metric families of the store, and "sql_seconds"-like histogram per named statement. */
void store_metric_schema(struct metric_schema *schema, const struct sql_table *tables, unsigned n);

#endif
