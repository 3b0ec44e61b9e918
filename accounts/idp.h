/*
 * Identity providers of other domains that have been seen at work, by the domain whose addresses
 * they speak for: when it was last. From it address_info tells one that is not reachable now from
 * one that never was (persona.md 2.4, state "offline").
 */
#ifndef PLIMSOLL_ACCOUNTS_IDP_H
#define PLIMSOLL_ACCOUNTS_IDP_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"
#include "core/store/sql.h"
#include "core/store/store.h"

enum {
	IDP_DOMAIN_MAX = 254
};

/* When the provider of a domain (lower case) was last seen. ERR_NOT_FOUND: never. */
NODISCARD enum err idp_last_seen(
    struct sql_db *db, struct slice domain, int64_t *ret_ms, struct err_note *note);

/* For transactions: it was seen at that time, whatever stood there; or is forgotten. */
NODISCARD enum err idp_saw(
    struct txn *t, struct slice domain, int64_t seen_ms, struct err_note *note);
NODISCARD enum err idp_forget(struct txn *t, struct slice domain, struct err_note *note);

/* accounts.idp_mark: web -> store; nothing is answered. seen_ms 0: forget it. */
extern const struct rpc_def accounts_idp_mark;
void idp_put_mark(struct buf *out, struct slice domain, int64_t seen_ms);

#endif
