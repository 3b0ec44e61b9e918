/*
 * Making an account, in two transactions: stage_user puts a staged row and a mail, and
 * complete_user_creation turns the row of a token into an account. Both are pure data in and out;
 * passwords arrive hashed, tokens as hashes, mails composed.
 */
#ifndef PLIMSOLL_IDENTITY_SIGNUP_H
#define PLIMSOLL_IDENTITY_SIGNUP_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/kdf.h"
#include "accounts/outbox.h"
#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"

/* ---- identity.stage_user: web -> store ---- */

extern const struct rpc_def identity_stage_user;

struct stage_user_req {
	struct slice token_hash, password_hash;
	struct kdf kdf;
	int64_t lifetime_ms;	 /* of the token */
	int64_t min_interval_ms; /* since the address was staged last */
	struct outbox_mail mail; /* to the address; its recipient is the address as written */
};

enum stage_outcome {
	STAGE_DONE = 0, /* also when the same token was staged before: nothing is sent twice */
	STAGE_TOO_SOON = 1,
};

void stage_user_put(struct buf *out, const struct stage_user_req *r);
NODISCARD bool stage_user_take(struct slice message, struct stage_user_req *ret);
/* The reply is one byte, enum stage_outcome. */
NODISCARD bool stage_outcome_take(struct slice message, enum stage_outcome *ret);

/* ---- identity.complete_user_creation: web -> store; the request is the token's hash ---- */

extern const struct rpc_def identity_complete_user_creation;

struct creation {
	bool is_done; /* false: the token is unknown, expired or used */
	int64_t account_id, password_reset_ms;
};
void creation_put(struct buf *out, const struct creation *r);
NODISCARD bool creation_take(struct slice message, struct creation *ret);

#endif
