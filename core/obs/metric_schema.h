/*
 * What metric.c and metric_text.c share: the schema's tables and the place of each row in a slot.
 * Private to core/obs.
 */
#ifndef PLIMSOLL_OBS_METRIC_SCHEMA_H
#define PLIMSOLL_OBS_METRIC_SCHEMA_H

#include <stdbool.h>

#include "core/obs/metric.h"

/* Ours are some hundreds; more is a mistake in a table. */
enum {
	METRIC_ROWS_MAX = 4096
};

struct metric_row {
	char *label_value;	 /* owned; NULL in a family of one row */
	size_t offset;		 /* bytes from the start of a slot */
	struct metric_row *next; /* of the same family, in order of adding */
};

struct metric_family {
	struct metric_def def; /* strings are the table's, which outlives us */
	struct metric_row *first, *last;
};

struct metric_schema {
	struct metric_family families[METRIC_FAMILIES_MAX];
	unsigned n_families, n_rows;
	size_t bytes; /* of a slot so far */
};

/*
 * The last warnings of one process, in the block beside the slots. One writes, others read: text is
 * kept in words, and an entry whose number changed while it was read is left out.
 */
enum {
	WARNING_WORDS = WARNING_BYTES / 8
};

struct warning_entry {
	_Atomic uint64_t number; /* odd while it is being written; 0: never was */
	_Atomic int64_t wall_ms;
	_Atomic uint64_t words[WARNING_WORDS];
};

struct warning_ring {
	struct warning_entry entries[WARNINGS_KEPT];
	_Atomic uint64_t n; /* written so far */
	char padding[56];   /* slots begin on cache lines */
};

/* Rings of all slots and, last, the supervisor's. */
struct warning_ring *metrics_rings(const struct metrics *m);
/* Which of them is this process' own. */
unsigned metrics_own_ring(const struct metrics *m);

/* Has the process of that slot ever looked for a row of the family, to count there? */
bool metrics_slot_counts(
    const struct metrics *m, unsigned slot, const struct metric_family *family);

/* For readers: the schema of m, and a row's cell or histogram in slot i. */
const struct metric_schema *metrics_schema(const struct metrics *m);
const _Atomic int64_t *metrics_row_cell(
    const struct metrics *m, unsigned slot, const struct metric_row *row);
const struct hist *metrics_row_hist(
    const struct metrics *m, unsigned slot, const struct metric_row *row);

/* Microseconds from a stamp to now; 0 for one never made. */
int64_t metric_since(const _Atomic int64_t *stamp, int64_t now_us);

/* Prometheus' word for a kind. */
const char *metric_kind_name(enum metric_kind kind);

#endif
