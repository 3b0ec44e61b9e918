/*
 * One probe of the search: is this load held? Fed with the counts of a run at ticks, it says so as
 * soon as it is sure. Pure: the counts may come from a server or from a simulated queue.
 *
 * Held means: work that is begun and not done (it waits, was refused, or failed) does not grow, of
 * no activity much more than of all, and each SLO that was asked for is kept.
 */
#ifndef PLIMSOLL_LAB_LINE_PROBE_H
#define PLIMSOLL_LAB_LINE_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "lab/line_parts.h"
#include "lab/sequential.h"
#include "lab/slo.h"

enum {
	LINE_SLO_MAX = 4,
	LINE_CAUSE_BYTES = 160,
};

/* A threshold that a load is searched for: a quantile of the latency of activities, or a share of
 * errors. */
struct line_slo {
	char text[SLO_TEXT_BYTES];
	int activity;	      /* that it is about; -1: all of them together */
	double quantile;      /* 0: errors */
	int64_t limit_us;     /* of a quantile */
	double share;	      /* that may be worse: 1 - quantile, or of errors */
	bool refused, failed; /* what of the two is an error; of a quantile, too late as well */
};

/* ERR_INVALID: a line cannot be searched for that one; the note says for which it can.
 * ERR_NOT_FOUND: the model has no such activity. */
NODISCARD enum err line_slo_of(
    const struct slo *s, const struct model *m, struct line_slo *ret, struct err_note *note);

/* Counts since the run began; none of them falls, but running. */
struct line_tick {
	double at_s;
	uint64_t begun, done, refused, failed;
	uint64_t running;
	/* Of the activities that an SLO is about: over in whatever way; errors; late ones. */
	struct line_tick_slo {
		uint64_t ended, errors, slow;
	} slo[LINE_SLO_MAX];
	struct line_parts parts; /* by activity; none: only the sum is looked at */
};

enum line_verdict {
	LINE_OPEN,
	LINE_HELD,
	LINE_FAILED,
	LINE_UNDECIDED, /* its time was over, and an SLO is at its limit */
	LINE_VOID,	/* the generator was the limit */
};

struct line_probe_plan {
	double per_second; /* offered */
	double excess;	   /* share of it that counts as growing */
	double settle_s;   /* left out at the begin */
	double patience_s; /* behind that */
	double error;	   /* chance of a wrong verdict, each way */
	const struct line_slo *slo;
	unsigned n_slo;
};

struct line_probe {
	struct line_probe_plan plan;
	struct sequential unserved, slo[LINE_SLO_MAX];
	struct line_tick first, batch, last; /* behind the settling; begin of the batch; newest */
	bool settled;
	enum line_verdict verdict;
	double told;	    /* of a load that was held: the excess that can be ruled out, at least
			       plan.excess */
	double part_served; /* of the activity that was the cause; 1 where none was */
	char cause[LINE_CAUSE_BYTES];
};

void line_probe_init(struct line_probe *p, const struct line_probe_plan *plan);

/* The verdict so far; LINE_OPEN: go on. */
enum line_verdict line_probe_tick(struct line_probe *p, const struct line_tick *now);

/* Of the time behind the settling: what was done of what was begun, 0 to 1; 1 where nothing was. Of
 * the activity for which the load was not held, where it was one. */
double line_probe_served(const struct line_probe *p);

const char *line_verdict_name(enum line_verdict v);

#endif
