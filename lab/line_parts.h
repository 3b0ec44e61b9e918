/*
 * Each activity of a probe by itself. What is dear is often rare: a target that refuses every
 * password, a hundredth of all activities, still does 99 % of them, and yet nobody would call the
 * load held. Too few come for a sequential test of each, so this is an exact test of the counts at
 * the moment when the sum of all was found to be held.
 */
#ifndef PLIMSOLL_LAB_LINE_PARTS_H
#define PLIMSOLL_LAB_LINE_PARTS_H

#include <stdint.h>

#include "lab/model.h"

/* Counts of one activity since the run began. */
struct line_part {
	const char *name; /* borrowed from the model */
	uint64_t begun, done;
};

struct line_parts {
	struct line_part part[MODEL_ACTIVITIES_MAX];
	unsigned n;
};

enum line_parts_verdict {
	LINE_PARTS_SERVED,
	LINE_PARTS_DOUBTFUL, /* one may be refused: more of it have to come */
	LINE_PARTS_UNSERVED,
};

struct line_parts_finding {
	enum line_parts_verdict verdict;
	const char *name; /* of the one that is served least */
	double n, unserved;
};

/*
 * Of all that was begun between the two: is there an activity of which more than the share
 * allowed is not done? error: the chance of a wrong UNSERVED, over all activities.
 */
struct line_parts_finding line_parts_judge(
    const struct line_parts *from, const struct line_parts *to, double allowed, double error);

/* The chance that of n, each with chance p, at least k happen; up to the mean, 1 is said. */
double line_parts_tail(double n, double k, double p);

#endif
