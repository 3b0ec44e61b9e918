/*
 * Work that nobody has asked for just now, of which web asks the store what there is: the next
 * picture whose sizes are to be made, leased so that one process has it at a time and another one
 * gets it if that one dies; and what is to be removed, a bounded number of rows at a time.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_CHORES_H
#define PLIMSOLL_PAIRS_PAIRS_CHORES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/rpc/rpc.h"
#include "services/pairs/picture_kind.h"

enum {
	PAIRS_CHORE_TRIES_MAX = 10,  /* leases of one picture; then it is given up */
	PAIRS_CHORE_CRASHES_MAX = 3, /* likewise, times that it was the end of its worker */
	PAIRS_CLEAN_MAX = 16,	     /* pictures of one call */
	PAIRS_CLEAN_ROWS = 200,	     /* rows that one call removes of each table */
};

/* Bits of given of PAIRS_MEDIA_LATER. */
enum pairs_chore_fault {
	PAIRS_CHORE_TRIED = 1, /* the lease counts */
	PAIRS_CHORE_CRASHED = 2,
};

/* pairs.picture_lease, pairs.clean: web -> store */
extern const struct rpc_def pairs_picture_lease, pairs_clean;

struct pairs_picture_job {
	bool is_there; /* else there is nothing to do */
	int64_t owner, id, lease;
	enum picture_use use;
	int64_t tries, crashes; /* before this lease */
};

/* lease: a random number, the caller's claim. */
void pairs_lease_put(struct buf *out, int64_t lease, int64_t lease_ms);
NODISCARD bool pairs_lease_take(struct slice message, struct pairs_picture_job *ret);

struct pairs_picture_key {
	int64_t owner, id;
	enum picture_use use;
};

struct pairs_clean_list {
	bool more; /* of a reply: call again, there is more to do */
	uint32_t n;
	struct pairs_picture_key pictures[PAIRS_CLEAN_MAX];
};

/*
 * A call says which pictures have no files any more, so that their rows can go; the reply whose
 * files are to go next. What is not confirmed comes again in a later call.
 */
void pairs_clean_put(struct buf *out, const struct pairs_clean_list *list);
NODISCARD bool pairs_clean_take(struct slice message, struct pairs_clean_list *ret);

#endif
