/*
 * What a pool counts.
 */
#include "core/store/pg_priv.h"

static const struct metric_def open_def = { "database_connections", METRIC_GAUGE, NULL,
	"Connections to PostgreSQL that are open." };
static const struct metric_def connects_def = { "database_connects_total", METRIC_COUNTER,
	"outcome", "Attempts to connect to PostgreSQL." };
static const struct metric_def refused_def = { "database_refused_total", METRIC_COUNTER, "reason",
	"Requests that got no connection: too many waited, or none was free in time." };
static const struct metric_def reruns_def = { "database_reruns_total", METRIC_COUNTER, NULL,
	"Transactions run again after a conflict or a broken connection." };
static const struct metric_def wait_def = { "database_wait_seconds", METRIC_HIST, NULL,
	"Time that a request waited for a connection." };

void pg_metric_schema(struct metric_schema *schema)
{
	metric_schema_add(schema, &open_def, NULL);
	metric_schema_add(schema, &connects_def, "ok");
	metric_schema_add(schema, &connects_def, "failed");
	metric_schema_add(schema, &refused_def, "queue");
	metric_schema_add(schema, &refused_def, "wait");
	metric_schema_add(schema, &reruns_def, NULL);
	metric_schema_add(schema, &wait_def, NULL);
}

void pg_cells_find(struct pg_cells *c, const struct metrics *m)
{
	c->open = metric_cell(m, &open_def, NULL);
	c->connects = metric_cell(m, &connects_def, "ok");
	c->failures = metric_cell(m, &connects_def, "failed");
	c->refused_queue = metric_cell(m, &refused_def, "queue");
	c->refused_wait = metric_cell(m, &refused_def, "wait");
	c->reruns = metric_cell(m, &reruns_def, NULL);
	c->wait = metric_hist(m, &wait_def, NULL);
}

void pg_count(_Atomic int64_t *cell)
{
	if (cell != NULL) {
		metric_add(cell, 1);
	}
}
