/*
 * Inside of the PostgreSQL engine: what pg_*.c share. Only they include this.
 */
#ifndef PLIMSOLL_STORE_PG_PRIV_H
#define PLIMSOLL_STORE_PG_PRIV_H

#include <libpq-fe.h>
#include <stdatomic.h>

#include "core/base/list.h"
#include "core/ev/task.h"
#include "core/obs/hist.h"
#include "core/store/pg.h"
#include "core/store/sql_priv.h"

enum {
	PG_STMTS_MAX = 1024,	    /* different statements of a process */
	PG_CONNECT_US = 5000000,    /* the longest that one connect may take */
	PG_STATEMENT_US = 30000000, /* and one statement of a pool */
	PG_DRAIN_US = 5000000	    /* until an abandoned answer must have come */
};

/* ---- pg_target.c ---- */

enum {
	PG_WORDS_MAX = 64
}; /* more than libpq has keywords */

struct pg_target {
	PQconninfoOption *options;			       /* owned */
	const char *keys[PG_WORDS_MAX], *values[PG_WORDS_MAX]; /* NULL behind the last */
	unsigned n;
	char *owned[PG_WORDS_MAX]; /* values made here */
	unsigned n_owned;
	struct pg_reach reach;
	const char *what, *user;
	char where[160]; /* for people: host, port, database */
	bool resolved;
};

/* ---- pg_error.c ---- */

enum pg_fault {
	PG_FAULT_NONE,
	PG_FAULT_RERUN, /* not serializable, or a deadlock */
	PG_FAULT_BROKEN /* the server ends the connection */
};

/*
 * The error of a failed result, with text in note: "WHAT: the server's words (SQLSTATE)". Values
 * never: classes whose messages quote them give the code alone.
 */
NODISCARD enum err pg_error(
    const PGresult *r, const char *what, enum pg_fault *ret_fault, struct err_note *note);

/* The same for a connection that failed: the first line of libpq's words. */
NODISCARD enum err pg_conn_error(PGconn *handle, const char *what, struct err_note *note);

/* ---- pg_text.c ---- */

/* A statement in PostgreSQL's words: parameter i + 1 is "$i+1". */
struct pg_stmt {
	const struct sql_stmt *stmt; /* identity */
	unsigned number;	     /* its place in the table: name of the prepared statement */
	char *text;		     /* owned */
	unsigned n_params;
	char *names[SQL_MAX_PARAMS]; /* owned */
	struct pg_stmt *next;	     /* in its bucket */
};

enum {
	PG_STMT_BUCKETS = 256
};

struct pg_stmts {
	struct pg_stmt *bucket[PG_STMT_BUCKETS];
	unsigned n;
};

/* The translation, made at the first use. ERR_LIMIT, ERR_MEMORY. */
NODISCARD enum err pg_stmts_find(
    struct pg_stmts *t, const struct sql_stmt *stmt, struct pg_stmt **ret, struct err_note *note);
void pg_stmts_free(struct pg_stmts *t);

/* Appends a script for PostgreSQL; its TEXT columns are ordered by bytes. */
void pg_expand_script(const char *text, struct buf *out);

/* ---- pg_conn.c ---- */

enum pg_conn_state {
	PG_CLOSED,
	PG_CONNECTING,
	PG_IDLE,
	PG_BUSY,    /* somebody has it */
	PG_DRAINING /* its answers are for nobody any more; free when they have come */
};

struct pg_watch; /* the loop's handle on the socket */

struct pg_conn {
	struct list node; /* in the pool's idle list while PG_IDLE */
	struct pg_pool *pool;
	PGconn *handle; /* owned; NULL while PG_CLOSED */
	struct pg_watch *watch;
	enum pg_conn_state state;
	struct task *waiter; /* the task that waits for the socket */
	unsigned syncs;	     /* pipeline ends sent and not yet answered */
	bool broken;
	int64_t since_us; /* taken, or began to drain */
	int64_t received; /* bytes of the running statement's answer, about */
	bool prepared[PG_STMTS_MAX];
};

/* Connects and waits. On an error the connection is closed. */
NODISCARD enum err pg_conn_open(struct pg_conn *c, int64_t deadline_us, struct err_note *note);
void pg_conn_close(struct pg_conn *c);

/* It is idle from now on: an end by the server is noticed. */
void pg_conn_rest(struct pg_conn *c);

