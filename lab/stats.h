/*
 * Statistics of rows of figures: intervals of means from batches, where a warm-up ends, trends.
 * Pure functions; nothing is kept.
 */
#ifndef PLIMSOLL_LAB_STATS_H
#define PLIMSOLL_LAB_STATS_H

#include <stdbool.h>
#include <stddef.h>

/* A figure and the interval it lies in with the confidence that was asked for. */
struct estimate {
	double value, low, high;
};

double stats_mean(const double *x, size_t n);

/* Of the sample (divided by n - 1); 0 with fewer than two. */
double stats_variance(const double *x, size_t n);

/* How much neighbours are alike: the correlation of each with the next one, -1 to 1. */
double stats_lag1(const double *x, size_t n);

/* The value that a share p (0 < p < 1) of the standard normal or of Student's t lies below. */
double stats_normal_quantile(double p);
double stats_t_quantile(double p, double degrees);

/*
 * The mean of values that may depend on their neighbours, by means of n_batches (>= 2) equal
 * batches; what is left over at the begin is not used. *ret_lag1 (or NULL) is that of the batches:
 * above 0.2 they are too short for the interval to be trusted.
 */
struct estimate stats_batch_means(
    const double *x, size_t n, size_t n_batches, double confidence, double *ret_lag1);

/*
 * MSER-5: how many values at the begin belong to the warm-up. False: there is no steady part that
 * could be told, the row must be longer (the least error is in the second half, or what is left
 * still has a trend); *ret_cut then is where it would be.
 */
bool stats_warm_up(const double *x, size_t n, size_t *ret_cut);

/* The straight line through (t[i], x[i]): its slope and the standard error of it. */
double stats_slope(const double *t, const double *x, size_t n, double *ret_error);

/* The value that a share q of x does not exceed; x is sorted by it. 0 when empty. */
double stats_quantile(double *x, size_t n, double q);

#endif
