/*
 * Inside of the SQL layer: what an engine provides (SQLite: sqlite*.c, PostgreSQL: pg_*.c), and
 * what both stand on. Only core/store includes this.
 */
#ifndef PLIMSOLL_STORE_SQL_PRIV_H
#define PLIMSOLL_STORE_SQL_PRIV_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/store/sql.h"

enum {
	SQL_MAX_PARAMS = 64,	 /* per statement: they are tracked in one word */
	SQL_MAX_NAME = 48,	 /* bytes of a parameter's name */
	SQL_MAX_TEXT = 64 * 1024 /* bytes of a statement or a migration */
};

enum sql_kind {
	SQL_NULL,
	SQL_I64,
	SQL_TEXT,
	SQL_BLOB
};

struct sql_value {
	enum sql_kind kind;
	int64_t i64;
	struct slice bytes; /* SQL_TEXT, SQL_BLOB */
};

/*
 * A running query as far as all engines are alike. The engine allocates it (with more behind it)
 * and fills in nothing here; engine.c does.
 */
struct sql_query {
	struct sql_db *db;
	const struct sql_stmt *stmt; /* identity is the address */
	struct err_note *note;	     /* of the caller, while it runs */
	int64_t started_us;
	bool running;
};

struct sql_query_ops {
	enum err (*begin)(struct sql_db *db, const struct sql_stmt *stmt, struct sql_query **ret,
	    struct err_note *note);
	void (*bind)(struct sql_query *q, const char *name, const struct sql_value *v);
	enum err (*step)(struct sql_query *q);
	int64_t (*col_i64)(struct sql_query *q, int column);
	struct slice (*col_bytes)(struct sql_query *q, int column, enum sql_kind kind);
	bool (*col_is_null)(struct sql_query *q, int column);
	int64_t (*end)(struct sql_query *q); /* q may be gone afterwards; rows changed */
};

struct sql_engine {
	const char *name; /* "sqlite", "postgres" */
	const struct sql_query_ops *query;
	/* Runs statements separated by ';' in order, their rows are ignored; what: for the note. */
	enum err (*script)(
	    struct sql_db *db, const char *text, const char *what, struct err_note *note);
	/* Begins a transaction that excludes other migrations. */
	enum err (*begin_exclusive)(struct sql_db *db, const char *what, struct err_note *note);
	bool (*in_txn)(const struct sql_db *db);
	bool (*is_there)(const struct sql_db *db);    /* NULL: always */
	void (*snapshot)(struct sql_db *db, bool on); /* NULL: reads wait, so there is none */
	void (*close)(struct sql_db *db);
};

/* A connection as far as all engines are alike. */
struct sql_db {
	const struct sql_engine *engine;
	enum sql_mode mode;
	bool writes_refused; /* see sql_refuse_writes() */
	unsigned n_running;
	int64_t changes;
	void (*observe)(void *arg, const struct sql_stmt *stmt, int64_t us);
	void *observe_arg;
};

enum sql_for {
	SQL_FOR_SQLITE,
	SQL_FOR_POSTGRES,
	SQL_ENGINES
};

/* Copies text with {{BLOB}} and {{SERIAL}} replaced for an engine. A foreign macro is a CHECK. */
void sql_expand(const char *text, enum sql_for engine, struct buf *out);

/*
 * Cuts the next word, sign, 'string' or macro off *rest, without blanks and comments before it.
 * False at the end (*rest is empty) or at a string that does not end.
 */
bool sql_next_piece(struct slice *rest, struct slice *ret);

/* Runs statements separated by ';' in order, their rows are ignored; what names them in the note.
 */
NODISCARD enum err sql_script(
    struct sql_db *db, const char *text, const char *what, struct err_note *note);

/* Statements of sql_migrate(): part of every metric schema. */
extern const struct sql_table sql_migrate_stmts;

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