/*
 * Ends the pipeline and waits for all answers. *ret_result: the last command's, to be cleared, also
 * with an error. *ret_done: commands that succeeded. An error leaves c broken if it is not the
 * server's answer.
 */
NODISCARD enum err pg_conn_fly(struct pg_conn *c, int64_t deadline_us, const char *what,
    PGresult **ret_result, unsigned *ret_done, enum pg_fault *ret_fault, struct err_note *note);

/* Runs a script by the simple protocol and waits; the connection is idle. */
NODISCARD enum err pg_conn_script(
    struct pg_conn *c, const char *text, const char *what, struct err_note *note);

/* Nobody wants the answers that are under way: reads on in the background, undoing what is open. */
void pg_conn_abandon(struct pg_conn *c);

/* The socket has something for a connection that nobody waits for: reads on. */
void pg_conn_drain_step(struct pg_conn *c);

/* ---- pg_socket.c ---- */

/* Has the loop look for events (UV_READABLE, UV_WRITABLE; 0: none) at the socket, which changes
 * while it connects. */
void pg_socket_watch(struct pg_conn *c, int events);
void pg_socket_forget(struct pg_conn *c);
/* Waits for events, suspending the task; without a loop, blocking. */
NODISCARD enum err pg_socket_wait(struct pg_conn *c, int events, int64_t deadline_us);

/* ---- pg_gate.c ---- */

/*
 * Who may run a serializable transaction: any number side by side, or one that is run again, alone.
 */
struct pg_gate {
	struct list waiters;
	unsigned n_waiting, n_alone_waiting; /* of all, of those that want to be alone */
	unsigned n_in;
	bool is_alone;
};

void pg_gate_init(struct pg_gate *g);

/* Waits in the running task until deadline_us. Errors as task_wait(). */
NODISCARD enum err pg_gate_enter(struct pg_gate *g, bool alone, int64_t deadline_us);
void pg_gate_leave(struct pg_gate *g);

/* ---- pg_metrics.c ---- */

struct pg_cells {
	_Atomic int64_t *open, *refused_queue, *refused_wait, *connects, *failures, *reruns;
	struct hist *wait;
};

void pg_cells_find(struct pg_cells *c, const struct metrics *m);
/* One more; NULL: nobody counts. */
void pg_count(_Atomic int64_t *cell);

/* ---- pg_pool.c ---- */

struct pg_pool {
	struct pg_pool_options o; /* loop NULL: a session */
	struct pg_conn conn[PG_POOL_MAX];
	struct list idle, waiters;
	unsigned n_waiting;
	struct pg_gate gate;
	struct pg_stmts stmts;
	struct pg_cells cells;
	struct task *keeper; /* connects and gives up; NULL: it has ended */
	bool closing;
	int64_t hold_us;    /* moving average: how long a connection is taken */
	int64_t retry_us;   /* not before then */
	int64_t backoff_us; /* 0: the last connect worked */
	struct sql_db *db;
};

/*
 * A connection for the caller alone. ERR_TOO_BUSY, ERR_DEADLINE, ERR_CANCELLED; in a session
 * what the connect said.
 */
NODISCARD enum err pg_pool_take(
    struct pg_pool *p, const char *what, struct pg_conn **ret, struct err_note *note);
void pg_pool_give(struct pg_conn *c);

/* A connection has left PG_DRAINING or broke while it was idle. */
void pg_pool_settle(struct pg_conn *c);

/* For the keeper: a connection is free, for whoever waits longest or for nobody yet. */
void pg_pool_give_to_next(struct pg_conn *c);
unsigned pg_pool_count_open(const struct pg_pool *p);
/* Sets the gauge of what is open. */
void pg_pool_publish(struct pg_pool *p);
void pg_pool_free(struct pg_pool *p);

/* ---- pg_keeper.c ---- */

/* The task; arg: the pool, which it frees when that closes. */
void pg_keeper(void *arg);

/* ---- pg_query.c ---- */

struct pg_db {
	struct sql_db base;
	struct pg_pool *pool;
	struct pg_conn *conn;	/* NULL: each statement takes one */
	const char *begin_text; /* sent before the first statement; NULL: none */
	bool begun;
	enum pg_fault fault; /* why the transaction cannot go on */
};

void pg_db_init(struct pg_db *db, struct pg_pool *p, struct pg_conn *c, enum sql_mode mode);

#endif
