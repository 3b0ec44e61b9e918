/*
 * For unit tests: a database in a temporary folder with the schema of accounts, and a transaction
 * to call transaction functions with, as the store would.
 */
#ifndef PLIMSOLL_ACCOUNTS_DB_RIG_H
#define PLIMSOLL_ACCOUNTS_DB_RIG_H

#include "core/base/arena.h"
#include "core/rpc/rpc.h"
#include "core/store/sql.h"
#include "core/store/store.h"

struct db_rig {
	char dir[64], path[96];
	struct sql_db *db;
	struct arena arena;
	struct txn txn;	  /* now_ms is the test's clock */
	struct buf reply; /* of the last call */
	struct err_note note;
};

/*
 * Opens and migrates; now_ms starts at 1,000,000. On PostgreSQL where the environment asks for it
 * (pg_rig.h), or on SQLite in any case.
 */
void db_rig_init(struct db_rig *rig);
void db_rig_init_sqlite(struct db_rig *rig);
void db_rig_fini(struct db_rig *rig);

/* Calls a transaction function with a request; the reply is in rig->reply. */
enum err db_rig_call(struct db_rig *rig, const struct rpc_def *def, struct slice request);

/* Runs SQL text that must work, e.g. to break an invariant. */
void db_rig_run(struct db_rig *rig, const char *sql);

/* The number that a query yields. */
int64_t db_rig_number(struct db_rig *rig, const char *sql);

#endif
