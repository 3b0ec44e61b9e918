/*
 * [store] as it is meant: which engine, where the database is, and how much of it a process may
 * use. The keys stand in core/role/runtime_conf.c.
 */
#ifndef PLIMSOLL_STORE_STORE_CONF_H
#define PLIMSOLL_STORE_STORE_CONF_H

#include <stdbool.h>

#include "core/conf/conf.h"
#include "core/store/pg.h"

bool store_is_postgres(const struct conf *conf);

/* Refuses what cannot work, in words. Needs the secrets: for commands and the supervisor. */
NODISCARD enum err store_conf_check(const struct conf *conf, struct err_note *note);

/*
 * The server as the role of the calling process may see it: SQL_READ_WRITE by [store] url (store,
 * `plimsoll migrate`), SQL_READ_ONLY by read_url (web). Free with pg_target_free(). Errors as
 * pg_target_new().
 */
NODISCARD enum err store_target(
    const struct conf *conf, enum sql_mode mode, struct pg_target **ret, struct err_note *note);

/* Size and bounds of this process' pool; the rest is the caller's to fill in. */
struct pg_pool_options store_pool_options(const struct conf *conf);

#endif
