/*
 * Changes of an account by whoever is logged in to it, one transaction each: another password, an
 * address less, the end of the account, an address that its provider vouches for.
 */
#ifndef PLIMSOLL_IDENTITY_ACCOUNT_CHANGE_H
#define PLIMSOLL_IDENTITY_ACCOUNT_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/kdf.h"
#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"

/* What is to be done; fields that a change does not need are empty. */
enum change_kind {
	CHANGE_PASSWORD,	/* old_hash, new_hash, kdf, ends_sessions */
	CHANGE_REMOVE_EMAIL,	/* address */
	CHANGE_CANCEL,		/* - */
	CHANGE_USED_PRIMARY,	/* address: last used as primary */
	CHANGE_USED_SECONDARY,	/* address: last used as secondary */
	CHANGE_ADD_PRIMARY,	/* address: the account gets it, from whoever had it */
	CHANGE_SIGN_IN_PRIMARY, /* address: its account, or a new one (account_id 0) */
	CHANGE_KINDS
};

extern const struct rpc_def identity_change;

struct change_req {
	enum change_kind kind;
	int64_t account_id;
	struct slice address;
	struct slice old_hash, new_hash;
	struct kdf kdf;
	bool ends_sessions;
	bool may_create; /* CHANGE_SIGN_IN_PRIMARY: as [identity] signup says */
};

enum change_outcome {
	CHANGE_DONE,
	CHANGE_NOT_OWNED, /* the account is gone or does not have the address */
	CHANGE_STALE,	  /* the password is no longer old_hash */
	CHANGE_FULL,
	CHANGE_LOCKED,
	CHANGE_CLOSED, /* no new accounts */
	CHANGE_OUTCOMES
};

struct changed {
	enum change_outcome outcome;
	bool account_gone;
	int64_t account_id, password_reset_ms;
};

void change_req_put(struct buf *out, const struct change_req *r);
NODISCARD bool change_req_take(struct slice message, struct change_req *ret);
void changed_put(struct buf *out, const struct changed *c);
NODISCARD bool changed_take(struct slice message, struct changed *ret);

#endif
