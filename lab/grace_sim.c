/*
 * Tries in order of time: those of the schedule, and those that come again. A first-come queue of
 * equal jobs needs no list of them: when each worker will be free says how long a new one waits.
 */
#include "lab/grace_sim.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "lab/due.h"

static const double refusal_s = 0.0005;

struct
try {
	double due_s, at_s;
	unsigned tries;
	uint64_t user;
};

struct sim {
	const struct grace_sim_plan *plan;
	double free_s[GRACE_SIM_WORKERS_MAX];
	bool limps;
	struct due_heap again;
	load_ended_fn *ended;
	load_refusal_fn *refusal;
	void *arg;
};

static unsigned first_free(const struct sim *s)
{
	unsigned first = 0;

	for (unsigned i = 1; i < s->plan->workers; i++) {
		first = s->free_s[i] < s->free_s[first] ? i : first;
	}
	return first;
}

static void tell(struct sim *s, const struct try *t, enum load_outcome how, double end_s)
{
	int64_t took_us = (int64_t)((end_s - t->due_s) * 1e6);
	const struct load_ended e = { .user = t->user,
		.how = how,
		.due_us = (int64_t)(t->due_s * 1e6),
		.took_us = took_us,
		.slowest_us = how == RUN_DONE ? took_us : 0,
		.admitted = how == RUN_DONE };

	s->ended(s->arg, &e);
}

/* Comes again, or has ended. */
static void fail(struct sim *s, const struct try *t, enum load_outcome how, double at_s)
{
	if (t->tries >= s->plan->retries) {
		tell(s, t, how, at_s);
		return;
	}
	struct try *next = malloc(sizeof(*next));
	CHECK(next != NULL);
	*next = *t;
	next->tries++;
	next->at_s = at_s + s->plan->pause_s;
	CHECK(due_add(&s->again, (struct due){ (int64_t)(next->at_s * 1e6), next }) == ERR_OK);
}

static void serve(struct sim *s, const struct try *t)
{
	const struct grace_sim_plan *p = s->plan;
	unsigned worker = first_free(s);
	double begin_s = fmax(t->at_s, s->free_s[worker]), wait_s = begin_s - t->at_s;

	if (p->bound_s > 0 && wait_s > p->bound_s) {
		if (s->refusal != NULL) {
			s->refusal(s->arg, (int64_t)(t->at_s * 1e6), (int64_t)(refusal_s * 1e6));
		}
		fail(s, t, RUN_REFUSED, t->at_s + refusal_s);
		return;
	}
	s->limps = s->limps || (p->limp_s > 0 && wait_s > p->limp_s);
	double end_s = begin_s + p->service_s * (s->limps ? 2 : 1);
	s->free_s[worker] = end_s;
	if (p->patience_s > 0 && end_s > t->at_s + p->patience_s) {
		fail(s, t, RUN_FAILED, t->at_s + p->patience_s);
		return;
	}
	tell(s, t, RUN_DONE, end_s);
}

void grace_sim_run(const struct grace_sim_plan *plan, uint64_t seed, load_ended_fn *ended,
    load_refusal_fn *refusal, void *arg)
{
	struct sim s = { .plan = plan, .ended = ended, .refusal = refusal, .arg = arg };
	struct arrival_plan law = { .shape = SHAPE_PARTS,
		.per_second = plan->workers / plan->service_s,
		.parts = plan->parts,
		.n_parts = plan->n_parts };
	uint64_t user = 0;
	struct due d;

	s.again.max = GRACE_SIM_WAITING_MAX;
	for (unsigned i = 0; i < plan->n_parts; i++) {
		law.length_s += plan->parts[i].seconds;
	}
	struct arrivals arrivals = arrivals_new(&law, seed, 0);
	double next_s = (double)arrivals_next_ns(&arrivals) / 1e9;
	for (;;) {
		bool is_new = next_s < law.length_s;
		int64_t until_us = is_new ? (int64_t)(next_s * 1e6) : INT64_MAX;
		if (due_pop(&s.again, until_us, &d)) {
			struct try *t = d.who;
			serve(&s, t);
			free(t);
			continue;
		}
		if (!is_new) {
			break;
		}
		const struct try t = { .due_s = next_s, .at_s = next_s, .user = user++ % 100 };
		serve(&s, &t);
		next_s = (double)arrivals_next_ns(&arrivals) / 1e9;
	}
	due_fini(&s.again);
}
