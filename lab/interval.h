/*
 * How sure a figure is: intervals of shares, quantiles, means and ratios, and of the difference
 * between two of them. Within one run; that two runs of the same thing differ by more is the
 * caller's to say.
 */
#ifndef PLIMSOLL_LAB_INTERVAL_H
#define PLIMSOLL_LAB_INTERVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "lab/hdr.h"

/* known false: there is a value but nothing says how sure it is (low and high are the value). */
struct interval {
	double value, low, high;
	bool known;
};

/* The two-sided quantile of the normal distribution: 1.96 for 0.95. 0 < confidence < 1. */
double normal_bound(double confidence);
/* The same of Student's t with n > 0 degrees of freedom, within 1 %. */
double student_bound(unsigned n, double confidence);

/* Of a share of n (Wilson). */
struct interval interval_share(uint64_t part, uint64_t n, double confidence);

/* Of a quantile, us, by the ranks around it; known only if both lie inside the records. */
struct interval interval_quantile(const struct hdr *h, double q, double confidence);

/* sum of y / sum of x, from n batches; known with 4 and more. x > 0 in sum. */
struct interval interval_ratio(const double *y, const double *x, unsigned n, double confidence);

/* Where one more value of the same kind will be, from n earlier ones; known with 3 and more. */
struct interval interval_next(const double *values, unsigned n, double confidence);

/* b / a, and b - a; known only if both are. For the ratio all bounds are above 0. */
struct interval interval_quotient(struct interval a, struct interval b);
struct interval interval_difference(struct interval a, struct interval b);

#endif
