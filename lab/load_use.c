/*
 * The sums go up straight between two looks; a batch is what lies between two moments.
 */
#include "lab/load_use.h"

static double cpu_of(const struct load_use *use)
{
	double sum = 0;

	for (unsigned i = 0; i < LOAD_ROLES_MAX; i++) {
		sum += use->cpu_s[i];
	}
	return sum;
}

double load_use_cpu_at(const struct load_result *r, double at_s)
{
	for (unsigned i = 1; i < r->n_uses; i++) {
		const struct load_use *a = &r->uses[i - 1], *b = &r->uses[i];
		if (at_s <= b->at_s && b->at_s > a->at_s) {
			double share = (at_s - a->at_s) / (b->at_s - a->at_s);
			share = share < 0 ? 0 : share;
			return cpu_of(a) + share * (cpu_of(b) - cpu_of(a));
		}
	}
	return r->n_uses > 0 ? cpu_of(&r->uses[r->n_uses - 1]) : 0;
}

double load_use_done_at(const struct load_result *r, double at_s)
{
	double begin_s = 0, done = 0;

	for (unsigned i = 0; i < r->n_seconds; i++) {
		const struct load_second *s = &r->seconds[i];
		if (begin_s + s->length_s >= at_s) {
			double share = s->length_s > 0 ? (at_s - begin_s) / s->length_s : 0;
			return done + (share < 0 ? 0 : share) * s->done;
		}
		done += s->done;
		begin_s += s->length_s;
	}
	return done;
}

struct interval load_use_cost_us(const struct load_result *r)
{
	double cpu_us[LOAD_USE_BATCHES_MAX], done[LOAD_USE_BATCHES_MAX];
	double from_s = r->plan.warm_up_s;
	double until_s = from_s + r->elapsed_s;
	double length_s = until_s - from_s;

	if (r->n_uses < 2 || length_s <= 0) {
		return (struct interval){ .known = false };
	}
	double fit = length_s / LOAD_USE_BATCH_S;
	unsigned n = fit >= LOAD_USE_BATCHES_MAX ? LOAD_USE_BATCHES_MAX
		     : fit < 1			 ? 1
						 : (unsigned)fit;
	for (unsigned i = 0; i < n; i++) {
		double a = from_s + length_s * i / n, b = from_s + length_s * (i + 1) / n;
		cpu_us[i] = (load_use_cpu_at(r, b) - load_use_cpu_at(r, a)) * 1e6;
		done[i] = load_use_done_at(r, b) - load_use_done_at(r, a);
	}
	return interval_ratio(cpu_us, done, n, 0.95);
}
