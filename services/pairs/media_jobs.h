/*
 * Role: web. The chores of pictures, in tasks beside the requests: having sizes made, one picture
 * at a time in each process, and removing what nobody finds any more. What there is to do stands in
 * the database, so a process that dies leaves it to the others.
 */
#ifndef PLIMSOLL_PAIRS_MEDIA_JOBS_H
#define PLIMSOLL_PAIRS_MEDIA_JOBS_H

#include "core/service.h"

struct media_jobs {
	bool makes;	/* a task is at it */
	bool cleans;	/* likewise */
	bool again;	/* there may be more than it has seen */
	unsigned shard; /* of the store, to be looked at next for files that no row has */
};

/* At the start of a web process: looks for what others have left, again and again. */
void media_jobs_start(struct svc_env *env);

/* A picture has come. */
void media_jobs_wake(struct svc_env *env);

#endif
