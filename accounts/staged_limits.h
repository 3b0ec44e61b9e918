/*
 * How often strangers may cause mails: one address gets one mail, and the next one when that is
 * answered or a while has passed; one account has so many waiting; an address that mail came back
 * from gets none for a while. Whatever stages a change and mails its token asks here, inside of its
 * transaction, so that there is no door with a limit of its own.
 */
#ifndef PLIMSOLL_ACCOUNTS_STAGED_LIMITS_H
#define PLIMSOLL_ACCOUNTS_STAGED_LIMITS_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/base/wire.h"
#include "core/conf/conf.h"
#include "core/store/store.h"

struct staged_limits {
	int64_t min_interval_ms; /* since the last mail to the address that is not answered */
	int64_t free_mails;	 /* so many to one address need not wait */
	int64_t max_waiting;	 /* staged rows of one account, from 1 */
	int64_t hold_ms;	 /* no mail to an address so long after one came back for good */
};

/* As configured, with one mail at once. */
struct staged_limits staged_limits_of(const struct conf *conf);

/* In messages. False: they cannot be. */
void staged_limits_put(struct buf *out, const struct staged_limits *l);
NODISCARD bool staged_limits_take(struct wire_reader *r, struct staged_limits *ret);

enum staged_limit {
	STAGED_MAY_MAIL,
	STAGED_SAME, /* this very token is staged already: nothing is to be done */
	STAGED_TOO_SOON,
	STAGED_BOUNCED
};

/*
 * May a token be staged for the address and mailed? account_id: that has caused it; 0: nobody's.
 * *ret_mails: how many were sent to the address without an answer, for struct staged.
 */
NODISCARD enum err staged_limits_ask(struct txn *t, const struct staged_limits *l,
    struct slice address, int64_t account_id, struct slice token_hash, enum staged_limit *ret,
    int64_t *ret_mails, struct err_note *note);

#endif
