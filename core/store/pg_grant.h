/*
 * The rights of the role that web reads as.
 */
#ifndef PLIMSOLL_STORE_PG_GRANT_H
#define PLIMSOLL_STORE_PG_GRANT_H

#include <stdbool.h>

#include "core/store/sql.h"

/*
 * Lets a role read all tables there are in the session's schema; db is a session of their owner.
 * *ret_may_write: it may change some of them, by rights that others gave. ERR_CONFIG: there is no
 * such role.
 */
NODISCARD enum err pg_grant_reader(
    struct sql_db *db, const char *role, bool *ret_may_write, struct err_note *note);

#endif
