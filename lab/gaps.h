/*
 * Did activities really begin by the law they were to begin by? Gaps between the moments at which
 * their first requests were sent are put through the law's own distribution; if the generator kept
 * it, what comes out is uniform. Two figures tell: the largest distance from that (Kolmogorov and
 * Smirnov's), which is how wrong it is, and Anderson and Darling's, which is how sure that is.
 *
 * At thousands a second no gap can be kept to the microsecond, and none need be: there the gaps
 * over so many arrivals are judged that they take some milliseconds together.
 */
#ifndef PLIMSOLL_LAB_GAPS_H
#define PLIMSOLL_LAB_GAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "lab/arrivals.h"

enum {
	GAPS_BINS = 512
};

/* Zeroed is empty. Those of several streams, and of several generators, add up. */
struct gaps {
	uint64_t n;
	uint32_t bins[GAPS_BINS]; /* of values that should be uniform in (0, 1) */
};

/* One stream of arrivals; zeroed but for plan, and begun by the first of them. */
struct gap_stream {
	const struct arrival_plan *plan; /* borrowed */
	unsigned group;			 /* arrivals to a gap */
	unsigned passed;
	double before; /* expected arrivals up to the last gap's end */
	bool begun;
};

/* For the plan, which must not move; at a law without gaps to judge nothing is added. */
struct gap_stream gap_stream_new(const struct arrival_plan *plan);

/* One was sent, so many seconds behind the start. */
void gap_stream_sent(struct gap_stream *s, struct gaps *g, double seconds);

/* One did not come that was due: the gap it is in is not judged. */
void gap_stream_missed(struct gap_stream *s);

void gaps_add(struct gaps *g, double u);
void gaps_merge(struct gaps *to, const struct gaps *from);

/* 0 with none. */
double gaps_distance(const struct gaps *g);
double gaps_anderson(const struct gaps *g);

/*
 * True: certainly (one in a thousand) and visibly (a twentieth) another law. False with fewer than
 * a hundred.
 */
bool gaps_are_wrong(const struct gaps *g);

#endif
