/*
 * What the store counts, and the time of each named statement in any process that reads the
 * database.
 */
#include <stdlib.h>

#include "core/base/check.h"
#include "core/obs/log.h"
#include "core/store/sql_priv.h"
#include "core/store/store_priv.h"

enum {
	TIMING_SLOTS = 1024
}; /* more than all statements of all services */

static const struct metric_def outcome_def = { "store_requests_total", METRIC_COUNTER, "outcome",
	"Requests to transaction functions by outcome." };
static const struct metric_def reads_def = { "store_reads_total", METRIC_COUNTER, NULL,
	"Reads answered by the store role." };
static const struct metric_def batch_def = { "store_commits_total", METRIC_COUNTER, "requests",
	"Commits by the number of requests that shared them." };
static const struct metric_def commit_def = { "store_commit_seconds", METRIC_HIST, NULL,
	"Time of a commit, fsync included." };
static const struct metric_def wal_def = { "store_wal_bytes", METRIC_GAUGE, NULL,
	"Length of the write-ahead log." };
static const struct metric_def checkpoint_def = { "store_checkpoint_seconds", METRIC_HIST, NULL,
	"Time of a checkpoint." };
static const struct metric_def pauses_def = { "store_pauses_total", METRIC_COUNTER, NULL,
	"Times that the writer had to wait for a checkpoint." };
static const struct metric_def sql_def = { "sql_seconds", METRIC_HIST, "statement",
	"Time of a statement, from begin to end." };

static const char *const outcome_names[STORE_OUTCOMES] = { "committed", "failed", "refused",
	"expired", "cancelled" };
static const char *const size_names[STORE_SIZE_CLASSES] = { "1", "2-7", "8-31", "32-127", "128+" };
static const unsigned size_limits[STORE_SIZE_CLASSES - 1] = { 2, 8, 32, 128 };

unsigned store_size_class(unsigned n_requests)
{
	unsigned c = 0;

	while (c < STORE_SIZE_CLASSES - 1 && n_requests >= size_limits[c]) {
		c++;
	}
	return c;
}

static void add_statements(struct metric_schema *schema, const struct sql_table *table)
{
	for (unsigned i = 0; i < table->n; i++) {
		metric_schema_add(schema, &sql_def, table->stmts[i].name);
	}
}

void store_metric_schema(struct metric_schema *schema, const struct sql_table *tables, unsigned n)
{
	for (unsigned i = 0; i < STORE_OUTCOMES; i++) {
		metric_schema_add(schema, &outcome_def, outcome_names[i]);
	}
	for (unsigned i = 0; i < STORE_SIZE_CLASSES; i++) {
		metric_schema_add(schema, &batch_def, size_names[i]);
	}
	metric_schema_add(schema, &reads_def, NULL);
	metric_schema_add(schema, &commit_def, NULL);
	metric_schema_add(schema, &wal_def, NULL);
	metric_schema_add(schema, &checkpoint_def, NULL);
	metric_schema_add(schema, &pauses_def, NULL);
	add_statements(schema, &store_own_stmts);
	add_statements(schema, &sql_migrate_stmts);
	for (unsigned i = 0; i < n; i++) {
		add_statements(schema, &tables[i]);
	}
}

void store_cells_find(struct store_cells *c, const struct metrics *m)
{
	for (unsigned i = 0; i < STORE_OUTCOMES; i++) {
		c->outcome[i] = metric_cell(m, &outcome_def, outcome_names[i]);
	}
	for (unsigned i = 0; i < STORE_SIZE_CLASSES; i++) {
		c->batch[i] = metric_cell(m, &batch_def, size_names[i]);
	}
	c->reads = metric_cell(m, &reads_def, NULL);
	c->commit = metric_hist(m, &commit_def, NULL);
	c->wal_bytes = metric_cell(m, &wal_def, NULL);
	c->slot = metrics_own_slot(m);
}

struct checkpoint_cells store_checkpoint_cells(const struct metrics *m)
{
	return (struct checkpoint_cells){ .seconds = metric_hist(m, &checkpoint_def, NULL),
		.pauses = metric_cell(m, &pauses_def, NULL) };
}

/* ---- time per statement ---- */

struct timing_slot {
	const struct sql_stmt *stmt; /* NULL: free */
	struct hist *hist;
};

struct store_timing {
	const struct metrics *metrics;
	int64_t slow_us; /* 0: none is */
	unsigned n;
	struct timing_slot slots[TIMING_SLOTS]; /* open addressing by address of the statement */
};

enum err store_timing_new(const struct metrics *m, struct store_timing **ret)
{
	struct store_timing *t = calloc(1, sizeof(*t));

	if (t == NULL) {
		return ERR_MEMORY;
	}
	t->metrics = m;
	*ret = t;
	return ERR_OK;
}

void store_timing_free(struct store_timing **t)
{
	free(*t);
	*t = NULL;
}

void store_timing_set_slow(struct store_timing *t, int64_t slow_us)
{
	t->slow_us = slow_us;
}

static void on_statement(void *arg, const struct sql_stmt *stmt, int64_t us)
{
	struct store_timing *t = arg;
	size_t i = ((uintptr_t)stmt / sizeof(void *)) % TIMING_SLOTS;

	while (t->slots[i].stmt != NULL && t->slots[i].stmt != stmt) {
		i = (i + 1) % TIMING_SLOTS;
	}
	if (t->slots[i].stmt == NULL) {
		CHECK(++t->n < TIMING_SLOTS);
		t->slots[i] =
		    (struct timing_slot){ stmt, metric_hist(t->metrics, &sql_def, stmt->name) };
	}
	hist_record(t->slots[i].hist, us);
	if (t->slow_us > 0 && us >= t->slow_us) {
		LOG(LOG_WARN, "store", "slow_statement", LOG_C("statement", stmt->name),
		    LOG_I("ms", us / 1000));
	}
}

void store_timing_attach(struct store_timing *t, struct sql_db *db)
{
	sql_observe(db, on_statement, t);
}
