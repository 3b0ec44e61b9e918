/*
 * How early to set a timer, so that whoever waits for it is awake in time: a timer wakes a process
 * behind its time, by 20 to 60 microseconds on a machine of its own and by more on a virtual one
 * whose processor was given away meanwhile. How late it comes is learnt from each wake-up; what is
 * left of the time is spent polling. Pure functions.
 */
#ifndef PLIMSOLL_LAB_WAKE_EARLY_H
#define PLIMSOLL_LAB_WAKE_EARLY_H

#include <stdint.h>

enum {
	WAKE_LEAST_US = 30,
	WAKE_MOST_US = 250 /* polling at 1,000 requests a second is a quarter of a processor then */
};

struct wake {
	int64_t
	    early_ns; /* the lateness that one wake-up in a hundred exceeds, between the bounds */
};

void wake_init(struct wake *w);
/* A timer went off: late_us behind the moment that it was set to. */
void wake_note(struct wake *w, int64_t late_us);
/* By how much before the moment that matters a timer should be set, microseconds. */
int64_t wake_early_us(const struct wake *w);

#endif
