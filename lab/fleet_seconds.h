/*
 * Seconds of several generators put together: one is over when all have told theirs.
 */
#ifndef PLIMSOLL_LAB_FLEET_SECONDS_H
#define PLIMSOLL_LAB_FLEET_SECONDS_H

#include "lab/load.h"

enum {
	FLEET_SECONDS_OPEN = 16 /* a generator that far behind is no longer waited for */
};

struct fleet_second {
	struct load_now sum;
	struct hdr latency;
	unsigned told;
};

/* Zeroed, but for result, is the beginning. */
struct fleet_seconds {
	struct load_result *result; /* its course and its plan's at_second get what is over */
	struct fleet_second open[FLEET_SECONDS_OPEN];
	uint64_t first; /* the oldest that is not over */
};

/* The second number of a generator (it counts them from 0), of which so many tell theirs now. */
void fleet_seconds_add(
    struct fleet_seconds *s, uint64_t number, const struct load_now *now, unsigned generators);

void fleet_seconds_fini(struct fleet_seconds *s);

#endif
