/*
 * How much of each role is in use, from the metrics block: the time its processes were not idle and
 * the time they were there at all, added up, and the waits that new work has to expect. Two looks
 * give the use of what lies between them. A process' own times begin anew with it; what is added up
 * here does not.
 */
#ifndef PLIMSOLL_OBS_ROLE_USE_H
#define PLIMSOLL_OBS_ROLE_USE_H

#include "core/base/err.h"
#include "core/obs/metric.h"

/* All but the waits only grows. */
struct role_use_look {
	int64_t at_us;
	int64_t cpu_us;					  /* of all our processes */
	int64_t busy_us[ROLE_COUNT], live_us[ROLE_COUNT]; /* sums over the running ones of a role */
	/* Expected wait now, of those that run: in the fullest, and in the emptiest (-1: none). */
	int64_t longest_wait_us[ROLE_COUNT], shortest_wait_us[ROLE_COUNT];
};

struct role_use {
	const struct metrics *metrics;
	struct role_use_seen {
		int64_t cpu_us, busy_us;
		int32_t pid;
	} * seen;		   /* owned; of each slot at the last look */
	struct role_use_look look; /* the last one */
	bool looked;
};

/* ERR_MEMORY. */
NODISCARD enum err role_use_open(struct role_use *u, const struct metrics *m);
void role_use_close(struct role_use *u);

/* Brings u->look on to now_us. */
void role_use_take(struct role_use *u, int64_t now_us);

/* 0..1 between two looks; NAN where no process of the role ran. */
double role_use_share(
    const struct role_use_look *newer, const struct role_use_look *older, enum role_id role);
/* Processor cores that our processes used between them. */
double role_use_cores(const struct role_use_look *newer, const struct role_use_look *older);

/*
 * The largest share of all roles, and of the cores that we may use; in *ret_fullest the name of
 * the role, or "processors".
 */
double role_use_fullest(const struct role_use_look *newer, const struct role_use_look *older,
    unsigned cores, const char **ret_fullest);

#endif
