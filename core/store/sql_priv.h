/*
 * Inside of the SQL layer: what its files share. Only core/store includes this.
 */
#ifndef PLIMSOLL_STORE_SQL_PRIV_H
#define PLIMSOLL_STORE_SQL_PRIV_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/list.h"
#include "core/store/sql.h"

enum {
	SQL_CACHE_BUCKETS = 128,
	SQL_CACHE_MAX = 256,	  /* prepared statements kept per connection; some KiB each */
	SQL_MAX_PARAMS = 64,	  /* per statement: they are tracked in one word */
	SQL_MAX_NAME = 48,	  /* bytes of a parameter's name */
	SQL_MAX_TEXT = 64 * 1024, /* bytes of a statement or a migration */
	/*
	 * Only a foreign program can be in the way, or during an upgrade the other store, for the
	 * milliseconds of a commit; the loop waits meanwhile.
	 */
	SQL_WRITE_BUSY_MS = 1000,
	SQL_APPLICATION_ID = 0x504c494d /* "PLIM" in the file header */
};

struct sql_query {
	struct list age;	/* in sql_db.idle (oldest first) or, while it runs, in no list */
	struct sql_query *next; /* in its bucket */
	struct sql_db *db;
	const struct sql_stmt *stmt; /* identity is the address */
	sqlite3_stmt *handle;	     /* owned */
	struct err_note *note;	     /* of the caller, while it runs */
	uint64_t bound;		     /* bit per parameter that has a value */
	int64_t started_us;
	unsigned n_params;
	enum err failed; /* by a bind or a step; every later step repeats it */
	bool running, stepped, done;
};

struct sql_db {
	sqlite3 *handle; /* owned */
	enum sql_mode mode;
	bool writes_refused; /* see sql_refuse_writes() */
	unsigned n_cached, n_running;
	int64_t changes;
	struct list idle;
	struct sql_query *bucket[SQL_CACHE_BUCKETS];
	void (*observe)(void *arg, const struct sql_stmt *stmt, int64_t us);
	void *observe_arg;
};

/*
 * Turns a result code of SQLite into an error with text in note: "WHAT: SQLite's words". SQLite's
 * texts name tables and columns, never values. Set errno to 0 before the call that may fail: SQLite
 * 3.40 keeps no errno of a failed commit, so what the call leaves there is the best there is.
 */
NODISCARD enum err sql_error(struct sql_db *db, int rc, const char *what, struct err_note *note);

/* Copies text with {{BLOB}} and {{SERIAL}} replaced for SQLite. A foreign macro is a CHECK. */
void sql_expand(const char *text, struct buf *out);

/* Runs statements separated by ';' in order, their rows are ignored; what names them in the note.
 */
NODISCARD enum err sql_script(
    struct sql_db *db, const char *text, const char *what, struct err_note *note);

/* Statements of sql_migrate(): part of every metric schema. */
extern const struct sql_table sql_migrate_stmts;

/* Frees all cached statements; none may be running. */
void sql_cache_free(struct sql_db *db);

/* Queries begun and not ended. */
unsigned sql_running(const struct sql_db *db);

/* Inside a transaction? False also after SQLite had to roll one back by itself. */
bool sql_in_txn(const struct sql_db *db);

/* While on, statements with SQL_WRITES get ERR_DENIED: for functions that promised only to read. */
void sql_refuse_writes(struct sql_db *db, bool on);

/*
 * Looks for what is not common SQL or breaks our rules in text (double quotes, "INSERT OR", "?",
 * "rowid", a bare SUM, ...). ERR_INVALID: "WHAT: why" in note.
 */
NODISCARD enum err sql_lint(const char *what, const char *text, struct err_note *note);

#endif
