/*
 * See offload_metrics.h. One row per counter of jobs.
 */
#include "core/offload/offload_metrics.h"

#include <string.h>

/* clang-format off */
static const struct metric_def jobs_def = { "helper_jobs_total", METRIC_COUNTER, "result",
	"Compute jobs by what became of them at helpers on other machines: sent; answered; busy (refused: a helper was full, or none could do it in time); again (given to another helper); lost (with a helper or the connection); cancelled (too late, or the client left); bad (messages that were none of ours)." };
static const struct metric_def connected_def = { "helper_nats_connected", METRIC_GAUGE, NULL,
	"1 while there is a connection to the NATS server of [nats] url." };
static const struct metric_def helpers_def = { "helpers", METRIC_GAUGE, NULL,
	"Helpers that take jobs now." };
static const struct metric_def strangers_def = { "helpers_of_another_version", METRIC_GAUGE, NULL,
	"Helpers that get no jobs because their program is of another version than this server." };
static const struct metric_def processes_def = { "helper_processes", METRIC_GAUGE, NULL,
	"Compute processes of those helpers together." };
static const struct metric_def lost_def = { "helpers_lost_total", METRIC_COUNTER, NULL,
	"Helpers that went without saying so." };

static const struct {
	const char *name;
	size_t at;
} results[OFFLOAD_RESULTS] = {
	{ "sent",      offsetof(struct offload_counts, sent) },
	{ "answered",  offsetof(struct offload_counts, answered) },
	{ "busy",      offsetof(struct offload_counts, busy) },
	{ "again",     offsetof(struct offload_counts, again) },
	{ "lost",      offsetof(struct offload_counts, lost) },
	{ "cancelled", offsetof(struct offload_counts, cancelled) },
	{ "bad",       offsetof(struct offload_counts, bad) },
};
/* clang-format on */

static int64_t value(const struct offload_counts *counts, unsigned i)
{
	uint64_t n = 0;

	memcpy(&n, (const char *)counts + results[i].at, sizeof(n));
	return (int64_t)n;
}

void offload_metric_schema(struct metric_schema *schema)
{
	for (unsigned i = 0; i < OFFLOAD_RESULTS; i++) {
		metric_schema_add(schema, &jobs_def, results[i].name);
	}
	metric_schema_add(schema, &connected_def, NULL);
	metric_schema_add(schema, &helpers_def, NULL);
	metric_schema_add(schema, &strangers_def, NULL);
	metric_schema_add(schema, &processes_def, NULL);
	metric_schema_add(schema, &lost_def, NULL);
}

void offload_cells_find(struct offload_cells *c, const struct metrics *m)
{
	*c = (struct offload_cells){ .connected = metric_cell(m, &connected_def, NULL),
		.helpers = metric_cell(m, &helpers_def, NULL),
		.strangers = metric_cell(m, &strangers_def, NULL),
		.processes = metric_cell(m, &processes_def, NULL),
		.helpers_lost = metric_cell(m, &lost_def, NULL),
		.slot = metrics_own_slot(m) };
	for (unsigned i = 0; i < OFFLOAD_RESULTS; i++) {
		c->jobs[i] = metric_cell(m, &jobs_def, results[i].name);
	}
}

void offload_cells_update(struct offload_cells *c, const struct offload *o, bool is_connected)
{
	const struct offload_counts now = offload_counts(o);
	const struct helpers_count helpers = offload_helpers(o);
	const unsigned out = offload_out(o);
	const int64_t wait_us = offload_wait_us(o);

	for (unsigned i = 0; i < OFFLOAD_RESULTS; i++) {
		metric_add(c->jobs[i], value(&now, i) - value(&c->before, i));
	}
	metric_add(c->helpers_lost, (int64_t)(now.helpers_lost - c->before.helpers_lost));
	metric_set(c->connected, is_connected ? 1 : 0);
	metric_set(c->helpers, helpers.usable);
	metric_set(c->strangers, helpers.strangers);
	metric_set(c->processes, helpers.processes);
	/* As of any process that works through a queue: what waits is what no process there has. */
	metric_set(&c->slot->queue_len, out > helpers.processes ? out - helpers.processes : 0);
	metric_set(&c->slot->queue_wait_us, wait_us == RPC_WAIT_CLOSED ? 0 : wait_us);
	metric_set(&c->slot->busy, out);
	c->before = now;
}
