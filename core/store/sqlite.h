/*
 * Inside of the SQLite engine: what its files, the store and the checkpointer share. Only
 * core/store includes this.
 */
#ifndef PLIMSOLL_STORE_SQLITE_H
#define PLIMSOLL_STORE_SQLITE_H

#include <sqlite3.h>

#include "core/base/list.h"
#include "core/store/sql_priv.h"

enum {
	SQL_CACHE_BUCKETS = 128,
	SQL_CACHE_MAX = 256, /* prepared statements kept per connection; some KiB each */
	/*
	 * Only a foreign program can be in the way, or during an upgrade the other store, for the
	 * milliseconds of a commit; the loop waits meanwhile.
	 */
	SQL_WRITE_BUSY_MS = 1000,
	SQL_APPLICATION_ID = 0x504c494d, /* "PLIM" in the file header */
	SQL_MAP_BYTES = 1 << 30		 /* of the file that readers map at most */
};

struct sqlite_query {
	struct sql_query base;
	struct list age; /* in sqlite_db.idle (oldest first) or, while it runs, in no list */
	struct sqlite_query *next; /* in its bucket */
	sqlite3_stmt *handle;	   /* owned */
	uint64_t bound;		   /* bit per parameter that has a value */
	unsigned n_params;
	enum err failed; /* by a bind or a step; every later step repeats it */
	bool stepped, done;
};

struct sqlite_db {
	struct sql_db base;
	sqlite3 *handle; /* owned */
	unsigned n_cached;
	struct list idle;
	struct sqlite_query *bucket[SQL_CACHE_BUCKETS];
	/* See sql_snapshot_begin(). A transaction is begun by the first query that wants one. */
	enum {
		SNAPSHOT_OFF,
		SNAPSHOT_WANTED,
		SNAPSHOT_OPEN
	} snapshot;
	sqlite3_stmt *snapshot_begin, *snapshot_end; /* owned; NULL before their first use */
	/* Readers: see sqlite_snapshot.c. */
	unsigned version; /* the pager's count of changes by others */
	unsigned news;	  /* of 1024 snapshots so many found a change, of late */
	bool is_unmapped; /* the file, because it changes too often */
};

extern const struct sql_query_ops sqlite_query_ops;

/* db as what it is; of another engine: CHECK. */
struct sqlite_db *sqlite_db_of(struct sql_db *db);
sqlite3 *sqlite_handle(const struct sql_db *db);

/*
 * Turns a result code of SQLite into an error with text in note: "WHAT: SQLite's words". SQLite's
 * texts name tables and columns, never values. Set errno to 0 before the call that may fail: SQLite
 * 3.40 keeps no errno of a failed commit, so what the call leaves there is the best there is.
 */
NODISCARD enum err sqlite_error(
    struct sqlite_db *db, int rc, const char *what, struct err_note *note);

/* Begins the transaction of a snapshot that is wanted. Where that fails, reads do without one. */
void sqlite_snapshot_open(struct sqlite_db *db);
void sqlite_snapshot(struct sql_db *base, bool on);
void sqlite_snapshot_free(struct sqlite_db *db);

/* Frees all cached statements; none may be running. */
void sqlite_cache_free(struct sqlite_db *db);

#endif
