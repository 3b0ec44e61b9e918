/*
 * Metrics in shared memory. A schema (families, each with one row per label value) is built the
 * same way in every process from the same tables at start, then sealed. The supervisor maps one
 * block with a slot per process; each process writes only its own slot with relaxed atomics, anyone
 * may read all. So counting costs one add and the admin role needs to ask nobody.
 */
#ifndef PLIMSOLL_OBS_METRIC_H
#define PLIMSOLL_OBS_METRIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/role_id.h"
#include "core/base/slice.h"
#include "core/obs/hist.h"

/* Ours are some dozens; more is a mistake in a table. */
enum {
	METRIC_FAMILIES_MAX = 256
};

enum metric_kind {
	METRIC_COUNTER,
	METRIC_GAUGE,
	METRIC_HIST
};

/* One family. Names without prefix and unit suffix rules of Prometheus: "http_requests_total". */
struct metric_def {
	const char *name;
	enum metric_kind kind;
	const char *label; /* name of the label, or NULL for a family of one row */
	const char *help;  /* one line, says the unit */
};

struct metric_schema; /* families and their label values */

NODISCARD enum err metric_schema_new(struct metric_schema **ret);
void metric_schema_free(struct metric_schema **s);

/* Adds a row; the family is added at its first row. Same (name, label_value) twice is one row. */
void metric_schema_add(
    struct metric_schema *s, const struct metric_def *def, const char *label_value);

/* Bytes of one process slot, and a number that differs when schemas differ. */
size_t metric_slot_bytes(const struct metric_schema *s);
uint64_t metric_schema_hash(const struct metric_schema *s);

/* What every slot starts with, beside the rows. Written by its process, read by admin and others.
 */
enum metric_state {
	SLOT_EMPTY,
	SLOT_STARTING,
	SLOT_SERVING,
	SLOT_DRAINING
};

struct metric_slot {
	_Atomic int32_t state; /* enum metric_state */
	_Atomic int32_t role, instance, pid, restarts;
	_Atomic int32_t passive; /* web: it accepts nothing, others pass connections on to it */
	_Atomic int32_t sandbox; /* bits: 1 no_new_privs, 2 Landlock, 4 seccomp */
	_Atomic int64_t started_us, alive_us; /* monotonic; alive_us is stamped every loop round */
	_Atomic int64_t connections;	      /* open client connections (web) */
	_Atomic int64_t queue_len, queue_wait_us; /* work waiting, expected wait of new work */
	_Atomic int64_t loop_lag_us, cpu_us, tasks;
	_Atomic int64_t busy_us; /* time not idle: of the loop, or of the worker that runs jobs */
	_Atomic uint64_t families[METRIC_FAMILIES_MAX / 64]; /* bit per family that it counts */
	_Atomic int64_t busy; /* 1 while a job runs (compute), else jobs in flight */
};

struct metrics; /* a process' view of the block */

/* Bytes of the block for n slots; fits the memfd the supervisor makes. */
size_t metrics_block_bytes(const struct metric_schema *s, unsigned n);

/*
 * Views the mapped block of n slots; own is this process' slot or -1 (reader only). Keeps s and
 * block, owns neither. ERR_CORRUPT: the block was laid out by another schema.
 */
NODISCARD enum err metrics_open(const struct metric_schema *s, void *block, size_t block_bytes,
    unsigned n, int own, struct metrics **ret);
void metrics_close(struct metrics **m);

/*
 * Lays out a fresh block (supervisor, once). The block is zero, as shared memory is when it is
 * made: what nobody counts takes no memory.
 */
void metrics_format(const struct metric_schema *s, void *block, unsigned n);
/* A block laid out in memory of this process; the caller frees it. NULL: no memory. */
void *metrics_block_new(const struct metric_schema *s, unsigned n);

unsigned metrics_slots(const struct metrics *m);
struct metric_slot *metrics_slot(const struct metrics *m, unsigned i);
struct metric_slot *metrics_own_slot(const struct metrics *m);

