/*
 * See health_rig.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/role/health_rig.h"

static const struct metric_def connections_def = { "connections", METRIC_GAUGE, NULL, "C." };

struct health_rig *health_rig_new(int64_t now_us)
{
	static const int32_t roles[RIG_SLOTS] = { ROLE_WEB, ROLE_WEB, ROLE_COMPUTE, ROLE_STORE };
	struct health_rig *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	assert_int_equal(metric_schema_new(&g->schema), ERR_OK);
	metric_schema_add(g->schema, &connections_def, NULL);
	size_t bytes = metrics_block_bytes(g->schema, RIG_SLOTS);
	g->block = metrics_block_new(g->schema, RIG_SLOTS);
	assert_non_null(g->block);
	assert_int_equal(metrics_open(g->schema, g->block, bytes, RIG_SLOTS, -1, &g->m), ERR_OK);
	assert_int_equal(
	    metrics_open(g->schema, g->block, bytes, RIG_SLOTS, RIG_WEB_0, &g->of_web), ERR_OK);
	g->database = metric_row_find(g->m, "connections", NULL);
	g->connections = metric_cell(g->of_web, &connections_def, NULL);
	for (unsigned i = 0; i < RIG_SLOTS; i++) {
		metrics_slot(g->m, i)->role = roles[i];
		metrics_slot(g->m, i)->pid = 100 + (int32_t)i;
		metrics_slot(g->m, i)->state = SLOT_SERVING;
	}
	health_rig_turn(g, -1, now_us);
	return g;
}

void health_rig_free(struct health_rig *g)
{
	metrics_close(&g->of_web);
	metrics_close(&g->m);
	metric_schema_free(&g->schema);
	free(g->block);
	free(g);
}

void health_rig_turn(struct health_rig *g, int but, int64_t now_us)
{
	for (int i = 0; i < RIG_SLOTS; i++) {
		if (i != but) {
			metric_set(&metrics_slot(g->m, (unsigned)i)->alive_us, now_us);
		}
	}
}

void health_rig_set(struct health_rig *g, int slot, int state)
{
	metrics_slot(g->m, (unsigned)slot)->state = state;
}
