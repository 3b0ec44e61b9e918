/*
 * Role: store. What the files of sync.weave_change share: a change under way.
 */
#ifndef PLIMSOLL_SYNC_WEAVE_CHANGING_H
#define PLIMSOLL_SYNC_WEAVE_CHANGING_H

#include "accounts/account.h"
#include "services/sync/weave.h"
#include "services/sync/weave_change.h"

struct weave_changing {
	struct txn *t;
	const struct weave_change *r;
	struct weave_user user;
	struct account account; /* of a user that is there */
	enum weave_outcome outcome;
	struct err_note *note;
};

/* weave_known.c: changes of a user that is there. Refusals are the outcome. */

/* The address before goes with it, unless its owner has shown that it is theirs. */
NODISCARD enum err weave_set_email(struct weave_changing *c);
NODISCARD enum err weave_stage_reset(struct weave_changing *c);
NODISCARD enum err weave_cancel_reset(struct weave_changing *c);
/* The account goes along if nothing else can be of use to anybody: no address is verified. */
NODISCARD enum err weave_delete_user(struct weave_changing *c);

#endif
