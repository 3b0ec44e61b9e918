/*
 * With R(t) the integral of the rate, arrivals of a process of rate 1 at s map to t = R^-1(s). For
 * Poisson gaps this is the exact inhomogeneous process, no thinning.
 */
#include "lab/arrivals.h"

#include <math.h>

enum {
	STEPS = 10,
	NS = 1000000000,
};

/* clang-format off */
static const char *const law_names[] = {
	[ARRIVAL_POISSON] = "poisson", [ARRIVAL_CONSTANT] = "constant", [ARRIVAL_UNIFORM] = "uniform",
	[ARRIVAL_BURST] = "burst",
};
static const char *const shape_names[] = {
	[SHAPE_FLAT] = "flat", [SHAPE_RAMP] = "ramp", [SHAPE_STEP] = "step",
};
/* clang-format on */

static enum err name_parse(const char *const *names, unsigned n, struct slice name, unsigned *ret)
{
	for (unsigned i = 0; i < n; i++) {
		if (slice_eq(slice_str(names[i]), name)) {
			*ret = i;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

enum err arrival_law_parse(struct slice name, enum arrival_law *ret)
{
	unsigned i = 0;
	enum err e = name_parse(law_names, sizeof(law_names) / sizeof(law_names[0]), name, &i);

	if (e == ERR_OK) {
		*ret = (enum arrival_law)i;
	}
	return e;
}

enum err arrival_shape_parse(struct slice name, enum arrival_shape *ret)
{
	unsigned i = 0;
	enum err e =
	    name_parse(shape_names, sizeof(shape_names) / sizeof(shape_names[0]), name, &i);

	if (e == ERR_OK) {
		*ret = (enum arrival_shape)i;
	}
	return e;
}

const char *arrival_law_name(enum arrival_law law)
{
	return law_names[law];
}

const char *arrival_shape_name(enum arrival_shape shape)
{
	return shape_names[shape];
}

struct arrivals arrivals_new(const struct arrival_plan *plan, uint64_t seed, uint64_t stream)
{
	struct arrivals a = { .plan = *plan, .chance = chance_new(seed, stream) };

	/* Evenly spaced ones of several activities must not march in step. */
	if (plan->law == ARRIVAL_CONSTANT) {
		a.passed = chance_unit(&a.chance) - 1;
	}
	return a;
}

static double gap(struct arrivals *a)
{
	switch (a->plan.law) {
	case ARRIVAL_CONSTANT:
		return 1;
	case ARRIVAL_UNIFORM:
		return 2 * chance_unit(&a->chance);
	case ARRIVAL_POISSON:
	case ARRIVAL_BURST:
		break;
	}
	return chance_exponential(&a->chance);
}

double arrivals_expected(const struct arrival_plan *p, double seconds)
{
	double rate = p->per_second, length = p->length_s;

	if (seconds <= 0) {
		return 0;
	}
	if (p->shape == SHAPE_FLAT) {
		return rate * seconds;
	}
	double inside = seconds < length ? seconds : length;
	double after = rate * (seconds - inside);
	if (p->shape == SHAPE_RAMP) {
		return rate * inside * inside / (2 * length) + after;
	}
	/* Step k of 1 to 10 has k tenths of the rate. */
	double step_s = length / STEPS, done = floor(inside / step_s);
	done = done > STEPS ? STEPS : done;
	double whole = rate / STEPS * step_s * done * (done + 1) / 2;
	double rest = inside - done * step_s;
	return whole + (rest > 0 ? rest * rate / STEPS * (done + 1) : 0) + after;
}

/* The moment at which so many are expected. */
static double when(const struct arrival_plan *p, double count)
{
	double rate = p->per_second, length = p->length_s;

	if (p->shape == SHAPE_FLAT) {
		return count / rate;
	}
	double inside = arrivals_expected(p, length);
	if (count >= inside) {
		return length + (count - inside) / rate;
	}
	if (p->shape == SHAPE_RAMP) {
		return sqrt(2 * length * count / rate);
	}
	double step_s = length / STEPS, left = count;
	for (int k = 1; k <= STEPS; k++) {
		double step_rate = rate / STEPS * k;
		if (left < step_rate * step_s || k == STEPS) {
			return (k - 1) * step_s + left / step_rate;
		}
		left -= step_rate * step_s;
	}
	return length;
}

int64_t arrivals_next_ns(struct arrivals *a)
{
	a->passed += gap(a);
	double t = when(&a->plan, a->passed > 0 ? a->passed : 0);

	if (a->plan.law == ARRIVAL_BURST) {
		t = floor(t / a->plan.burst_period_s) * a->plan.burst_period_s;
	}
	/* 292 years; a rate of next to nothing must not overflow. */
	return t > 9e9 ? INT64_MAX : (int64_t)(t * NS);
}
