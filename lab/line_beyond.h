/*
 * What a target does beyond its limit, and on the way back: goodput at 1.25, 1.5 and 2 times
 * saturation, then less again without a pause. Fed with the counts of one run at ticks; pure.
 *
 * Hysteresis is that the load which was held on the way up is not held on the way down. A target
 * whose queue only has to empty needs time for that too: it gets what its backlog explains, and
 * half as much.
 */
#ifndef PLIMSOLL_LAB_LINE_BEYOND_H
#define PLIMSOLL_LAB_LINE_BEYOND_H

#include "lab/arrivals.h"
#include "lab/line_probe.h"

enum {
	LINE_STEPS = 7,
	LINE_HALVES_MAX = 240,
};

enum line_shape {
	LINE_SHAPE_UNKNOWN, /* it was ended before */
	LINE_SHAPE_PLATEAU,
	LINE_SHAPE_COLLAPSE,
	LINE_SHAPE_HYSTERESIS,
};

/* Rates a second; good: done, and within the limit of the first SLO of a percentile if there is
 * one. */
struct line_step {
	bool down;
	double load, seconds; /* load: times saturation */
	double offered, good, refused, failed;
	double error; /* standard error of good, from half seconds */
};

struct line_beyond {
	double per_second, step_s;
	bool has_limit;
	struct line_step steps[LINE_STEPS];
	struct arrival_part parts[LINE_STEPS]; /* for arrivals of per_second */
	unsigned at;			       /* the step it is in; LINE_STEPS: over */
	double from_s;
	struct line_tick first, last, window; /* first: of what counts of the step */
	struct line_tick half;		      /* begin of the half second */
	double halves[LINE_HALVES_MAX];	      /* good a second in each */
	unsigned n_halves;
	bool counting;
	double calm_running; /* running in the first step, at the most */
	double lost,
	    drain_s; /* begun and neither done nor refused above the limit; how long that takes */
	unsigned n_good_windows;
	double recovery_s; /* < 0: not yet */
	/* The result. */
	enum line_shape shape;
	bool collapsed;
	double collapse_ratio, hysteresis_area;
};

/* per_second: at saturation; step_s: length of a step, the last one is as long as it needs. */
void line_beyond_init(struct line_beyond *b, double per_second, double step_s, bool has_limit);

/* The longest that all of it can take. */
double line_beyond_seconds(const struct line_beyond *b);

/* False: it is over. */
bool line_beyond_tick(struct line_beyond *b, const struct line_tick *now);

/* Fills the result from what there is. */
void line_beyond_judge(struct line_beyond *b);

const char *line_shape_name(enum line_shape s);

#endif
