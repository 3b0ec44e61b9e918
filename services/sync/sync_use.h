/*
 * Role: web. How busy the roles are that syncs need: use is that of the web processes, whose time
 * not idle counts, or that of the store, whose processor time counts (it waits for the disk while
 * others may still join the next commit).
 */
#ifndef PLIMSOLL_SYNC_SYNC_USE_H
#define PLIMSOLL_SYNC_SYNC_USE_H

#include <stdbool.h>
#include <stdint.h>

struct svc_env;

/* What the roles had used at a moment. */
struct sync_use {
	int64_t at_us, web_us, store_us;
	unsigned webs;
};

struct sync_use sync_use_now(const struct svc_env *env, int64_t now_us);

/*
 * Use of the busiest role between two moments, 1 being all it has. False: a process came or went
 * meanwhile, which makes the figure wrong.
 */
bool sync_use_between(const struct sync_use *before, const struct sync_use *now, double *ret);

#endif
