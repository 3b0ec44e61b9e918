/*
 * See grace_recovery.h.
 */
#include "lab/grace_recovery.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double good_share = 0.95, slow_factor = 2;

/* Few are due in a second: one that is not good is chance. */
static const double few = 20;

enum err grace_recovery_init(struct grace_recovery *r, const struct grace_recovery_plan *plan)
{
	double seconds = plan->base_s + plan->peaks * (plan->peak_s + plan->tail_s);

	memset(r, 0, sizeof(*r));
	r->plan = *plan;
	if (seconds > GRACE_SECONDS_MAX || plan->peaks > GRACE_PEAKS_MAX) {
		return ERR_LIMIT;
	}
	r->n_seconds = (unsigned)ceil(seconds);
	r->seconds = calloc(r->n_seconds, sizeof(*r->seconds));
	return r->seconds == NULL ? ERR_MEMORY : ERR_OK;
}

void grace_recovery_fini(struct grace_recovery *r)
{
	for (unsigned i = 0; r->seconds != NULL && i < r->n_seconds; i++) {
		hdr_fini(&r->seconds[i].served);
	}
	free(r->seconds);
	r->seconds = NULL;
}

unsigned grace_recovery_parts(const struct grace_recovery *r, struct arrival_part *ret)
{
	const struct grace_recovery_plan *p = &r->plan;
	unsigned n = 0;

	ret[n++] = (struct arrival_part){ p->base_s, p->calm_load };
	for (unsigned i = 0; i < p->peaks; i++) {
		ret[n++] = (struct arrival_part){ p->peak_s, p->peak_load };
		ret[n++] = (struct arrival_part){ p->tail_s, p->calm_load };
	}
	return n;
}

void grace_recovery_ended(struct grace_recovery *r, const struct load_ended *e)
{
	struct grace_counts one = { .offered = 0 };
	int64_t at_s = e->due_us / 1000000;

	if (e->due_us < 0 || at_s >= r->n_seconds) {
		return;
	}
	struct grace_second *s = &r->seconds[at_s];
	s->due++;
	s->good += grace_count(&one, e, (int64_t)(r->plan.deadline_s * 1e6)) ? 1 : 0;
	if (e->how == RUN_DONE) {
		hdr_record(&s->served, e->took_us);
	}
}

static bool is_good(const struct grace_recovery *r, const struct grace_second *s)
{
	double bad = (double)s->due - s->good, allowed = (1 - good_share) * s->due;

	return bad <= (s->due < few ? fmax(allowed, 1) : allowed) &&
	       (double)hdr_quantile_us(&s->served, 0.99) <= slow_factor * (double)r->base_p99_us;
}

/* Of the seconds from..to behind a peak: how many pass until it is back; -1: it is not. */
static double recovery_of(const struct grace_recovery *r, unsigned from, unsigned to)
{
	unsigned row = 0;

	for (unsigned i = from; i < to && i < r->n_seconds; i++) {
		row = is_good(r, &r->seconds[i]) ? row + 1 : 0;
		if (row == r->plan.hold_s) {
			return i + 1 - row - from;
		}
	}
	return -1;
}

void grace_recovery_judge(struct grace_recovery *r)
{
	const struct grace_recovery_plan *p = &r->plan;
	struct hdr base = { .count = 0 };

	/* The first second connects everybody. */
	for (unsigned i = 1; i < (unsigned)p->base_s && i < r->n_seconds; i++) {
		hdr_merge(&base, &r->seconds[i].served);
	}
	r->base_p99_us = hdr_quantile_us(&base, 0.99);
	hdr_fini(&base);
	r->recovered = 0;
	r->longest_s = 0;
	for (unsigned i = 0; i < p->peaks; i++) {
		unsigned from = (unsigned)(p->base_s + i * (p->peak_s + p->tail_s) + p->peak_s);
		r->recovery_s[i] = recovery_of(r, from, from + (unsigned)p->tail_s);
		r->recovered += r->recovery_s[i] >= 0 ? 1 : 0;
		r->longest_s = fmax(r->longest_s, r->recovery_s[i]);
	}
}
