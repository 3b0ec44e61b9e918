/*
 * Role: store. What deleted accounts have left here: their stores, and their names of the old
 * protocol. accounts says who has gone (accounts/gone.h); it is removed a little at a time.
 */
#ifndef PLIMSOLL_SYNC_SYNC_GONE_H
#define PLIMSOLL_SYNC_SYNC_GONE_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/store/store.h"

enum {
	/*
	 * A token that was given out before its user went is good for a day and two hours at most,
	 * and could make the store anew. So what is removed at once is looked at again then.
	 */
	SYNC_GONE_AGAIN_MS = 26 * 3600 * 1000
};

/* One step for one account or store. ERR_END: there is nothing to do. *ret_rows: removed by it. */
NODISCARD enum err sync_gone_step(struct txn *t, int64_t *ret_rows, struct err_note *note);

/* Nothing of the store is seen any more; its records are swept up later. */
NODISCARD enum err sync_gone_erase(struct txn *t, int64_t uid, struct err_note *note);

/* The store's user, whoever it is, gets no tokens any more, and the store is removed. */
NODISCARD enum err sync_gone_retire(struct txn *t, int64_t uid, struct err_note *note);

#endif
