/*
 * With R(t) the integral of the rate, arrivals of a process of rate 1 at s map to t = R^-1(s). For
 * Poisson gaps this is the exact inhomogeneous process, no thinning.
 */
#include "lab/arrivals.h"

#include <math.h>

enum {
	STEPS = 10, /* of the shapes step and spike */
	NS = 1000000000,
};

/* clang-format off */
static const char *const law_names[] = {
	[ARRIVAL_POISSON] = "poisson", [ARRIVAL_CONSTANT] = "constant", [ARRIVAL_UNIFORM] = "uniform",
	[ARRIVAL_BURST] = "burst", [ARRIVAL_REPLAYED] = "replayed",
};
static const char *const shape_names[] = {
	[SHAPE_FLAT] = "flat", [SHAPE_RAMP] = "ramp", [SHAPE_STEP] = "step",
	[SHAPE_DIURNAL] = "diurnal", [SHAPE_SPIKE] = "spike", [SHAPE_PARTS] = "parts",
};
/* An assumption, for models that have no hours of their own: few at four in the morning, most in the
 * evening, 1.5 times the mean then. */
const double arrivals_day[ARRIVALS_HOURS] = {
	0.60, 0.40, 0.27, 0.20, 0.20, 0.28, 0.48, 0.80, 1.05, 1.18, 1.25, 1.28,
	1.28, 1.25, 1.25, 1.27, 1.30, 1.32, 1.36, 1.44, 1.50, 1.46, 1.26, 1.32,
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
	/* Replayed ones are no law of their own. */
	enum err e = name_parse(law_names, ARRIVAL_REPLAYED, name, &i);

	if (e == ERR_OK) {
		*ret = (enum arrival_law)i;
	}
	return e;
}

enum err arrival_shape_parse(struct slice name, enum arrival_shape *ret)
{
	unsigned i = 0;
	enum err e = name_parse(shape_names, SHAPE_PARTS, name, &i);

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
	case ARRIVAL_REPLAYED:
		break;
	}
	return chance_exponential(&a->chance);
}

/* A shape is parts of so many seconds and a factor of the rate; its part k. */
static struct arrival_part part(const struct arrival_plan *p, unsigned k)
{
	switch (p->shape) {
	case SHAPE_STEP:
		return (struct arrival_part){ p->length_s / STEPS, (double)(k + 1) / STEPS };
	case SHAPE_SPIKE:
		return (
		    struct arrival_part){ p->length_s / STEPS, k == 4 || k == 5 ? p->spike : 1 };
	case SHAPE_DIURNAL:
		return (struct arrival_part){ p->length_s / ARRIVALS_HOURS,
			(p->day == NULL ? arrivals_day : p->day)[k] };
	case SHAPE_PARTS:
		return p->parts[k];
	case SHAPE_FLAT:
	case SHAPE_RAMP:
		break;
	}
	return (struct arrival_part){ p->length_s, 1 };
}

static unsigned parts(const struct arrival_plan *p)
{
	return p->shape == SHAPE_DIURNAL ? ARRIVALS_HOURS
	       : p->shape == SHAPE_PARTS ? p->n_parts
					 : STEPS;
}

/* Of a shape in parts, up to a moment, the rate behind the last. */
static double expected_of_parts(const struct arrival_plan *p, double seconds)
{
	double sum = 0;

	for (unsigned k = 0; k < parts(p) && seconds > 0; k++) {
		struct arrival_part in = part(p, k);
		sum += p->per_second * in.factor * fmin(seconds, in.seconds);
		seconds -= in.seconds;
	}
	return sum + p->per_second * fmax(seconds, 0);
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
	if (p->shape == SHAPE_RAMP) {
		double inside = fmin(seconds, length);
		return rate * inside * inside / (2 * length) + rate * (seconds - inside);
	}
	if (p->shape == SHAPE_DIURNAL) {
		double days = floor(seconds / length);
		return days * expected_of_parts(p, length) +
		       expected_of_parts(p, seconds - days * length);
	}
	return expected_of_parts(p, seconds);
}

/* The moment in a shape in parts at which so many are expected. */
static double when_in_parts(const struct arrival_plan *p, double count)
{
	double t = 0;

	for (unsigned k = 0; k < parts(p); k++) {
		struct arrival_part in = part(p, k);
		double rate = p->per_second * in.factor;
		if (count < rate * in.seconds) {
			return t + count / rate;
		}
		count -= rate * in.seconds;
		t += in.seconds;
	}
	return t + count / p->per_second;
}

/* The moment at which so many are expected. */
static double when(const struct arrival_plan *p, double count)
{
	double rate = p->per_second, length = p->length_s;

	if (p->shape == SHAPE_FLAT) {
		return count / rate;
	}
	if (p->shape == SHAPE_RAMP) {
		double inside = rate * length / 2;
		return count < inside ? sqrt(2 * length * count / rate)
				      : length + (count - inside) / rate;
	}
	if (p->shape == SHAPE_DIURNAL) {
		double in_a_day = expected_of_parts(p, length), days = floor(count / in_a_day);
		return days * length + when_in_parts(p, count - days * in_a_day);
	}
	return when_in_parts(p, count);
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
