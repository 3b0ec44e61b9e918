/*
 * The sums go up straight between two looks; a batch is what lies between two moments.
 */
#include "lab/load_use.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

struct load_role load_role_of(struct target *t, unsigned number)
{
	struct load_role role = { .cpu_s = 0 };

	(void)snprintf(role.name, sizeof(role.name), "%s", target_role_name(t, number));
	return role;
}

/* The number of the last look up to that moment. */
static unsigned base_of(struct target *t, int64_t from_us)
{
	struct target_moment m;
	unsigned n = 0;

	while (target_look_at(t, n + 1, &m) && m.at_us <= from_us) {
		n++;
	}
	return n;
}

bool load_use_take(struct load_result *r, struct target *t, int64_t from_us)
{
	unsigned base = base_of(t, from_us), n = target_looks(t);
	struct target_moment first = { 0 }, m = { 0 };

	if (base + 2 > n || !target_look_at(t, base, &first)) {
		return false;
	}
	r->uses = calloc(n - base, sizeof(*r->uses));
	if (r->uses == NULL) {
		return false;
	}
	for (unsigned i = base; i < n && target_look_at(t, i, &m); i++) {
		struct load_use *use = &r->uses[r->n_uses++];
		use->at_s = fmax((double)(m.at_us - from_us) / 1e6, 0);
		for (unsigned k = 0; k < LOAD_ROLES_MAX; k++) {
			use->cpu_s[k] = m.cpu_s[k] - first.cpu_s[k];
		}
	}
	for (; r->n_roles < target_roles(t); r->n_roles++) {
		struct load_role *role = &r->roles[r->n_roles];
		*role = load_role_of(t, r->n_roles);
		role->cpu_s = r->uses[r->n_uses - 1].cpu_s[r->n_roles];
		(void)target_between(t, r->n_roles, first.at_us, m.at_us, &role->use);
	}
	return true;
}

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
