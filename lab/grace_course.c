/*
 * See grace_course.h. Steps have the same length, so a moment's step is found by dividing.
 */
#include "lab/grace_course.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double step_length_s(const struct grace_course *c)
{
	return c->plan.settle_s + c->plan.step_s;
}

enum err grace_course_init(struct grace_course *c, const struct grace_course_plan *plan)
{
	memset(c, 0, sizeof(*c));
	c->plan = *plan;
	c->n_steps = 2 * plan->n_loads - 1;
	c->steps = calloc(c->n_steps, sizeof(*c->steps));
	if (c->steps == NULL) {
		return ERR_MEMORY;
	}
	for (unsigned i = 0; i < c->n_steps; i++) {
		struct grace_step *s = &c->steps[i];
		s->down = i >= plan->n_loads;
		s->load = plan->loads[s->down ? c->n_steps - 1 - i : i];
		s->from_s = i * step_length_s(c) + plan->settle_s;
		s->to_s = s->from_s + plan->step_s;
	}
	return ERR_OK;
}

void grace_course_fini(struct grace_course *c)
{
	for (unsigned i = 0; c->steps != NULL && i < c->n_steps; i++) {
		hdr_fini(&c->steps[i].served);
		hdr_fini(&c->steps[i].refused);
	}
	free(c->steps);
	c->steps = NULL;
}

void grace_course_parts(const struct grace_course *c, struct arrival_part *ret)
{
	for (unsigned i = 0; i < c->n_steps; i++) {
		ret[i] = (struct arrival_part){ step_length_s(c), c->steps[i].load };
	}
}

/* The step whose counted part holds that moment, or NULL. */
static struct grace_step *step_at(struct grace_course *c, double at_s)
{
	double i = floor(at_s / step_length_s(c));

	if (i < 0 || i >= c->n_steps) {
		return NULL;
	}
	struct grace_step *s = &c->steps[(unsigned)i];
	return at_s >= s->from_s ? s : NULL;
}

bool grace_count(struct grace_counts *to, const struct load_ended *e, int64_t deadline_us)
{
	bool done = e->how == RUN_DONE, good = done && e->slowest_us <= deadline_us;

	to->offered++;
	to->admitted += e->admitted ? 1 : 0;
	to->completed += e->admitted && done ? 1 : 0;
	switch (e->how) {
	case RUN_DONE:
		to->good += good ? 1 : 0;
		to->late += good ? 0 : 1;
		break;
	case RUN_REFUSED:
		to->refused++;
		break;
	case RUN_FAILED:
	case RUN_GAVE_UP:
	case RUN_ABORTED:
		to->failed++;
		break;
	case RUN_MISSED:
		to->missed++;
		break;
	}
	return good;
}

void grace_course_ended(struct grace_course *c, const struct load_ended *e)
{
	struct grace_step *s = step_at(c, (double)e->due_us / 1e6);
	int64_t deadline_us = (int64_t)(c->plan.deadline_s * 1e6);

	if (s == NULL) {
		return;
	}
	bool good = grace_count(&s->all, e, deadline_us);
	(void)grace_count(&s->activities[e->activity], e, deadline_us);
	if (e->how == RUN_DONE) {
		hdr_record(&s->served, e->took_us);
	}
	if (good && e->user < GRACE_USERS_MAX) {
		s->good_of[e->user]++;
	}
}

void grace_course_refusal(struct grace_course *c, double at_s, int64_t took_us)
{
	struct grace_step *s = step_at(c, at_s);

	if (s != NULL) {
		hdr_record(&s->refused, took_us);
	}
}

double grace_step_rate(const struct grace_step *s, uint64_t count)
{
	return (double)count / (s->to_s - s->from_s);
}

/* With equal chances the counts are multinomial: the variance of each is its mean * (1 - 1/n). */
static void judge_fairness(const struct grace_course *c, struct grace_step *s)
{
	double n = c->plan.users, sum = (double)s->all.good, squares = 0;

	if (n > GRACE_USERS_MAX || n < 2 || sum <= 0) {
		return;
	}
	for (unsigned i = 0; i < (unsigned)n; i++) {
		squares += (double)s->good_of[i] * s->good_of[i];
	}
	s->fairness = (struct grace_fairness){
		.known = true, .jain = sum * sum / (n * squares), .even = 1 / (1 + (n - 1) / sum)
	};
}

/* Over the loads by trapezia; the step at the top belongs to both ways. */
static double area(const struct grace_course *c)
{
	double apart = 0, all = 0;

	for (unsigned i = 0; i + 1 < c->plan.n_loads; i++) {
		double width = c->plan.loads[i + 1] - c->plan.loads[i], gap[2], up[2];
		for (unsigned k = 0; k < 2; k++) {
			const struct grace_step *u = &c->steps[i + k],
						*d = &c->steps[c->n_steps - 1 - i - k];
			up[k] = grace_step_rate(u, u->all.good);
			gap[k] = fabs(up[k] - grace_step_rate(d, d->all.good));
		}
		apart += width * (gap[0] + gap[1]) / 2;
		all += width * (up[0] + up[1]) / 2;
	}
	return all > 0 ? apart / all : 0;
}

void grace_course_judge(struct grace_course *c)
{
	c->peak = 0;
	for (unsigned i = 0; i < c->n_steps; i++) {
		struct grace_step *s = &c->steps[i];
		c->peak = fmax(c->peak, grace_step_rate(s, s->all.good));
		judge_fairness(c, s);
	}
	c->hysteresis_area = area(c);
}
