/*
 * Role: web. Whose sync has begun: users whose requests were served a moment ago. What they ask for
 * next belongs to work that is half done, and is refused last. One table for all web processes, by
 * uid; where its places are taken the user who was seen longest ago is forgotten, and is then
 * treated as anybody who begins.
 *
 * A uid stands in the path, so anybody may claim to go on with somebody's sync; only requests that
 * were signed by the user put it into the table.
 */
#ifndef PLIMSOLL_SYNC_BEGUN_H
#define PLIMSOLL_SYNC_BEGUN_H

#include <stdbool.h>

#include "services/sync/shared_words.h"

enum {
	SYNC_BEGUN_PLACES = 64 * 1024, /* of 8 bytes each */
	/* The requests of a sync follow each other within seconds; browsers that hurry sync every
	 * 90 s. */
	SYNC_BEGUN_S = 60
};

/* The table has SYNC_BEGUN_PLACES words. uid: 0 to 2^43. now_s: calendar time. */
void sync_begun_note(const struct shared_words *table, int64_t uid, int64_t now_s);
bool sync_has_begun(const struct shared_words *table, int64_t uid, int64_t now_s);

#endif
