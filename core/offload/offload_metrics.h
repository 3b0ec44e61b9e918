/*
 * The counters of the role offload in the metrics block.
 */
#ifndef PLIMSOLL_OFFLOAD_OFFLOAD_METRICS_H
#define PLIMSOLL_OFFLOAD_OFFLOAD_METRICS_H

#include "core/obs/metric.h"
#include "core/offload/offload.h"

enum {
	OFFLOAD_RESULTS = 7
};

struct offload_cells {
	_Atomic int64_t *jobs[OFFLOAD_RESULTS];
	_Atomic int64_t *connected, *helpers, *strangers, *processes, *helpers_lost;
	struct metric_slot *slot;
	struct offload_counts before;
};

/* The families; part of every schema. */
void offload_metric_schema(struct metric_schema *schema);

void offload_cells_find(struct offload_cells *c, const struct metrics *m);

/* Adds what has come since the last time. */
void offload_cells_update(struct offload_cells *c, const struct offload *o, bool is_connected);

#endif
