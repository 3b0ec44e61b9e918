/*
 * The response to a step of the load: how long after it the delay of those who are served is back
 * below a bound. The step is made several times, and the times are laid over each other. Fed with
 * the ends of activities; pure.
 */
#ifndef PLIMSOLL_LAB_GRACE_RESPONSE_H
#define PLIMSOLL_LAB_GRACE_RESPONSE_H

#include "lab/grace_course.h"

enum {
	GRACE_BIN_MS = 10,
	GRACE_BINS_MAX = 3000,
	GRACE_RESPONSES_MAX = (LOAD_PARTS_MAX - 1) / 2,
};

struct grace_response_plan {
	double low_load, high_load; /* times capacity */
	double low_s, high_s;	    /* whole bins */
	unsigned times;
	int64_t bound_us; /* 0: twice the 99th percentile at the low load */
};

/* Of what was due in so many milliseconds behind the step, over all times. */
struct grace_bin {
	uint32_t due, served;
	double sum_us; /* of served */
};

struct grace_response {
	struct grace_response_plan plan;
	struct grace_bin *bins; /* owned */
	unsigned n_bins;
	struct hdr low, high; /* served at each load; owned */
	/* By grace_response_judge(): */
	int64_t bound_us;
	double settled_ms; /* < 0: not in that time */
	double worst_us;   /* the largest mean of a bin with enough in it */
};

/* ERR_MEMORY, ERR_LIMIT. */
NODISCARD enum err grace_response_init(
    struct grace_response *r, const struct grace_response_plan *plan);
void grace_response_fini(struct grace_response *r);
unsigned grace_response_parts(const struct grace_response *r, struct arrival_part *ret);
void grace_response_ended(struct grace_response *r, const struct load_ended *e);
void grace_response_judge(struct grace_response *r);

#endif
