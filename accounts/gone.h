/*
 * What deleted accounts have left with the services: a list of the accounts, and one of the stores
 * that were theirs. Whoever deletes an account does not wait for megabytes to be removed; the
 * service that has them removes a little at a time and takes the row off the list.
 */
#ifndef PLIMSOLL_ACCOUNTS_GONE_H
#define PLIMSOLL_ACCOUNTS_GONE_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/store/sql.h"
#include "core/store/store.h"

/* ---- for accounts itself ---- */

NODISCARD enum err account_gone_put(struct txn *t, int64_t account_id, struct err_note *note);
/* All stores of that user. */
NODISCARD enum err store_gone_put(struct txn *t, struct slice fxa_uid, struct err_note *note);

/* ---- for the service that keeps stores ---- */

/* ERR_END: there is none. */
NODISCARD enum err account_gone_next(struct sql_db *db, int64_t *ret_id, struct err_note *note);
NODISCARD enum err account_gone_done(struct txn *t, int64_t account_id, struct err_note *note);

/* *ret_due_ms: 0 at the first time, then what was said last. ERR_END: none is due at now_ms. */
NODISCARD enum err store_gone_next(struct sql_db *db, int64_t now_ms, int64_t *ret_uid,
    int64_t *ret_due_ms, struct err_note *note);
NODISCARD enum err store_gone_later(
    struct txn *t, int64_t uid, int64_t due_ms, struct err_note *note);
NODISCARD enum err store_gone_done(struct txn *t, int64_t uid, struct err_note *note);

#endif
