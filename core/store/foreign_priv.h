/*
 * What the files of foreign.h share.
 */
#ifndef PLIMSOLL_STORE_FOREIGN_PRIV_H
#define PLIMSOLL_STORE_FOREIGN_PRIV_H

#include <sqlite3.h>

#include "core/store/foreign.h"

struct foreign {
	sqlite3 *db; /* owned; of a dump: temporary */
	bool is_dump;
};

/* The error that the connection reports, as "WHAT: words". */
NODISCARD enum err foreign_failed(sqlite3 *db, const char *what, struct err_note *note);
NODISCARD enum err foreign_run(sqlite3 *db, const char *sql, struct err_note *note);

/* foreign_dump.c: reads a dump into a temporary database. Errors as foreign_open(). */
NODISCARD enum err foreign_load(struct foreign *f, const char *path,
    bool (*is_wanted)(struct slice table), struct err_note *note);

#endif
