/*
 * Binomial tails over what was not done of each activity.
 */
#include "lab/line_parts.h"

#include <math.h>

/* Where so many undone had so little a chance by themselves, more are waited for. */
static const double doubtful = 0.1;

double line_parts_tail(double n, double k, double p)
{
	double tail = 0;

	if (k <= n * p) {
		return 1;
	}
	if (k > n || p <= 0) {
		return 0;
	}
	/* Above the mean terms fall faster and faster; those below 1e-12 of the sum are left. */
	double term = exp(
	    lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) + k * log(p) + (n - k) * log1p(-p));
	for (double i = k; i <= n && term > tail * 1e-12; i++) {
		tail += term;
		term *= (n - i) / (i + 1) * p / (1 - p);
	}
	return fmin(tail, 1);
}

struct line_parts_finding line_parts_judge(
    const struct line_parts *from, const struct line_parts *to, double allowed, double error)
{
	struct line_parts_finding least = { .verdict = LINE_PARTS_SERVED };
	double least_chance = doubtful;

	for (unsigned i = 0; i < to->n; i++) {
		double n = (double)(to->part[i].begun - from->part[i].begun);
		double done = (double)(to->part[i].done - from->part[i].done);
		double unserved = fmax(n - done, 0);
		double chance = line_parts_tail(n, unserved, allowed);
		if (chance < least_chance) {
			least_chance = chance;
			least = (struct line_parts_finding){
				.verdict = chance < error / to->n ? LINE_PARTS_UNSERVED
								  : LINE_PARTS_DOUBTFUL,
				.name = to->part[i].name,
				.n = n,
				.unserved = unserved,
			};
		}
	}
	return least;
}
