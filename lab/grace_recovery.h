/*
 * Coming back: a load that is held, a peak far beyond, the held load again; once or many times in
 * one run. Fed with the ends of activities; pure.
 *
 * Back is the first second behind a peak from which, for some seconds, goodput is 95 % of what
 * is due and its 99th percentile within twice that before the first peak. Seconds are those in
 * which activities were due: clients of the peak who come again count only by what they do to the
 * others.
 */
#ifndef PLIMSOLL_LAB_GRACE_RECOVERY_H
#define PLIMSOLL_LAB_GRACE_RECOVERY_H

#include "lab/grace_course.h"

enum {
	GRACE_PEAKS_MAX = (LOAD_PARTS_MAX - 1) / 2,
	GRACE_SECONDS_MAX = 3600,
};

struct grace_recovery_plan {
	double calm_load, peak_load;   /* times capacity */
	double base_s, peak_s, tail_s; /* whole seconds; of the calm part before, each peak, each
					  calm part behind one */
	unsigned peaks;
	unsigned hold_s; /* so many good seconds are back */
	double deadline_s;
};

struct grace_second {
	uint32_t due, good;
	struct hdr served; /* owned */
};

struct grace_recovery {
	struct grace_recovery_plan plan;
	struct grace_second *seconds; /* owned */
	unsigned n_seconds;
	/* By grace_recovery_judge(): */
	int64_t base_p99_us;
	double recovery_s[GRACE_PEAKS_MAX]; /* from the end of each peak; < 0: it did not */
	unsigned recovered;
	double longest_s; /* of those that did */
};

/* ERR_MEMORY; ERR_LIMIT: it would be too long. */
NODISCARD enum err grace_recovery_init(
    struct grace_recovery *r, const struct grace_recovery_plan *plan);
void grace_recovery_fini(struct grace_recovery *r);

/* The stretches of its load; room for LOAD_PARTS_MAX. How many they are. */
unsigned grace_recovery_parts(const struct grace_recovery *r, struct arrival_part *ret);

void grace_recovery_ended(struct grace_recovery *r, const struct load_ended *e);

void grace_recovery_judge(struct grace_recovery *r);

#endif
