/*
 * A sequential test of drift (Wald's probability ratio): is something that is summed up growing, or
 * is it not? It looks after each batch and ends as soon as the chance of a wrong word is below
 * what was asked for, which far from the limit is at once and at the limit takes long.
 *
 * With work that is begun and not done it answers whether a load is held; with requests above a
 * time, less the share that is allowed, whether a percentile is kept.
 */
#ifndef PLIMSOLL_LAB_SEQUENTIAL_H
#define PLIMSOLL_LAB_SEQUENTIAL_H

#include <stddef.h>

enum {
	SEQUENTIAL_BATCHES_MAX = 4096,
};

enum sequential_verdict {
	SEQUENTIAL_OPEN,
	SEQUENTIAL_STILL, /* it does not grow faster than still */
	SEQUENTIAL_GROWS, /* it grows at least as fast as grows */
};

struct sequential_plan {
	double still, grows; /* drift of a unit: still < grows; between them either word is right */
	double error;	     /* chance of a wrong word, each way */
	double noise_least;  /* variance of a unit, below which it is not believed to be */
	unsigned batches_least;
};

/* Zero-initialise, then set plan. */
struct sequential {
	struct sequential_plan plan;
	double units[SEQUENTIAL_BATCHES_MAX], growth[SEQUENTIAL_BATCHES_MAX];
	unsigned n;
	double sum_units, sum_growth;
};

/* A batch of so many units (seconds, requests) in which it grew by so much. Those beyond the
 * maximum are dropped. */
void sequential_add(struct sequential *s, double units, double growth);

enum sequential_verdict sequential_verdict(const struct sequential *s);

/*
 * At the end of its time, with a verdict still open: SEQUENTIAL_GROWS if it grows by whatever it
 * may be, else SEQUENTIAL_STILL, and *ret_grows is the least drift that can be ruled out. Never
 * open from two batches on.
 */
enum sequential_verdict sequential_settle(const struct sequential *s, double *ret_grows);

/* What it grows by a unit. */
double sequential_drift(const struct sequential *s);

/* Its variance a unit, as the test believes it: never less than noise_least. */
double sequential_noise(const struct sequential *s);

#endif
