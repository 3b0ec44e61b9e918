/*
 * The goodput curve: offered load in steps up and down again without a pause, and what became of
 * what was due in each. Fed with the ends of activities; pure.
 *
 * Good is an activity whose steps were all answered right, each within the deadline. What counts of
 * a step is what was due in it behind its settling, whenever that ended. The peak is the most
 * goodput of any step; a step's share is of that.
 */
#ifndef PLIMSOLL_LAB_GRACE_COURSE_H
#define PLIMSOLL_LAB_GRACE_COURSE_H

#include "lab/hdr.h"
#include "lab/load.h"

enum {
	GRACE_LOADS_MAX = 16,
	GRACE_STEPS_MAX = 2 * GRACE_LOADS_MAX - 1,
	GRACE_USERS_MAX = 4096, /* more are not told apart */
};

/* Everything that was due ended as one of good, late, refused, failed, missed. */
struct grace_counts {
	uint64_t offered, good, late, refused, failed, missed;
	uint64_t admitted, completed; /* let in, by the model's admits; and those of them done */
};

/* Of good activities by user: (sum x)^2 / (n sum x^2); 1: all have the same. */
struct grace_fairness {
	bool known;
	double jain;
	double even; /* what it would be on average if all had the same chance */
};

struct grace_step {
	bool down;
	double load;	     /* times capacity */
	double from_s, to_s; /* what counts, since arrivals began */
	struct grace_counts all, activities[MODEL_ACTIVITIES_MAX];
	struct hdr served;  /* of good and late activities; owned */
	struct hdr refused; /* of 503s, from when the try was sent; owned */
	struct grace_fairness fairness;
	uint32_t good_of[GRACE_USERS_MAX];
};

struct grace_course_plan {
	double loads[GRACE_LOADS_MAX]; /* rising; the way down has the same */
	unsigned n_loads;
	double settle_s, step_s; /* of a step: left out, and counted */
	double deadline_s;	 /* of each step of an activity */
	double users;		 /* who act */
};

struct grace_course {
	struct grace_course_plan plan;
	struct grace_step *steps; /* owned */
	unsigned n_steps;
	/* By grace_course_judge(): */
	double peak;		/* a second */
	double hysteresis_area; /* integral of |up - down| over that of up, over the loads */
};

/* ERR_MEMORY. */
NODISCARD enum err grace_course_init(struct grace_course *c, const struct grace_course_plan *plan);
void grace_course_fini(struct grace_course *c);

/* The stretches of its load, one for each step; room for GRACE_STEPS_MAX. */
void grace_course_parts(const struct grace_course *c, struct arrival_part *ret);

void grace_course_ended(struct grace_course *c, const struct load_ended *e);
void grace_course_refusal(struct grace_course *c, double at_s, int64_t took_us);

void grace_course_judge(struct grace_course *c);

/* Of a step, a second. */
double grace_step_rate(const struct grace_step *s, uint64_t count);

/* Adds one that ended; deadline_us is of each of its steps. True: it was good. */
bool grace_count(struct grace_counts *to, const struct load_ended *e, int64_t deadline_us);

#endif
