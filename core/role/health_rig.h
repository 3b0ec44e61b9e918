/*
 * A metrics block with two web processes, compute and a store, for tests of health. Test code only.
 */
#ifndef PLIMSOLL_ROLE_HEALTH_RIG_H
#define PLIMSOLL_ROLE_HEALTH_RIG_H

#include "core/obs/metric.h"

enum {
	RIG_WEB_0,
	RIG_WEB_1,
	RIG_COMPUTE,
	RIG_STORE,
	RIG_SLOTS
};

struct health_rig {
	struct metric_schema *schema;
	struct metrics *m, *of_web; /* a reader, and the first web process */
	void *block;
	const struct metric_row *database; /* a gauge */
	_Atomic int64_t *connections;	   /* web 0's cell of it */
};

/* All serve and turn their loops at now_us. */
struct health_rig *health_rig_new(int64_t now_us);
void health_rig_free(struct health_rig *g);

/* All that are not named turn their loops at now_us; -1 names nobody. */
void health_rig_turn(struct health_rig *g, int but, int64_t now_us);
void health_rig_set(struct health_rig *g, int slot, int state);

#endif
