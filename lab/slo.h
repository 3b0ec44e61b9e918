/*
 * Thresholds: what a run has to keep to be good ("p99<50ms", "errors<0.1%", "signin.p90<200ms").
 *
 *	slo     = [activity "."] measure ("<" | "<=" | ">" | ">=") bound
 *	measure = "p" percent | "mean" | "max" | "errors" | "refused" | "failed" | "done"
 *	bound   = number with us, ms, s (latency); with % or a share (errors: refused or failed;
 *refused; failed); with /s (done)
 *
 * Latency is that of whole activities, shares are of those that began.
 */
#ifndef PLIMSOLL_LAB_SLO_H
#define PLIMSOLL_LAB_SLO_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "lab/quantity.h"

enum {
	SLO_TEXT_BYTES = 96,
	SLO_MAX = 16, /* of a run */
};

struct load_sum;
struct load_result;
struct model;

enum slo_measure {
	SLO_QUANTILE,
	SLO_MEAN,
	SLO_LARGEST,
	SLO_ERRORS,
	SLO_REFUSED,
	SLO_FAILED,
	SLO_DONE,
};

struct slo {
	char text[SLO_TEXT_BYTES];     /* as it was written */
	char activity[SLO_TEXT_BYTES]; /* empty: all together */
	enum slo_measure measure;
	double quantile; /* 0..1, of SLO_QUANTILE */
	double bound;	 /* ms; share; a second */
	bool above, or_equal;
};

/* ERR_SYNTAX with what is wrong and what would be right. */
NODISCARD enum err slo_parse(const char *text, struct slo *ret, struct err_note *note);

/* ERR_NOT_FOUND: the model has no such activity; the note names those there are. */
NODISCARD enum err slo_check_name(
    const struct slo *s, const struct model *m, struct err_note *note);

struct slo_result {
	bool known; /* false: nothing was done that could be measured; then it is not met */
	double value;
	bool met;
};

/* Of what an activity, or all, came to in so many seconds. */
struct slo_result slo_judge(const struct slo *s, const struct load_sum *sum, double seconds);
struct slo_result slo_judge_run(const struct slo *s, const struct load_result *r);

/* All thresholds of the plan of a run are met; true where there is none. */
bool slo_all_met(const struct load_result *r);

/* The value with its unit, or "nothing done". */
void slo_put_value(const struct slo *s, const struct slo_result *result, struct buf *out);

#endif
