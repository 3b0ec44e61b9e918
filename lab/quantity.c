/*
 * Steps are taken from tables; a log axis has its ticks at 1, at 1 and 3, or at 1, 2 and 5 of each
 * power of ten, by how much it spans.
 */
#include "lab/quantity.h"

#include <math.h>

#include "lab/formula.h"

enum {
	MONTHS = 12,
	MINUTE_S = 60,
	HOUR_S = 3600,
};

/* ---- text ---- */

/* Three digits. */
static void put_short(double value, struct buf *out)
{
	double unit = value == 0 ? 1 : pow(10, floor(log10(fabs(value))) - 2);

	formula_put_number(nearbyint(value / unit) * unit, out);
}

/* The number in the largest unit that it reaches. units: from the smallest; each times factor. */
static void put_scaled(
    double value, double factor, const char *const *units, unsigned n, struct buf *out)
{
	unsigned i = 0;

	/* 999.96 would print as 1000 of the smaller unit. */
	while (i + 1 < n && fabs(value) >= factor * 0.99995) {
		value /= factor;
		i++;
	}
	put_short(value, out);
	buf_append_str(out, units[i]);
}

static void put_seconds(double s, struct buf *out)
{
	if (fabs(s) >= HOUR_S && fmod(s, HOUR_S / 2.0) == 0) {
		formula_put_number(s / HOUR_S, out);
		buf_append_str(out, " h");
	} else if (fabs(s) > MINUTE_S && fmod(s, MINUTE_S / 2.0) == 0) {
		formula_put_number(s / MINUTE_S, out);
		buf_append_str(out, " min");
	} else {
		formula_put_number(s, out);
		buf_append_str(out, " s");
	}
}

/* With as many nines as it has. */
static void put_rank(double rank, struct buf *out)
{
	int digits = rank >= 99.9 ? (int)ceil(log10(rank) - 2 - 1e-9) : 0;

	buf_printf(out, "%.*f %%", digits > 6 ? 6 : digits, (1 - 1 / rank) * 100);
}

static void put_month(double months, struct buf *out)
{
	static const char *const names[MONTHS] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	long m = lround(months);

	if (m < 0) {
		m = 0;
	}
	buf_printf(out, "%s %ld", names[m % MONTHS], m / MONTHS);
}

void quantity_put(enum quantity q, double value, struct buf *out)
{
	static const char *const numbers[] = { "", "k", "M", "G" };
	static const char *const bytes[] = { " B", " kB", " MB", " GB", " TB" };
	static const char *const ms[] = { " ms", " s" };

	if (!isfinite(value)) {
		buf_append_char(out, '-');
		return;
	}
	switch (q) {
	case QUANTITY_NUMBER:
		if (fabs(value) < 10000) {
			formula_put_number(value, out);
		} else {
			put_scaled(value, 1000, numbers, 4, out);
		}
		break;
	case QUANTITY_MS:
		put_scaled(value, 1000, ms, 2, out);
		break;
	case QUANTITY_SECONDS:
		put_seconds(value, out);
		break;
	case QUANTITY_SHARE:
		/* 99.97 is not 100. */
		(value > 0.99 && value < 1 ? formula_put_number : put_short)(value * 100, out);
		buf_append_str(out, " %");
		break;
	case QUANTITY_RANK:
		put_rank(value, out);
		break;
	case QUANTITY_BYTES:
		put_scaled(value, 1000, bytes, 5, out);
		break;
	case QUANTITY_MONTH:
		put_month(value, out);
		break;
	}
}

/* ---- steps ---- */

/* The smallest step of a table that is at least so large; beyond its end whole multiples of it. */
static double step_of(const double *table, unsigned n, double least)
{
	for (unsigned i = 0; i < n; i++) {
		if (table[i] >= least) {
			return table[i];
		}
	}
	return table[n - 1] * ceil(least / table[n - 1]);
}

/* 1, 2 or 5 times a power of ten. */
static double round_step(double least)
{
	double ten = pow(10, floor(log10(least)));
	double digit = least / ten;

	/* What is 2.0000001 by rounding is 2. */
	return ten * (digit <= 1 + 1e-9 ? 1 : digit <= 2 + 1e-9 ? 2 : digit <= 5 + 1e-9 ? 5 : 10);
}

static double linear_step(enum quantity q, double least)
{
	static const double seconds[] = { 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
		7200, 14400, 21600, 43200, 86400 };
	static const double months[] = { 1, 2, 3, 6, 12, 24, 60, 120 };

	if (q == QUANTITY_SECONDS && least > 0.5) {
		return step_of(seconds, sizeof(seconds) / sizeof(seconds[0]), least);
	}
	if (q == QUANTITY_MONTH) {
		return step_of(months, sizeof(months) / sizeof(months[0]), least);
	}
	return round_step(least);
}

