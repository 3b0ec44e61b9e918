/*
 * Query parameters of the storage (sync.md 1.4, 1.7). Unknown ones are ignored; of several with one
 * name the first counts.
 */
#ifndef PLIMSOLL_SYNC_PARAMS_H
#define PLIMSOLL_SYNC_PARAMS_H

#include "core/http/http.h"
#include "services/sync/stamp.h"

enum {
	SYNC_IDS_MAX = 100
};

struct sync_ids {
	unsigned n;
	struct slice list[SYNC_IDS_MAX];
};

/* ids=a,b; *ret_is_there: the parameter is. False: too many, or one that cannot be. */
NODISCARD bool sync_ids_take(struct op_call *c, struct sync_ids *ret, bool *ret_is_there);

enum sync_sort {
	SYNC_NEWEST,
	SYNC_OLDEST,
	SYNC_INDEX
};

/* A record's place in an order: its time (or sortindex) and, among equals, its id. */
struct sync_place {
	int64_t at;
	struct slice id;
};

struct sync_list_params {
	struct sync_ids ids;
	bool has_ids, is_full, has_limit, has_offset;
	int64_t newer_ms; /* -1: all are newer */
	int64_t older_ms; /* INT64_MAX: all are older */
	int64_t limit;
	enum sync_sort sort;
	struct sync_place offset; /* the last record of the page before */
};

/* False: one is malformed. */
NODISCARD bool sync_list_params_take(struct op_call *c, struct sync_list_params *ret);

/* Text for X-Weave-Next-Offset; empty beyond the arena's memory. */
struct slice sync_offset_text(
    struct arena *arena, enum sync_sort sort, const struct sync_place *last);

struct sync_post_params {
	bool has_batch, commits;
	int64_t batch; /* 0: a new one */
};

/* False: malformed, or commit without batch. */
NODISCARD bool sync_post_params_take(struct op_call *c, struct sync_post_params *ret);

#endif
