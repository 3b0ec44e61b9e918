/*
 * Copying a database into one of the other engine: all tables, whole, in one transaction.
 */
#ifndef PLIMSOLL_STORE_COPY_H
#define PLIMSOLL_STORE_COPY_H

#include <stdint.h>

#include "core/store/sql.h"

/*
 * Copies every table of from into to. One is SQLite, the other a PostgreSQL session; both have the
 * same migrations, and nobody else writes. The target's tables must be empty (ERR_EXISTS names the
 * first that is not). Numbers of rows are compared and numbering goes on behind the largest number
 * before it commits; done(arg, table, rows) is called for each table, may be NULL. On an error the
 * target is as it was.
 */
NODISCARD enum err sql_copy(struct sql_db *from, struct sql_db *to,
    void (*done)(void *arg, const char *table, int64_t rows), void *arg, struct err_note *note);

#endif
