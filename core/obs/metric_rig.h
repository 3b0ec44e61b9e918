/*
 * For tests: a block of metrics in memory of its own, which one or several views are opened on.
 */
#ifndef PLIMSOLL_OBS_METRIC_RIG_H
#define PLIMSOLL_OBS_METRIC_RIG_H

#include "core/obs/metric.h"

struct metric_rig {
	struct metric_schema *schema;
	void *block;
	size_t bytes;
	unsigned slots;
};

/* A block with so many slots, for the schema without rows. */
void metric_rig_init(struct metric_rig *ret, unsigned slots);
/* A view, of a slot or (-1) of none; the caller closes it before the rig ends. */
struct metrics *metric_rig_open(const struct metric_rig *g, int slot);
void metric_rig_fini(struct metric_rig *g);

#endif
