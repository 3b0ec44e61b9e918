/*
 * Formulas: Acklam's approximation of the normal quantile; the expansion of Student's t around it
 * (Abramowitz and Stegun 26.7.5), exact for one and two degrees; Wilson's interval; the method of
 * variance estimates recovery for differences, which for two shares is Newcombe's.
 */
#include "lab/interval.h"

#include <math.h>

static const double pi = 3.14159265358979323846;

/* The quantile p > 0.5 of the normal distribution. */
static double normal_quantile(double p)
{
	static const double a[] = { -39.69683028665376, 220.9460984245205, -275.9285104469687,
		138.3577518672690, -30.66479806614716, 2.506628277459239 };
	static const double b[] = { -54.47609879822406, 161.5858368580409, -155.6989798598866,
		66.80131188771972, -13.28068155288572 };
	static const double c[] = { -0.007784894002430293, -0.3223964580411365, -2.400758277161838,
		-2.549732539343734, 4.374664141464968, 2.938163982698783 };
	static const double d[] = { 0.007784695709041462, 0.3224671290700398, 2.445134137142996,
		3.754408661907416 };

	if (p > 0.97575) {
		double q = sqrt(-2 * log(1 - p));
		double top = ((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5];
		return -top / ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
	}
	double q = p - 0.5, r = q * q;
	double top = ((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5];
	return top * q / (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
}

double normal_bound(double confidence)
{
	return normal_quantile(0.5 + confidence / 2);
}

double student_bound(unsigned n, double confidence)
{
	double p = 0.5 + confidence / 2, z = normal_quantile(p), v = n;
	double z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z, z9 = z7 * z * z;

	if (n == 1) {
		return tan(pi * (p - 0.5));
	}
	if (n == 2) {
		return (2 * p - 1) * sqrt(2 / (4 * p * (1 - p)));
	}
	return z + (z3 + z) / (4 * v) + (5 * z5 + 16 * z3 + 3 * z) / (96 * v * v) +
	       (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * v * v * v) +
	       (79 * z9 + 776 * z7 + 1482 * z5 - 1920 * z3 - 945 * z) / (92160 * v * v * v * v);
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
	return (struct interval){ p, fmax(0, middle - half), fmin(1, middle + half), true };
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
