/*
 * Whose activity has begun: users whose requests were served a moment ago. What they ask for next
 * belongs to work that is half done, and is refused last (load-and-overload.md 4.3: tickets). The
 * ticket is not with the client but here, so clients need know nothing of it: one table for all web
 * processes, by a number that names a user. Where its places are taken the one who was seen longest
 * ago is forgotten, and is then treated as anybody who begins.
 *
 * A number that stands in a path may be anybody's claim; only requests that were proved to be the
 * user's may be noted.
 */
#ifndef PLIMSOLL_GRACE_BEGUN_H
#define PLIMSOLL_GRACE_BEGUN_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/shared_words.h"

enum {
	BEGUN_PLACES = 64 * 1024 /* words of a table, of 8 bytes each */
};

/* who: 0 to 2^43. now_s: calendar time. */
void begun_note(const struct shared_words *table, int64_t who, int64_t now_s);
/* Was he noted less than within_s seconds ago? within_s: up to a day. */
bool begun_is(const struct shared_words *table, int64_t who, unsigned within_s, int64_t now_s);

#endif
