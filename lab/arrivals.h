/*
 * When things begin, in an open loop: a schedule that is made without a look at the answers. Two
 * parts: the law of the gaps (how regular) and the shape of the rate over time (how many). Gaps are
 * drawn for a rate of 1 and stretched by the shape, so that every law goes with every shape.
 * Deterministic: the same seed and stream give the same times.
 */
#ifndef PLIMSOLL_LAB_ARRIVALS_H
#define PLIMSOLL_LAB_ARRIVALS_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"
#include "lab/chance.h"

enum arrival_law {
	ARRIVAL_POISSON,  /* people who know nothing of each other */
	ARRIVAL_CONSTANT, /* evenly spaced, at a phase drawn once */
	ARRIVAL_UNIFORM,  /* gaps anywhere between none and twice the mean */
	ARRIVAL_BURST,	  /* Poisson, but all of a period together at its start */
	ARRIVAL_REPLAYED, /* when a log says, by replay_schedule.c; none come from here */
};

enum arrival_shape {
	SHAPE_FLAT,    /* the rate all the time */
	SHAPE_RAMP,    /* from 0 to the rate over the length, then the rate */
	SHAPE_STEP,    /* a tenth of the rate more each tenth of the length, then the rate */
	SHAPE_DIURNAL, /* a day in the length, night first, and another behind it; the rate is its
			  mean */
	SHAPE_SPIKE,   /* the rate, but spike times as much from 0.4 to 0.6 of the length */
	SHAPE_PARTS,   /* as parts say, then the rate; not from the command line */
};

/* A stretch of SHAPE_PARTS: so long at rate * factor. */
struct arrival_part {
	double seconds, factor; /* both > 0 */
};

enum {
	ARRIVALS_HOURS = 24
};

/* A day of people who live in one country: shares of the hours from midnight, whose mean is 1. */
extern const double arrivals_day[ARRIVALS_HOURS];

struct arrival_plan {
	enum arrival_law law;
	enum arrival_shape shape;
	double per_second;     /* > 0 */
	double length_s;       /* of every shape but flat, > 0 */
	double burst_period_s; /* > 0 with ARRIVAL_BURST */
	double spike;	       /* > 0 with SHAPE_SPIKE */
	const double *day; /* borrowed: ARRIVALS_HOURS shares whose mean is 1; NULL: arrivals_day */
	const struct arrival_part *parts; /* of SHAPE_PARTS, borrowed */
	unsigned n_parts;
};

struct arrivals {
	struct arrival_plan plan;
	struct chance chance;
	double passed; /* how much of the rate's integral has been used */
};

struct arrivals arrivals_new(const struct arrival_plan *plan, uint64_t seed, uint64_t stream);

/*
 * Nanoseconds from the start to the next arrival; never less than the one before. INT64_MAX: there
 * is none in this life.
 */
int64_t arrivals_next_ns(struct arrivals *a);

/* How many arrivals the plan expects up to that moment. */
double arrivals_expected(const struct arrival_plan *plan, double seconds);

/* "poisson", "constant", "uniform", "burst"; "flat", "ramp", "step", "diurnal", "spike".
 * ERR_INVALID. */
NODISCARD enum err arrival_law_parse(struct slice name, enum arrival_law *ret);
NODISCARD enum err arrival_shape_parse(struct slice name, enum arrival_shape *ret);
const char *arrival_law_name(enum arrival_law law);
const char *arrival_shape_name(enum arrival_shape shape);

#endif