static unsigned linear_ticks(const struct axis *a, unsigned most, double *ret)
{
	double step = linear_step(a->quantity, (a->to - a->from) / (most - 1) * (1 - 1e-9));
	double first = ceil(a->from / step - 1e-9), last = floor(a->to / step + 1e-9);
	unsigned n = 0;

	for (double k = first; k <= last && n < most; k++) {
		ret[n++] = k * step + 0.0; /* -0 is 0 */
	}
	return n;
}

/* Powers of ten from low to high, and between them what digits has. */
static unsigned log_ticks_by(
    const struct axis *a, const double *digits, unsigned n_digits, double *ret, unsigned max)
{
	unsigned n = 0;

	for (double ten = pow(10, floor(log10(a->from) + 1e-9)); ten <= a->to * (1 + 1e-9);
	     ten *= 10) {
		for (unsigned i = 0; i < n_digits; i++) {
			double value = ten * digits[i];
			if (value < a->from * (1 - 1e-9) || value > a->to * (1 + 1e-9)) {
				continue;
			}
			if (n == max) {
				return max + 1;
			}
			ret[n++] = value;
		}
	}
	return n;
}

static unsigned log_ticks(const struct axis *a, unsigned most, double *ret)
{
	double digits[][3] = { { 1, 2, 5 }, { 1, 3, 0 }, { 1, 0, 0 } };
	static const unsigned n_digits[] = { 3, 2, 1 };
	unsigned n = 0;

	if (a->quantity == QUANTITY_RANK) {
		digits[1][1] = 2; /* a third would be 66.7 % */
	}
	for (unsigned i = 0; i < 3; i++) {
		n = log_ticks_by(a, digits[i], n_digits[i], ret, most);
		if (n <= most) {
			return n;
		}
	}
	/* More powers of ten than ticks: every so many of them. */
	double all = floor(log10(a->to) + 1e-9) - ceil(log10(a->from) - 1e-9);
	double every = ceil(all / (most - 1)), first = ceil(log10(a->from) - 1e-9);
	for (n = 0; n < most && first + n * every <= log10(a->to) + 1e-9; n++) {
		ret[n] = pow(10, first + n * every);
	}
	return n;
}

unsigned axis_ticks(const struct axis *a, unsigned most, double *ret)
{
	most = most > TICKS_MAX ? TICKS_MAX : most < 2 ? 2 : most;
	return a->log ? log_ticks(a, most, ret) : linear_ticks(a, most, ret);
}

/* ---- the axis ---- */

/* The largest 1, 2 or 5 times a power of ten that is at most value, and the smallest above. */
static double round_down(double value)
{
	double ten = pow(10, floor(log10(value) + 1e-9));
	double digit = value / ten * (1 + 1e-9);

	return ten * (digit >= 5 ? 5 : digit >= 2 ? 2 : 1);
}

static struct axis fit_log(enum quantity q, double low, double high)
{
	if (!isfinite(low) || !isfinite(high) || low <= 0) {
		low = high > 0 && isfinite(high) ? high / 10 : 1;
		high = high > 0 && isfinite(high) ? high : 10;
	}
	struct axis a = { q, true, round_down(low), round_step(high) };
	if (a.to < a.from * 2) {
		a.from = round_down(a.from * 0.99);
		a.to = round_step(a.to * 1.01);
	}
	return a;
}

struct axis axis_fit(enum quantity q, bool log, bool from_zero, double low, double high)
{
	enum {
		STEPS = 5
	};
	if (log) {
		return fit_log(q, low, high);
	}
	if (!isfinite(low) || !isfinite(high)) {
		low = 0;
		high = 1;
	}
	low = from_zero && low > 0 ? 0 : low;
	if (high <= low) {
		high = low + (low == 0 ? 1 : fabs(low) * 0.1);
	}
	if (q == QUANTITY_SECONDS || q == QUANTITY_MONTH) {
		/* Time goes from its beginning to its end; ticks need not stand there. */
		return (struct axis){ q, false, low, high };
	}
	double step = linear_step(q, (high - low) / STEPS);
	return (struct axis){ q, false, floor(low / step + 1e-9) * step,
		ceil(high / step - 1e-9) * step };
}

double axis_place(const struct axis *a, double value)
{
	if (!isfinite(value) || (a->log && value <= 0)) {
		return (double)NAN;
	}
	return a->log ? (log(value) - log(a->from)) / (log(a->to) - log(a->from))
		      : (value - a->from) / (a->to - a->from);
}
