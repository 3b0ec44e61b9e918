/*
 * What activities that have begun will still ask for: an activity of several requests is let in
 * whole or not at all, so whoever lets in another one has to know how many steps of the others are
 * still to come (load-and-overload.md 4.3: reserved cost of open tickets). Beginnings are counted
 * and steps are counted; how many steps follow a beginning is learnt from both. What began within
 * the last PROMISED_HORIZON_US is held against the steps that came in it: in a steady flow that is
 * nothing, and what waits then is seen where it waits; when more begin than before, it is what they
 * will bring. Nothing is known of single activities, and one that never goes on is forgotten with
 * the horizon. A pure function over a clock.
 */
#ifndef PLIMSOLL_GRACE_PROMISED_H
#define PLIMSOLL_GRACE_PROMISED_H

#include <stdint.h>

enum {
	PROMISED_WINDOWS = 8,
	PROMISED_WINDOW_US = 250000,
	PROMISED_HORIZON_US = PROMISED_WINDOWS * PROMISED_WINDOW_US
};

struct promised {
	int64_t window_end_us;
	unsigned at; /* the running window */
	uint32_t begun[PROMISED_WINDOWS], steps[PROMISED_WINDOWS];
	double begun_lately, steps_lately; /* fading sums of windows behind the horizon */
};

void promised_init(struct promised *p, int64_t now_us);
/* An activity was let in; a step of one was asked for. */
void promised_begin(struct promised *p, int64_t now_us);
void promised_step(struct promised *p, int64_t now_us);
/* Steps by which those who began within the horizon are ahead of what has come. */
int64_t promised_steps(struct promised *p, int64_t now_us);

#endif
