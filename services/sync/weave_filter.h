/*
 * Role: web. Query parameters of lists of the old protocol (sync.md 2.2).
 */
#ifndef PLIMSOLL_SYNC_WEAVE_FILTER_H
#define PLIMSOLL_SYNC_WEAVE_FILTER_H

#include "services/sync/db.h"
#include "services/sync/params.h"
#include "services/sync/weave.h"

/* Which records are meant. */
struct weave_filter {
	struct sync_ids ids;
	bool has_ids, is_full, is_any; /* is_any: no filter at all */
	int64_t newer_ms, older_ms;
	bool has_above, has_below;
	int64_t above, below; /* of sortindex, both exclusive */
	bool has_parentid, has_predecessorid;
	struct slice parentid, predecessorid;
	enum sync_stmt order;
	int64_t limit, skip;
};

/* False: one is malformed. offset counts only where limit stands beside it. */
NODISCARD bool weave_filter_take(struct op_call *c, struct weave_filter *f);

/*
 * weave_find.c: appends the ids of the records that are meant, in their order, each behind a byte
 * with its length. With ids=, limit and offset are about those that were asked for. ERR_LIMIT: they
 * are too many.
 */
NODISCARD enum err weave_find(struct weave_call *w, const struct weave_filter *f,
    int64_t collection, struct buf *ids, int64_t *ret_n);

#endif
