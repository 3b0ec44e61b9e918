/*
 * What the operations of a cost class need besides the loop, as it stands now: a resource, the wait
 * in front of it, and how many of its places are taken.
 */
#ifndef PLIMSOLL_GRACE_NEEDS_H
#define PLIMSOLL_GRACE_NEEDS_H

#include "core/grace/admit.h"

enum {
	/* Of the calls that a resource takes, in thousandths: the rest is for work begun. */
	NEEDS_USED_MOST = 750
};

struct grace_need {
	enum grace_refusal which;
	struct resource_seen seen;
	unsigned used; /* of its places, in thousandths */
};

/* False: nothing but the loop. */
bool grace_needs(const struct grace_load *load, enum cost_class cost, struct grace_need *ret);

#endif
