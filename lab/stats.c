/*
 * Means and trends of rows that are seldom independent: what a server did in this second hangs on
 * the second before. So intervals are those of batches long enough to forget each other.
 */
#include "lab/stats.h"

#include <math.h>
#include <stdlib.h>

enum {
	MSER_BATCH = 5,
};

static const double trend_most = 3; /* standard errors of a slope that may be chance */

double stats_mean(const double *x, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += x[i];
	}
	return n > 0 ? sum / (double)n : 0;
}

double stats_variance(const double *x, size_t n)
{
	double mean = stats_mean(x, n), sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += (x[i] - mean) * (x[i] - mean);
	}
	return n > 1 ? sum / (double)(n - 1) : 0;
}

double stats_lag1(const double *x, size_t n)
{
	double mean = stats_mean(x, n), sum = 0, all = 0;

	for (size_t i = 0; i < n; i++) {
		all += (x[i] - mean) * (x[i] - mean);
		sum += i > 0 ? (x[i] - mean) * (x[i - 1] - mean) : 0;
	}
	return all > 0 ? sum / all : 0;
}

/* Newton's steps on erfc(), which is exact where it matters: no table of coefficients. */
double stats_normal_quantile(double p)
{
	double z = 0;

	if (p > 0.5) {
		return -stats_normal_quantile(1 - p);
	}
	for (int i = 0; i < 60; i++) {
		double error = 0.5 * erfc(-z / sqrt(2)) - p;
		double density = exp(-z * z / 2) / sqrt(2 * acos(-1));
		double step = error / density;
		/* Far out the density is next to nothing: no leap. */
		z -= fmin(fmax(step, -1), 1);
		if (fabs(step) < 1e-12) {
			break;
		}
	}
	return z;
}

/* The share of Student's t below x > 0: Simpson's rule over the angle, where it is a smooth power
 * of the cosine. */
static double t_below(double x, double degrees)
{
	enum {
		PIECES = 400
	};
	double angle = atan(x / sqrt(degrees)), sum = 0;
	double scale = exp(lgamma((degrees + 1) / 2) - lgamma(degrees / 2)) / sqrt(acos(-1));

	for (int i = 0; i <= PIECES; i++) {
		double weight = i == 0 || i == PIECES ? 1 : i % 2 == 1 ? 4 : 2;
		sum += weight * pow(cos(angle * i / PIECES), degrees - 1);
	}
	return 0.5 + scale * sum * angle / PIECES / 3;
}

double stats_t_quantile(double p, double degrees)
{
	double low = 0, high = 1;

	if (p < 0.5) {
		return -stats_t_quantile(1 - p, degrees);
	}
	while (t_below(high, degrees) < p && high < 1e6) {
		high *= 2;
	}
	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;
		if (t_below(middle, degrees) < p) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return (low + high) / 2;
}

struct estimate stats_batch_means(
    const double *x, size_t n, size_t n_batches, double confidence, double *ret_lag1)
{
	double *means = calloc(n_batches, sizeof(*means));
	size_t each = n / n_batches, skip = n - each * n_batches;
	struct estimate e = { 0 };

	if (means == NULL || each == 0 || n_batches < 2) {
		free(means);
		e.value = stats_mean(x, n);
		e.low = -HUGE_VAL;
		e.high = HUGE_VAL;
		return e;
	}
	for (size_t i = 0; i < n_batches; i++) {
		means[i] = stats_mean(x + skip + i * each, each);
	}
	double half = stats_t_quantile(0.5 + confidence / 2, (double)n_batches - 1) *
		      sqrt(stats_variance(means, n_batches) / (double)n_batches);
	e.value = stats_mean(means, n_batches);
	e.low = e.value - half;
	e.high = e.value + half;
	if (ret_lag1 != NULL) {
		*ret_lag1 = stats_lag1(means, n_batches);
	}
	free(means);
	return e;
}

/* What is left is steady if it has no slope, and its halves have one mean. */
static bool is_steady(const double *x, size_t n)
{
	double *t = calloc(n, sizeof(*t)), error = 0;

	if (t == NULL || n < 4) {
		free(t);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		t[i] = (double)i;
	}
	/* Neighbours that are alike make a slope look surer than it is. */
	double lag = fmin(fmax(stats_lag1(x, n), 0), 0.99);
	double slope = stats_slope(t, x, n, &error);
	error *= sqrt((1 + lag) / (1 - lag));
	free(t);
	size_t half = n / 2;
	double apart = fabs(stats_mean(x, half) - stats_mean(x + half, n - half));
	double chance = sqrt((stats_variance(x, half) + stats_variance(x + half, n - half)) /
			     (double)half * (1 + lag) / (1 - lag));
	return fabs(slope) <= trend_most * error + 1e-12 && apart <= trend_most * chance + 1e-12;
}

bool stats_warm_up(const double *x, size_t n, size_t *ret_cut)
{
	size_t n_batches = n / MSER_BATCH, best = 0;
	double *means = calloc(n_batches + 1, sizeof(*means));
	double least = HUGE_VAL;

	*ret_cut = 0;
	if (means == NULL || n_batches < 4) {
		free(means);
		return false;
	}
	for (size_t i = 0; i < n_batches; i++) {
		means[i] = stats_mean(x + i * MSER_BATCH, MSER_BATCH);
	}
	for (size_t d = 0; d + 2 < n_batches; d++) {
		double left = (double)(n_batches - d);
		double error =
		    stats_variance(means + d, n_batches - d) * (left - 1) / (left * left);
		if (error < least) {
			least = error;
			best = d;
		}
	}
	*ret_cut = best * MSER_BATCH;
	bool steady = best <= n_batches / 2 && is_steady(means + best, n_batches - best);
	free(means);
	return steady;
}

double stats_slope(const double *t, const double *x, size_t n, double *ret_error)
{
	double mean_t = stats_mean(t, n), mean_x = stats_mean(x, n), tt = 0, tx = 0, left = 0;

	for (size_t i = 0; i < n; i++) {
		tt += (t[i] - mean_t) * (t[i] - mean_t);
		tx += (t[i] - mean_t) * (x[i] - mean_x);
	}
	double slope = tt > 0 ? tx / tt : 0;
	for (size_t i = 0; i < n; i++) {
		double off = x[i] - mean_x - slope * (t[i] - mean_t);
		left += off * off;
	}
	if (ret_error != NULL) {
		*ret_error = n > 2 && tt > 0 ? sqrt(left / (double)(n - 2) / tt) : HUGE_VAL;
	}
	return slope;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double stats_quantile(double *x, size_t n, double q)
{
	if (n == 0) {
		return 0;
	}
	qsort(x, n, sizeof(*x), by_size);
	double at = ceil(q * (double)n) - 1;
	return x[at < 0 ? 0 : at >= (double)n ? n - 1 : (size_t)at];
}
