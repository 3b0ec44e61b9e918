/*
 * Changes that wait for the answer to a mail, in two transactions: identity.stage puts a staged row
 * and a mail, identity.complete does what the row of a token says. Both re-check inside the
 * transaction what web has seen before it. Pure data in and out: passwords arrive hashed, tokens as
 * hashes, mails composed.
 */
#ifndef PLIMSOLL_IDENTITY_STAGING_H
#define PLIMSOLL_IDENTITY_STAGING_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/kdf.h"
#include "accounts/outbox.h"
#include "accounts/staged.h"
#include "accounts/staged_limits.h"
#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"

/* ---- identity.stage: web -> store ---- */

extern const struct rpc_def identity_stage;

struct stage_req {
	enum staged_kind kind;
	bool creates_unverified; /* STAGED_ADD for an account that is made now, unverified */
	int64_t account_id;	 /* 0: none yet */
	struct slice token_hash;
	struct slice password_hash; /* empty: none */
	struct kdf kdf;
	int64_t lifetime_ms; /* of the token */
	struct staged_limits limits;
	struct slice test_token; /* the token itself for test doors; else empty */
	struct outbox_mail mail; /* to the address; its recipient is the address as written */
};

enum stage_outcome {
	STAGE_DONE, /* also when the same token was staged before: nothing is sent twice */
	STAGE_TOO_SOON,
	STAGE_NOT_OWNED, /* the address is not (or no longer) the account's, or the account gone */
	STAGE_IS_VERIFIED,
	STAGE_NEEDS_PASSWORD,
	STAGE_HAS_PASSWORD,
	STAGE_FULL,    /* the account has as many addresses as it may have */
	STAGE_TAKEN,   /* an unverified account for an address that somebody has */
	STAGE_BOUNCED, /* mail to the address came back */
	STAGE_OUTCOMES
};

void stage_req_put(struct buf *out, const struct stage_req *r);
NODISCARD bool stage_req_take(struct slice message, struct stage_req *ret);
/* The reply is one byte, enum stage_outcome. */
NODISCARD bool stage_outcome_take(struct slice message, enum stage_outcome *ret);

/* ---- identity.complete: web -> store ---- */

extern const struct rpc_def identity_complete;

/* The call that a token is used by: each takes its own kinds of staged rows. */
enum complete_call {
	COMPLETE_CREATION,     /* STAGED_NEW */
	COMPLETE_CONFIRMATION, /* STAGED_ADD, STAGED_REVERIFY */
	COMPLETE_RESET,	       /* STAGED_RESET */
	COMPLETE_TRANSITION,   /* STAGED_TRANSITION */
	COMPLETE_CALLS
};
bool complete_takes(enum complete_call call, enum staged_kind kind);

struct complete_req {
	enum complete_call call;
	struct slice token_hash;
	struct slice password_hash; /* chosen now, for rows that have none; or empty */
	struct kdf kdf;
	struct slice address; /* the same, for the row STAGED_FIRST */
};

enum complete_outcome {
	COMPLETE_DONE,
	COMPLETE_UNKNOWN, /* no such token, expired, used, or for another call */
	COMPLETE_LOCKED,
	COMPLETE_FULL,
	COMPLETE_NEEDS_PASSWORD,
	COMPLETE_NEEDS_ADDRESS,
	COMPLETE_TAKEN, /* somebody has that address */
	COMPLETE_OUTCOMES
};

struct completion {
	enum complete_outcome outcome;
	int64_t account_id, password_reset_ms;
};

void complete_req_put(struct buf *out, const struct complete_req *r);
NODISCARD bool complete_req_take(struct slice message, struct complete_req *ret);
void completion_put(struct buf *out, const struct completion *r);
NODISCARD bool completion_take(struct slice message, struct completion *ret);

#endif
