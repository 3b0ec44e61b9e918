/*
 * The database as commands open it, whichever engine it is.
 */
#ifndef PLIMSOLL_CMD_DATABASE_H
#define PLIMSOLL_CMD_DATABASE_H

#include "cmd/cmd.h"
#include "core/store/pg.h"
#include "core/store/sql.h"

/* An open database and what it stands on; zeroed memory is a closed one. */
struct database {
	struct sql_db *db;
	struct pg_target *target; /* NULL: SQLite */
};

/* engine is "sqlite" or "postgres"; NULL: the configured one. Errors as sql_open and pg_open. */
NODISCARD enum err database_open(const struct conf *conf, const char *engine, const char *data_dir,
    enum sql_mode mode, struct database *ret, struct err_note *note);
void database_close(struct database *d);

/* Brings the tables of all services up to date, and on PostgreSQL the reader's rights. */
NODISCARD enum err database_migrate(const struct app *app, const struct conf *conf,
    struct database *d, bool quiet, struct err_note *note);

#endif
