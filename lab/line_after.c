/*
 * With saturation known: what each activity costs, and what is beyond.
 */
#include <math.h>
#include <stdio.h>

#include "lab/line_priv.h"

static const double step_least_s = 5, step_most_s = 20;

double line_middle(const struct line_limit *limit)
{
	return limit->failed ? sqrt(limit->low * limit->high) : limit->low;
}

static bool beyond_tick(void *arg, const struct line_tick *now)
{
	return line_beyond_tick(arg, now);
}

void line_look_beyond(struct line *l)
{
	struct line_result *r = l->result;
	double users = line_middle(&r->saturation);
	double step_s = l->plan.step_s > 0
			    ? l->plan.step_s
			    : fmin(fmax(2 * l->plan.load.timeout_s, step_least_s), step_most_s);

	line_beyond_init(&r->beyond, users * r->per_user_second, step_s,
	    l->plan.n_slo > 0 && l->plan.slo[0].quantile > 0);
	const struct line_ask ask = { .phase = LINE_PHASE_BEYOND,
		.users = users,
		.even = true,
		.parts = r->beyond.parts,
		.n_parts = LINE_STEPS,
		.seconds = line_beyond_seconds(&r->beyond),
		.tick = beyond_tick,
		.arg = &r->beyond };
	struct line_probe_record *p = line_ask(l, &ask, NULL);
	r->has_beyond = p != NULL;
	line_beyond_judge(&r->beyond);
	if (p == NULL) {
		return;
	}
	if (p->generator_limited) {
		line_caveat(
		    r, "beyond: the generator was the limit; the shape is not the target's");
		r->beyond.shape = LINE_SHAPE_UNKNOWN;
	}
	(void)snprintf(p->cause, sizeof(p->cause), "%s", line_shape_name(r->beyond.shape));
	line_progress(l, p);
}

static void weights_of(const struct line *l, double users, const double *rates, double *ret)
{
	for (unsigned i = 0; i < l->model->n_activities; i++) {
		double usual = l->result->share[i] * l->result->per_user_second * users;
		ret[i] = usual > 0 ? rates[i] / usual : 0;
	}
}

/* Ends a mix that turns out to be more than the target bears: its rows would say nothing. */
static bool mix_tick(void *arg, const struct line_tick *now)
{
	const struct line *l = arg;
	double offered = now->at_s > 0 ? (double)now->begun / now->at_s : 0;

	return (double)now->running <= 3 * l->calm_running + 10 + 2 * offered * l->settle_s;
}

void line_measure_demands(struct line *l)
{
	struct line_result *r = l->result;
	struct line_mixes mixes;
	double users = line_middle(&r->saturation), rates[MODEL_ACTIVITIES_MAX],
	       weights[MODEL_ACTIVITIES_MAX];
	unsigned n = 0;

	line_mixes_init(&mixes, r->share, l->model->n_activities, target_roles(l->plan.target),
	    users * r->per_user_second, l->plan.load.seed);
	while (line_mixes_next(&mixes, r->has_demands ? &r->demands : NULL, rates)) {
		weights_of(l, users, rates, weights);
		const struct line_ask ask = { .phase = LINE_PHASE_DEMANDS,
			.users = users,
			.even = true,
			.weights = weights,
			.seconds = l->settle_s + l->plan.mix_s + 0.3,
			.settle_s = l->settle_s,
			.tick = mix_tick,
			.arg = l };
		struct line_probe_record *p = line_ask(l, &ask, NULL);
		if (p == NULL || r->interrupted) {
			break;
		}
		line_add_rows(l, p, n++);
		line_progress(l, p);
		if (n >= line_mixes_first_part(&mixes) && !line_solve(l)) {
			break;
		}
	}
	line_predict(l);
}
