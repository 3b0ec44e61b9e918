/*
 * Where to probe next, and what is known so far: first more and more users until a load is not
 * held, then halving the interval (in the logarithm), guided by what the target did when it had too
 * much. A pure state machine: next, probe, note, and again.
 */
#ifndef PLIMSOLL_LAB_LINE_SEARCH_H
#define PLIMSOLL_LAB_LINE_SEARCH_H

#include <stdbool.h>

#include "lab/line_probe.h"

struct line_search_plan {
	double start;	    /* users of the first probe, > 0 */
	double least, most; /* never fewer, never more */
	double width;	    /* of the interval that is enough, a share: 0.05 */
	unsigned probes_max;
	double known_failed; /* users that are known not to be held; 0: none */
};

struct line_search {
	struct line_search_plan plan;
	double low, high; /* held the most; failed the least, 0: none yet */
	double sure;	  /* lower end: held, less what the probe could not tell */
	double guess;	  /* where it should be, 0: nothing known */
	double apart;	  /* shares below and above the guess at which it is probed */
	double rough;	  /* the excess that could be ruled out, where it was more than wanted; 0 */
	double undecided; /* the newest users at which nothing could be said; 0 */
	unsigned n_probes, n_void;
	bool over; /* nothing more can be learnt */
};

void line_search_init(struct line_search *s, const struct line_search_plan *plan);

/* Users of the next probe; 0: it is over. *ret_excess: the share of its load that it must tell. */
double line_search_next(const struct line_search *s, double *ret_excess);

/*
 * The verdict on that many users, and the excess that is ruled out where it was held. served: the
 * share of what was begun that was done; eager: it was held with ease, so that the next step may be
 * larger.
 */
void line_search_note(struct line_search *s, double users, double excess, enum line_verdict verdict,
    double served, bool eager);

/*
 * The interval: held is right up to the excess that a probe cannot tell, so the lower end is lower
 * than what was held by that. *ret_low 0: nothing was held; *ret_high 0: nothing failed.
 */
void line_search_interval(const struct line_search *s, double *ret_low, double *ret_high);

#endif
