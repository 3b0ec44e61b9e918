/*
 * Role: web. How near the line syncs are: the use of the busiest of the roles that syncs need, or
 * that of the processors that all roles share, whichever is more. Roles that have a processor each
 * are full one by one; those that share one are full together, while none of them looks it.
 *
 * A web process is as busy as its loop is not idle, because it waits for nothing else; the store by
 * its processor time, because it waits for the disk while others may still join the next commit.
 * Of the processors counts what goes before the rest: roles of a lower priority (role_table) give
 * way, so a night of hashing or indexing sends no browser away.
 */
#ifndef PLIMSOLL_SYNC_SYNC_USE_H
#define PLIMSOLL_SYNC_SYNC_USE_H

#include <stdbool.h>
#include <stdint.h>

struct metrics;

/* What the roles had used at a moment. */
struct sync_use {
	int64_t at_us, web_us, store_us;
	int64_t cpu_us; /* of all roles that do not give way */
	unsigned webs, processes, cores;
};

/* Of the processes that serve; cores: how many processors they may use together. */
struct sync_use sync_use_now(const struct metrics *m, unsigned cores, int64_t now_us);

/*
 * Use between two moments, 1 being all there is. False: a process came or went meanwhile, which
 * makes the figure wrong.
 */
bool sync_use_between(const struct sync_use *before, const struct sync_use *now, double *ret);

#endif
