/*
 * Runs kept for comparison: a file with one JSON object a line (plimsoll-record), each a run with
 * its commit, its machine and what an activity cost. Written from the JSON result of a load run or
 * of a line, so that both are kept alike.
 */
#ifndef PLIMSOLL_LAB_RECORD_H
#define PLIMSOLL_LAB_RECORD_H

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "lab/interval.h"
#include "lab/machine.h"

enum {
	RECORD_NAME_BYTES = 64,
	RECORD_COSTS_MAX = 64,
	RECORD_COMMIT_BYTES = 64,
	RECORDS_MAX = 2000, /* of a file, from its end */
	RECORD_LINE_BYTES = 1 << 20,
};

/* Processor time of one activity in all roles of the target, or of "any": one of the mix. */
struct record_cost {
	char activity[RECORD_NAME_BYTES];
	struct interval us;
};

struct record {
	int64_t at_ms;
	char commit[RECORD_COMMIT_BYTES]; /* or empty */
	char kind[24];			  /* load, line, replay */
	char model[RECORD_NAME_BYTES], preset[RECORD_NAME_BYTES];
	struct machine machine;
	bool is_void; /* or interrupted: kept, and not compared */
	struct record_cost costs[RECORD_COSTS_MAX];
	unsigned n_costs;
};

/* The commit of the work tree that the working folder belongs to ("+": changed), or an empty text.
 */
void record_git_commit(char out[RECORD_COMMIT_BYTES]);

/* Writes the line for a result. ERR_SYNTAX: that is no result of load or line. */
NODISCARD enum err record_write(const struct json *result, const struct machine *machine,
    const char *commit, struct buf *out, struct err_note *note);

/* Appends a line to a file, made if need be. */
NODISCARD enum err record_append(const char *path, struct slice line, struct err_note *note);

/*
 * Reads a file of records, oldest first, the last RECORDS_MAX of them; lines that are none are
 * counted in *ret_bad. *ret is the caller's, freed by free().
 */
NODISCARD enum err record_read_all(
    const char *path, struct record **ret, size_t *ret_n, size_t *ret_bad, struct err_note *note);

#endif
