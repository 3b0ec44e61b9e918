/*
 * SQL with named statements. The text is the common part of SQLite and PostgreSQL, parameters are
 * bound by name (":email"), results are read by column number. Statements are rows of tables; a
 * connection prepares each at its first use and keeps it. A query is short: begin, bind, step,
 * read, end, with no waiting between (DESIGN.md 5), except that on PostgreSQL (pg.h) sql_step()
 * itself waits inside the running task.
 */
#ifndef PLIMSOLL_STORE_SQL_H
#define PLIMSOLL_STORE_SQL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum sql_flags {
	SQL_WRITES = 1, /* changes data: refused on a read-only connection */
	SQL_SCANS = 2,	/* may scan its table (small by design); the plan test lets it */
};

struct sql_stmt {
	const char *name; /* "accounts.email_by_address"; unique: key of metrics and tests */
	const char *text;
	const char *postgres_text; /* NULL: the same text */
	uint32_t flags;		   /* enum sql_flags */
};

struct sql_table {
	const struct sql_stmt *stmts;
	unsigned n;
};

struct migration {
	unsigned number; /* 1, 2, ... within the service */
	const char
	    *text; /* statements separated by ';', common SQL; {{BLOB}} and {{SERIAL}} macros */
};

struct sql_db;
struct sql_query; /* one running query of a connection */

enum sql_mode {
	SQL_READ_ONLY,
	SQL_READ_WRITE
};

/*
 * Opens the SQLite database file. SQL_READ_WRITE creates it (mode 0600), sets WAL,
 * synchronous=FULL, foreign_keys, and keeps -wal/-shm on close. ERR_NOT_FOUND: not there yet
 * (reader); ERR_LOCKED, ERR_DISK_FULL, ERR_CORRUPT, ERR_IO with text in note.
 */
NODISCARD enum err sql_open(
    const char *path, enum sql_mode mode, struct sql_db **ret, struct err_note *note);
void sql_close(struct sql_db **db);

/* False while the server behind it cannot be reached; a file is always there. */
bool sql_is_there(const struct sql_db *db);

/*
 * Starts a query; at most one of the same statement at a time per connection. End it with
 * sql_end() in every case once this returned ERR_OK; note must live until then. ERR_DENIED: a
 * statement with SQL_WRITES where only reading is allowed; ERR_LIMIT: 256 statements run already.
 */
NODISCARD enum err sql_begin(
    struct sql_db *db, const struct sql_stmt *stmt, struct sql_query **ret, struct err_note *note);

/*
 * Binds a parameter by name without colon; text and blobs must live until sql_end(). Every
 * parameter must be bound before the first step: a name that is unknown or forgotten is a broken
 * invariant.
 */
void sql_bind_text(struct sql_query *q, const char *name, struct slice text);
void sql_bind_blob(struct sql_query *q, const char *name, struct slice bytes);
void sql_bind_i64(struct sql_query *q, const char *name, int64_t n);
void sql_bind_null(struct sql_query *q, const char *name);

/*
 * ERR_OK: a row is there; ERR_END: no more rows (also the result of a statement without rows);
 * ERR_LOCKED, ERR_DISK_FULL, ERR_CORRUPT, ERR_IO, ERR_EXISTS (constraint; do not rely on it).
 */
NODISCARD enum err sql_step(struct sql_query *q);

/* Columns of the current row; slices are valid until the next step or end. */
int64_t sql_col_i64(struct sql_query *q, int column);
struct slice sql_col_text(struct sql_query *q, int column);
struct slice sql_col_blob(struct sql_query *q, int column);
bool sql_col_is_null(struct sql_query *q, int column);

void sql_end(struct sql_query *q);

/* Step and end of a query of no rows, or of whose rows nobody wants any, when all is bound. */
NODISCARD enum err sql_finish(struct sql_query *q);

/* The same of one that yields a number, in its first column; ERR_END: no row. */
NODISCARD enum err sql_finish_number(struct sql_query *q, int64_t *ret);

/*
 * begin + step + end of a statement without parameters or rows; ERR_END is turned into ERR_OK. Not
 * cached: for start-up and tests.
 */
NODISCARD enum err sql_run(struct sql_db *db, const char *text, struct err_note *note);

/* Rows changed by the last statement that ended; 0 after one that only read. */
int64_t sql_changes(const struct sql_db *db);

/*
 * Between the two calls all reads of a read-only connection see one state of the database, that of
 * the first of them, and take its locks once instead of once each. No wait may lie between, and
 * who asks must have asked before the begin. Nothing happens where the database makes its readers
 * wait. Calls do not nest.
 */
void sql_snapshot_begin(struct sql_db *db);
void sql_snapshot_end(struct sql_db *db);

/* Per-statement timing goes here: fn(arg, statement, microseconds) after each sql_end(). */
void sql_observe(
    struct sql_db *db, void (*fn)(void *arg, const struct sql_stmt *stmt, int64_t us), void *arg);

/*
 * Applies the migrations of a service that are not yet recorded, each in one transaction, in order.
 * ERR_CONFIG: the database is newer than this program (text in note).
 */
NODISCARD enum err sql_migrate(struct sql_db *db, const char *service,
    const struct migration *migrations, unsigned n, struct err_note *note);

/*
 * For readers, which may be there before the store has migrated: ERR_OK once the first n migrations
 * of the service are in; ERR_NOT_FOUND: try again.
 */
NODISCARD enum err sql_migrated(
    struct sql_db *db, const char *service, unsigned n, struct err_note *note);

/*
 * For the tests of services, on a migrated database: every statement prepares, is common SQL
 * (unless it has a postgres_text), says truly whether it writes, and scans no table without
 * SQL_SCANS. ERR_INVALID with the statement and the reason in note. Names must be unique and of the
 * form "service.what_it_does".
 */
NODISCARD enum err sql_table_check(
    struct sql_db *db, const struct sql_table *table, struct err_note *note);

/* The same for migrations: numbered 1..n, common SQL. */
NODISCARD enum err sql_migrations_check(
    const struct migration *migrations, unsigned n, struct err_note *note);

#endif
