/*
 * What is known about mail to an address since it was last answered: the token of its return path
 * (VERP), and whether mail came back. A row begins with the first mail and ends when a token that
 * was mailed to the address is used, which proves that mail arrives, or after 60 days.
 *
 * The token is 80 random bits. Only who has received a mail at the address, or a server on its way,
 * knows it, so nobody else can make an address look bad.
 */
#ifndef PLIMSOLL_ACCOUNTS_MAIL_ADDRESS_H
#define PLIMSOLL_ACCOUNTS_MAIL_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "accounts/bounce.h"
#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"
#include "core/store/store.h"

struct mail_address {
	int64_t mailed_ms; /* the last mail was made */
	int64_t soft;	   /* times that mail was late, or came back for a reason that may pass */
	int64_t hard_ms;   /* 0, or when mail came back for good */
	struct slice status, told; /* of the last bounce, in the caller's arena */
};

/* ERR_NOT_FOUND: no mail since the address was answered. key is of email_key(). */
NODISCARD enum err mail_address_find(struct sql_db *db, struct arena *arena, struct slice key,
    struct mail_address *ret, struct err_note *note);

/* Did mail come back for good within the last hold_ms? */
NODISCARD enum err mail_address_is_held(
    struct txn *t, struct slice address, int64_t hold_ms, bool *ret, struct err_note *note);

/* In a transaction that makes a mail: the token of its return path. */
NODISCARD enum err mail_address_note(
    struct txn *t, struct slice recipient, char ret_verp[VERP_LEN + 1], struct err_note *note);

/* A mailed token was used, or an operator knows better: forgets what came back. */
NODISCARD enum err mail_address_forget(struct txn *t, struct slice key, struct err_note *note);

enum bounce_effect {
	BOUNCE_UNKNOWN, /* no mail of ours, or it was answered since */
	BOUNCE_COUNTED, /* it may pass */
	BOUNCE_MARKED,	/* the address gets no more mails for a while */
	BOUNCE_EFFECTS
};

/* Takes a bounce in: of the return path's token, or (no token) of an address. */
NODISCARD enum err mail_address_bounced(
    struct txn *t, const struct bounce *b, enum bounce_effect *ret, struct err_note *note);

/* ---- accounts.mail_bounced: admin -> store ---- */

extern const struct rpc_def accounts_mail_bounced;

void mail_bounced_put(struct buf *out, const struct bounce *b);
NODISCARD bool mail_bounced_take(struct slice message, struct bounce *ret);
/* The reply is one byte, enum bounce_effect. */
NODISCARD bool mail_bounced_take_reply(struct slice message, enum bounce_effect *ret);

#endif
