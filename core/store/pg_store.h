/*
 * The store role's engine on PostgreSQL: each request to a transaction function runs in a task of
 * its own, SERIALIZABLE, on a connection of the pool, and is answered after its commit; the server
 * groups commits by itself. Rows without RPC_TXN read in one snapshot. role_state is a struct txn.
 */
#ifndef PLIMSOLL_STORE_PG_STORE_H
#define PLIMSOLL_STORE_PG_STORE_H

#include "core/rpc/rpc.h"
#include "core/store/pg.h"
#include "core/store/store.h"

struct pg_store;

/* env is handed to functions. o: loop, target and metrics are filled in. */
NODISCARD enum err pg_store_open(
    const struct pg_pool_options *o, void *env, struct pg_store **ret, struct err_note *note);

/* Until then requests are refused: the tables may be older than the functions. */
void pg_store_serve(struct pg_store *s);

/* As store_set_read_only(). */
void pg_store_set_read_only(struct pg_store *s, bool on);

/* As store_set_slow(). */
void pg_store_set_slow(struct pg_store *s, int64_t slow_us);

/* Refuses what waits and closes; the loop must run once more. Drain the RPC server first. */
void pg_store_close(struct pg_store **s);

struct pg_pool *pg_store_pool(struct pg_store *s);

/* As store_executor() and store_set_server(). */
struct rpc_executor pg_store_executor(struct pg_store *s);
void pg_store_set_server(struct pg_store *s, struct rpc_server *server);

#endif
