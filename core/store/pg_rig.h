/*
 * A PostgreSQL server of its own for unit tests, started by test/harness/postgres.sh (its programs
 * come with the test packages; without them a test fails). Test code only.
 */
#ifndef PLIMSOLL_STORE_PG_RIG_H
#define PLIMSOLL_STORE_PG_RIG_H

#include <sys/types.h>

#include "core/store/pg.h"

struct pg_rig {
	char dir[64];
	pid_t pid;
	int log; /* its standard error */
	struct pg_target *owner, *reader;
};

/* Makes a server and starts it. Ends the process if it cannot. */
void pg_rig_open(struct pg_rig *r);

/* Stops it and removes its folder. */
void pg_rig_close(struct pg_rig *r);

/* Ends the server by a signal (SIGINT: in order, SIGQUIT: as a crash) and waits for its end. */
void pg_rig_halt(struct pg_rig *r, int signal);
void pg_rig_start(struct pg_rig *r);

/* Runs SQL as superuser in the database that the tests use. */
void pg_rig_run(struct pg_rig *r, const char *sql);
/* The number that it yields, -1: no row. */
int64_t pg_rig_number(struct pg_rig *r, const char *sql);

/* Empties the database; the reading role may read what is made in it later. */
void pg_rig_reset(struct pg_rig *r);

/* A session of the owner, or of the reader. */
struct sql_db *pg_rig_session(struct pg_rig *r, enum sql_mode mode);

/* ---- for looking at statements ---- */

/* A connection of the owner, by libpq alone. */
struct pg_conn_rig;
struct pg_conn_rig *pg_rig_connect(struct pg_rig *r);
void pg_rig_disconnect(struct pg_conn_rig *c);

/* Runs SQL, which must work; the first value of its first row or NULL, to be freed. */
char *pg_rig_answer(struct pg_conn_rig *c, const char *sql);

enum pg_rig_type {
	PG_RIG_BIGINT,
	PG_RIG_INTEGER,
	PG_RIG_TEXT,
	PG_RIG_BLOB
};

/* A statement as PostgreSQL understands it. */
struct pg_rig_stmt {
	const struct sql_stmt *stmt;
	char *text; /* with $1, $2, ...; to be freed */
	unsigned n_params, n_columns;
	char names[64][50];
	enum pg_rig_type types[64], columns[64]; /* of the parameters, of the rows */
};

/* One that the server refuses ends the process, with the server's words. */
void pg_rig_describe(struct pg_conn_rig *c, const struct sql_stmt *stmt, struct pg_rig_stmt *ret);

/* Rigs that know both engines use this one: TEST_ENGINE=postgres in the environment. */
bool pg_rig_is_wanted(void);

/* The server that all tests of a program share: started at the first call, stopped at exit. */
struct pg_rig *pg_rig_shared(void);

#endif
