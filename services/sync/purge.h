/*
 * sync.purge: removes what nobody sees any more, a little at a time, so that nobody waits for it:
 * records of deleted collections, closed and expired batches, expired records, what deleted
 * accounts have left.
 */
#ifndef PLIMSOLL_SYNC_PURGE_H
#define PLIMSOLL_SYNC_PURGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/rpc/rpc.h"
#include "core/service.h"
#include "core/store/sql.h"

extern const struct rpc_def sync_purge;

enum {
	SYNC_PURGE_ROWS = 200,		       /* of one step: some milliseconds */
	SYNC_PURGE_GRACE_MS = 24 * 3600 * 1000 /* so long expired records stay: one look a day */
};

struct sync_purged {
	int64_t rows;  /* removed in this step */
	bool has_more; /* there may be more to do now */
};
NODISCARD bool sync_purged_take(struct slice message, struct sync_purged *ret);

/* One step; expired records are removed that expired grace_ms before now. */
NODISCARD enum err sync_purge_step(struct sql_db *db, struct arena *arena, int64_t now_ms,
    int64_t grace_ms, int64_t most, struct sync_purged *ret, struct err_note *note);

/* The admin role's turn, every few seconds: steps until there is nothing to do. */
void sync_purge_watch(struct svc_env *env, void *state);

#endif
