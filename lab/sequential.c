/*
 * The log of the ratio of likelihoods of drift `grows` and drift `still`, for steps that are normal
 * with a variance that is taken from the batches. Few batches know their variance badly, so it is
 * taken larger by what their number allows.
 */
#include "lab/sequential.h"

#include <math.h>

enum {
	GROUPS = 16,
};

static const double few_groups = 12; /* so many groups: their variance counts twice */

void sequential_add(struct sequential *s, double units, double growth)
{
	if (s->n == SEQUENTIAL_BATCHES_MAX || units <= 0) {
		return;
	}
	s->units[s->n] = units;
	s->growth[s->n++] = growth;
	s->sum_units += units;
	s->sum_growth += growth;
}

double sequential_drift(const struct sequential *s)
{
	return s->sum_units > 0 ? s->sum_growth / s->sum_units : 0;
}

/*
 * Variance of sums of neighbouring batches, some sixteen of them whatever the length: where one
 * batch takes back what the one before gave (a queue that empties, whole requests), a longer one
 * knows that the sum is quieter; where they go together, that it is louder.
 */
double sequential_noise(const struct sequential *s)
{
	double drift = sequential_drift(s), sum = 0;
	unsigned each = s->n / GROUPS > 1 ? s->n / GROUPS : 1, groups = s->n / each;

	if (groups < 2) {
		return HUGE_VAL;
	}
	for (unsigned g = 0; g < groups; g++) {
		double off = 0, units = 0;
		for (unsigned i = s->n - (g + 1) * each; i < s->n - g * each; i++) {
			off += s->growth[i] - drift * s->units[i];
			units += s->units[i];
		}
		sum += off * off / units;
	}
	return fmax(sum / (groups - 1) * (1 + few_groups / groups), s->plan.noise_least);
}

enum sequential_verdict sequential_verdict(const struct sequential *s)
{
	const struct sequential_plan *p = &s->plan;

	if (s->n < p->batches_least || s->n < 2) {
		return SEQUENTIAL_OPEN;
	}
	double bound = log((1 - p->error) / p->error);
	double ratio = (p->grows - p->still) / sequential_noise(s) *
		       (s->sum_growth - (p->grows + p->still) / 2 * s->sum_units);
	if (ratio >= bound) {
		return SEQUENTIAL_GROWS;
	}
	return ratio <= -bound ? SEQUENTIAL_STILL : SEQUENTIAL_OPEN;
}

/* With drift g to be told from `still`, the ratio is g (G - g T / 2) / noise, G and T being sums
 * over `still`: largest at G / T; minus the bound at one g above it. */
enum sequential_verdict sequential_settle(const struct sequential *s, double *ret_grows)
{
	const struct sequential_plan *p = &s->plan;
	double t = s->sum_units, g = s->sum_growth - p->still * t;
	double bound = log((1 - p->error) / p->error) * sequential_noise(s);

	if (s->n < 2 || t <= 0) {
		return SEQUENTIAL_OPEN;
	}
	if (g > 0 && g * g / (2 * t) >= bound) {
		return SEQUENTIAL_GROWS;
	}
	*ret_grows = fmax(p->grows, p->still + (g + sqrt(g * g + 2 * t * bound)) / t);
	return SEQUENTIAL_STILL;
}
