/*
 * See metric_rig.h.
 */
#include "core/obs/metric_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum {
	LINE_BYTES = 64 /* blocks begin where a line of the cache does */
};

void metric_rig_init(struct metric_rig *ret, unsigned slots)
{
	struct metric_rig *g = ret;

	*g = (struct metric_rig){ .slots = slots };
	assert_int_equal(metric_schema_new(&g->schema), ERR_OK);
	g->bytes = metrics_block_bytes(g->schema, slots);
	g->block = metrics_block_new(g->schema, slots);
	assert_non_null(g->block);
}

struct metrics *metric_rig_open(const struct metric_rig *g, int slot)
{
	struct metrics *m = NULL;

	assert_int_equal(metrics_open(g->schema, g->block, g->bytes, g->slots, slot, &m), ERR_OK);
	return m;
}

void metric_rig_fini(struct metric_rig *g)
{
	metric_schema_free(&g->schema);
	free(g->block);
}
