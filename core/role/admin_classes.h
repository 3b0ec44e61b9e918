/*
 * Requests let in and refused by how early they are refused (shed rank), summed over the operations
 * of each.
 */
#ifndef PLIMSOLL_ROLE_ADMIN_CLASSES_H
#define PLIMSOLL_ROLE_ADMIN_CLASSES_H

#include "core/base/json.h"
#include "core/grace/cost.h"
#include "core/obs/metric.h"

struct svc_env;

enum {
	ADMIN_CLASS_OPS = 1024
};

struct admin_classes {
	const struct metrics *metrics;
	struct {
		const struct metric_row *requests, *refused;
		enum shed_rank rank;
	} ops[ADMIN_CLASS_OPS];
	unsigned n;
	bool has[SHED_RANKS]; /* an operation has that rank */
};

/* The operations of all services that run. */
void admin_classes_open(struct admin_classes *c, const struct svc_env *env);

/* {RANK: {"title": ..., "admitted": N, "refused": N}}, counted since the start, last to go first.
 */
void admin_classes_put_json(const struct admin_classes *c, struct json_writer *w);

/* As two families of Prometheus by class. */
void admin_classes_write_prometheus(const struct admin_classes *c, struct buf *out);

#endif
