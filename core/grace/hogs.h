/*
 * Hogs: users who ask for far more than others do. A user who does is no reason to shut others out,
 * so of what he asks for only as much is treated like theirs as one of them asks for; what becomes
 * of the rest is the level's affair (level.h).
 *
 * What users have asked for lately is kept in a count-min sketch, so that each of them costs no
 * memory, and one can only be taken for another's hog where all rows say so. Costs are
 * microseconds; a tick is the level's.
 */
#ifndef PLIMSOLL_GRACE_HOGS_H
#define PLIMSOLL_GRACE_HOGS_H

#include <stdint.h>

enum {
	HOGS_ROWS = 3,
	HOGS_CELLS = 1024, /* four who share one by chance must not look like a hog */
};

struct hogs {
	float cost[HOGS_ROWS][HOGS_CELLS]; /* fading over seconds */
	double most;			   /* what makes a hog; 0: not known yet */
};

/*
 * Counts what a user (any bits that name him) asks for. Of it so much is to be treated like what
 * others ask for: 1, or a share for a hog.
 */
double hogs_count(struct hogs *h, uint64_t user, double cost_us);

/*
 * A tick is over. mean_cost_us: of a request, lately; usual_us: what there is room for in a tick
 * while nothing stands, as a measure of what is much for one user.
 */
void hogs_tick(struct hogs *h, double mean_cost_us, double usual_us);

#endif