/*
 * No metric, but in the block that all processes share: by how many milliseconds tests have shifted
 * the calendar (clock_shift()). 0 until somebody sets it.
 */
_Atomic int64_t *metrics_clock_offset(const struct metrics *m);

/* Likewise: the supervisor has been told to stop and gives balancers time to see it. */
void metrics_set_leaving(struct metrics *m);
bool metrics_is_leaving(const struct metrics *m);

/*
 * Where this process counts a row; look up once at start. label_value NULL for families of one
 * row. An unknown row is a broken invariant. Valid while m is open.
 */
_Atomic int64_t *metric_cell(
    const struct metrics *m, const struct metric_def *def, const char *label_value);
struct hist *metric_hist(
    const struct metrics *m, const struct metric_def *def, const char *label_value);

static inline void metric_add(_Atomic int64_t *cell, int64_t n)
{
	atomic_store_explicit(
	    cell, atomic_load_explicit(cell, memory_order_relaxed) + n, memory_order_relaxed);
}

static inline void metric_set(_Atomic int64_t *cell, int64_t n)
{
	atomic_store_explicit(cell, n, memory_order_relaxed);
}

static inline int64_t metric_get(const _Atomic int64_t *cell)
{
	return atomic_load_explicit(cell, memory_order_relaxed);
}

/* ---- readers ---- */

/* A row, to be looked up once; NULL: there is none. Valid as long as the schema. */
struct metric_row;
const struct metric_row *metric_row_find(
    const struct metrics *m, const char *family, const char *label_value);

/* The row over all slots: a sum, the largest, or histograms merged into to. */
int64_t metric_row_max(const struct metrics *m, const struct metric_row *row);
int64_t metric_row_sum(const struct metrics *m, const struct metric_row *row);
void metric_row_merge(const struct metrics *m, const struct metric_row *row, struct hist *to);

/* True once the slot has had a process; the name of its role. */
bool metric_slot_is_used(const struct metric_slot *s);
const char *metric_slot_role(const struct metric_slot *s);

/* ---- the last warnings of each process, and of the supervisor ---- */

enum {
	WARNING_BYTES = 232,
	WARNINGS_KEPT = 8, /* per process */
};

struct metric_warning {
	int64_t wall_ms;
	char text[WARNING_BYTES + 1];
};

/* Keeps a line of this process (own -1: of the supervisor); a longer one is cut. */
void metrics_warn(struct metrics *m, int64_t wall_ms, struct slice text);

/* Up to max of the newest of all processes, newest first. The number of them. */
unsigned metrics_warnings(const struct metrics *m, struct metric_warning *out, unsigned max);

/*
 * All slots in Prometheus text format 0.0.4, families prefixed "plimsoll_", labels role, instance.
 * Histograms are shown in seconds, so call them "..._seconds", and only once they have a record.
 */
void metrics_write_prometheus(const struct metrics *m, struct buf *out);

struct json_writer;

/* The array "processes" of metrics_write_json(). */
void metrics_put_processes(const struct metrics *m, struct json_writer *w);

/* A family of counters as {LABEL: value}, rows that are 0 left out; {} if there is no such family.
 */
void metrics_put_rows(const struct metrics *m, const char *family, struct json_writer *w);

/* The families of a schema as a table of Markdown: name, kind, label, what it says. */
void metric_schema_write_reference(const struct metric_schema *s, struct buf *out);

/*
 * All slots as JSON: {"processes": [{role, instance, pid, state, restarts, sandbox, uptime_us,
 * silence_us, connections, queue_len, queue_wait_us, loop_lag_us, cpu_us, busy_us, tasks, busy}],
 * "families": {NAME: {kind, value}, NAME: {kind, label, rows: {LABEL: value}}}}, values summed over
 * processes; of a histogram {count, sum_us, p50_us, p90_us, p99_us, max_us}.
 */
void metrics_write_json(const struct metrics *m, struct buf *out);

#endif
