/*
 * Values are counted in bins: a run may have millions.
 */
#include "lab/gaps.h"

#include <math.h>

enum {
	LEAST = 100, /* to judge by */
	GROUP_MAX = 1000,
};

static const double span_s = 0.005, /* a judged gap takes that long on average, or longer */
    visible = 0.05, certain = 6.0;  /* Anderson and Darling's at 0.1 % */

struct gap_stream gap_stream_new(const struct arrival_plan *plan)
{
	double group = ceil(plan->per_second * span_s);

	return (struct gap_stream){ .plan = plan,
		.group = group < 1	     ? 1
			 : group > GROUP_MAX ? GROUP_MAX
					     : (unsigned)group };
}

/* The chance that so many arrivals of rate 1 take at most x: Erlang's distribution. */
static double erlang(unsigned group, double x)
{
	double term = 1, sum = 0;

	/* The terms in units of e^-x, which would be nothing for a large x: its logarithm goes in
	 * last. */
	for (unsigned k = 0; k < group; k++) {
		sum += term;
		term *= x / (k + 1);
	}
	return 1 - exp(log(sum) - x);
}

/* The law's distribution of a gap of that many expected arrivals; < 0: it has none to judge. */
static double chance_up_to(const struct gap_stream *s, double gap)
{
	switch (s->plan->law) {
	case ARRIVAL_POISSON:
		return erlang(s->group, gap);
	case ARRIVAL_UNIFORM:
		return s->group == 1 ? gap / 2 : -1;
	case ARRIVAL_CONSTANT:
	case ARRIVAL_BURST:
	case ARRIVAL_REPLAYED:
		break;
	}
	return -1;
}

void gap_stream_sent(struct gap_stream *s, struct gaps *g, double seconds)
{
	if (s->begun && ++s->passed < s->group) {
		return;
	}
	double now = arrivals_expected(s->plan, seconds);
	double u = s->begun ? chance_up_to(s, now - s->before) : -1;
	if (u >= 0) {
		gaps_add(g, u);
	}
	s->begun = true;
	s->passed = 0;
	s->before = now;
}

void gap_stream_missed(struct gap_stream *s)
{
	s->begun = false;
}

void gaps_add(struct gaps *g, double u)
{
	int bin = (int)(u * GAPS_BINS);

	g->bins[bin < 0 ? 0 : bin >= GAPS_BINS ? GAPS_BINS - 1 : bin]++;
	g->n++;
}

void gaps_merge(struct gaps *to, const struct gaps *from)
{
	for (int i = 0; i < GAPS_BINS; i++) {
		to->bins[i] += from->bins[i];
	}
	to->n += from->n;
}

double gaps_distance(const struct gaps *g)
{
	double sum = 0, most = 0;

	for (int i = 0; i < GAPS_BINS && g->n > 0; i++) {
		sum += g->bins[i];
		most = fmax(most, fabs(sum / (double)g->n - (double)(i + 1) / GAPS_BINS));
	}
	return most;
}

/* n times the integral of (F_n - F)^2 / (F (1 - F)), F_n at the bins' ends. */
double gaps_anderson(const struct gaps *g)
{
	double sum = 0, integral = 0;

	for (int i = 0; i < GAPS_BINS - 1 && g->n > 0; i++) {
		sum += g->bins[i];
		double f = (double)(i + 1) / GAPS_BINS, off = sum / (double)g->n - f;
		integral += off * off / (f * (1 - f)) / GAPS_BINS;
	}
	return integral * (double)g->n;
}

bool gaps_are_wrong(const struct gaps *g)
{
	return g->n >= LEAST && gaps_distance(g) > visible && gaps_anderson(g) > certain;
}
