/*
 * Wilson's interval of a share; the method of variance estimates recovery for differences, which
 * for two shares is Newcombe's.
 */
#include "lab/interval.h"

#include <math.h>

#include "lab/stats.h"

double normal_bound(double confidence)
{
	return stats_normal_quantile(0.5 + confidence / 2);
}

double student_bound(unsigned n, double confidence)
{
	return stats_t_quantile(0.5 + confidence / 2, n);
}

static struct interval unsure(double value)
{
	return (struct interval){ value, value, value, false };
}

struct interval interval_share(uint64_t part, uint64_t n, double confidence)
{
	double z = normal_bound(confidence), count = (double)n;

	if (n == 0) {
		return unsure(0);
	}
	double p = (double)part / count, z2 = z * z / count;
	double middle = (p + z2 / 2) / (1 + z2);
	double half = z / (1 + z2) * sqrt(p * (1 - p) / count + z2 / (4 * count));
	return (struct interval){ p, part == 0 ? 0 : fmax(0, middle - half),
		part == n ? 1 : fmin(1, middle + half), true };
}

struct interval interval_quantile(const struct hdr *h, double q, double confidence)
{
	double n = (double)h->count, z = normal_bound(confidence);
	double value = (double)hdr_quantile_us(h, q);

	if (h->count == 0) {
		return unsure(0);
	}
	double half = z * sqrt(q * (1 - q) / n), low = q - half, high = q + half + 1 / n;
	if (low <= 0 || high >= 1) {
		return unsure(value);
	}
	return (struct interval){ value, (double)hdr_quantile_us(h, low),
		(double)hdr_quantile_us(h, high), true };
}

struct interval interval_ratio(const double *y, const double *x, unsigned n, double confidence)
{
	double sum_y = 0, sum_x = 0, squares = 0;

	for (unsigned i = 0; i < n; i++) {
		sum_y += y[i];
		sum_x += x[i];
	}
	double ratio = sum_x > 0 ? sum_y / sum_x : 0;
	if (n < 4 || sum_x <= 0) {
		return unsure(ratio);
	}
	for (unsigned i = 0; i < n; i++) {
		double off = y[i] - ratio * x[i];
		squares += off * off;
	}
	double half = student_bound(n - 1, confidence) * sqrt(squares * n / (n - 1)) / sum_x;
	return (struct interval){ ratio, fmax(0, ratio - half), ratio + half, true };
}

struct interval interval_next(const double *values, unsigned n, double confidence)
{
	double mean = 0, squares = 0;

	for (unsigned i = 0; i < n; i++) {
		mean += values[i] / n;
	}
	if (n < 3) {
		return unsure(mean);
	}
	for (unsigned i = 0; i < n; i++) {
		squares += (values[i] - mean) * (values[i] - mean);
	}
	double half = student_bound(n - 1, confidence) * sqrt(squares / (n - 1) * (1 + 1.0 / n));
	return (struct interval){ mean, mean - half, mean + half, true };
}

struct interval interval_difference(struct interval a, struct interval b)
{
	double d = b.value - a.value;

	if (!a.known || !b.known) {
		return unsure(d);
	}
	return (struct interval){ d, d - hypot(b.value - b.low, a.high - a.value),
		d + hypot(b.high - b.value, a.value - a.low), true };
}

static struct interval log_of(struct interval a)
{
	return (struct interval){ log(a.value), log(a.low), log(a.high), a.known };
}

struct interval interval_quotient(struct interval a, struct interval b)
{
	bool positive = a.low > 0 && b.low > 0;

	if (!positive) {
		return unsure(a.value > 0 ? b.value / a.value : 1);
	}
	struct interval d = interval_difference(log_of(a), log_of(b));
	return (struct interval){ exp(d.value), exp(d.low), exp(d.high), d.known };
}
