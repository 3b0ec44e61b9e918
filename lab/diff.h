/*
 * Two load runs (their JSON), compared with confidence: for each activity half, 90 and 99 of 100
 * latencies, and the share of errors; and what an activity cost. All comparisons together are wrong
 * once in a hundred times at most (Bonferroni), as far as the runs themselves can tell.
 */
#ifndef PLIMSOLL_LAB_DIFF_H
#define PLIMSOLL_LAB_DIFF_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "lab/interval.h"

enum {
	DIFF_ACTIVITIES_MAX = 32,
	DIFF_NAME_BYTES = 64,
	DIFF_ROWS_MAX = DIFF_ACTIVITIES_MAX * 4 + 1,
	DIFF_NOTES_MAX = 8,
	DIFF_NOTE_BYTES = 200,
};

enum diff_verdict {
	DIFF_UNKNOWN, /* too little to say how sure it is */
	DIFF_SAME,    /* no difference that these runs could show */
	DIFF_BETTER,
	DIFF_WORSE,
};

enum diff_what {
	DIFF_P50,
	DIFF_P90,
	DIFF_P99,
	DIFF_ERRORS,
	DIFF_COST,
};

struct diff_row {
	char activity[DIFF_NAME_BYTES];
	enum diff_what what;
	struct interval a, b;	/* us, or a share */
	struct interval change; /* b / a; of errors b - a */
	enum diff_verdict verdict;
};

struct diff {
	struct diff_row rows[DIFF_ROWS_MAX];
	unsigned n_rows;
	char notes[DIFF_NOTES_MAX][DIFF_NOTE_BYTES]; /* why the runs may not be comparable */
	unsigned n_notes;
	bool worse;
};

/* ERR_SYNTAX: one of them is no result of plimsoll load. *ret is large: not on a small stack. */
NODISCARD enum err diff_compare(
    const struct json *a, const struct json *b, struct diff *ret, struct err_note *note);

void diff_text(const struct diff *d, struct buf *out);
void diff_json(const struct diff *d, struct buf *out);
void diff_html(const struct diff *d, const char *a, const char *b, struct buf *out);

#endif
