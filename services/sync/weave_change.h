/*
 * What the user API of the old protocol changes (sync.md 2.3): one message from web to the store, a
 * kind for each change. Passwords come hashed.
 */
#ifndef PLIMSOLL_SYNC_WEAVE_CHANGE_H
#define PLIMSOLL_SYNC_WEAVE_CHANGE_H

#include "accounts/kdf.h"
#include "accounts/staged.h"
#include "accounts/staged_limits.h"
#include "core/base/buf.h"
#include "core/http/http.h"
#include "core/rpc/rpc.h"

enum {
	WEAVE_CHANGE_MAX = 4096 /* bytes of a request to the store */
};

enum weave_change_kind {
	WEAVE_CREATE,	    /* name, address; account_id 0: a new account with hash and kdf */
	WEAVE_SET_PASSWORD, /* name, hash, kdf */
	WEAVE_USE_CODE,	    /* the same, by code_hash */
	WEAVE_SET_EMAIL,    /* name, address */
	WEAVE_DELETE,	    /* name: the user, and all of its store */
	WEAVE_STAGE_RESET,  /* name, code_hash, link: sends the mail */
	WEAVE_CANCEL_RESET, /* name */
	WEAVE_CHANGE_KINDS
};

struct weave_change {
	enum weave_change_kind kind;
	struct slice name, address;
	int64_t account_id;
	struct slice hash; /* of the password */
	struct kdf kdf;
	struct slice code_hash, link;
	struct staged_limits limits; /* filled in by weave_change() */
};

enum weave_outcome {
	WEAVE_DONE,
	WEAVE_EXISTS,	  /* the name is taken */
	WEAVE_TAKEN,	  /* the address is another account's */
	WEAVE_UNKNOWN,	  /* no such user */
	WEAVE_NO_CODE,	  /* of a reset: unknown, used, too old, or another user's */
	WEAVE_NO_ADDRESS, /* no mail can be sent: the address is no longer the account's, or bad */
	WEAVE_TOO_SOON,	  /* mails wait for their answer */
	WEAVE_CHANGE_OUTCOMES
};

/* sync.weave_change: web -> store; the reply is one byte, the outcome. */
extern const struct rpc_def sync_weave_change;

/* Store: takes a request apart. */
NODISCARD bool weave_change_read(struct slice message, struct weave_change *ret);

/* Web, in a task. */
NODISCARD enum err weave_change(
    struct op_call *c, const struct weave_change *change, enum weave_outcome *ret);

#endif
