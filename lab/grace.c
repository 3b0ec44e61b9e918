/*
 * The phases of grace, each one load run. The deadline is also how long a client waits for an
 * answer before it closes the connection: who is served later than that is served for nobody.
 */
#include "lab/grace.h"

#include <math.h>
#include <stdlib.h>

#include "lab/line_priv.h"

void grace_result_free(struct grace_result **gp)
{
	struct grace_result *g = *gp;

	if (g == NULL) {
		return;
	}
	grace_course_fini(&g->course);
	grace_recovery_fini(&g->recovery);
	grace_response_fini(&g->response);
	free(g);
	*gp = NULL;
}

/* One run with these stretches; false: the search is over. */
static bool run_parts(struct line *l, struct line_ask *ask, const char *what)
{
	struct grace_result *g = l->result->grace;

	ask->phase = LINE_PHASE_GRACE;
	ask->users = g->users;
	ask->timeout_s = l->plan.grace.course.deadline_s;
	for (unsigned i = 0; i < ask->n_parts; i++) {
		ask->seconds += ask->parts[i].seconds;
	}
	struct line_probe_record *p = line_ask(l, ask, NULL);
	if (p == NULL) {
		return false;
	}
	if (p->generator_limited) {
		line_caveat(l->result,
		    "grace, %s: the generator was the limit; its figures are not the target's",
		    what);
		p->verdict = LINE_VOID;
	}
	(void)snprintf(p->cause, sizeof(p->cause), "%s", what);
	line_progress(l, p);
	return !l->is_over;
}

static void course_ended(void *arg, const struct load_ended *e)
{
	grace_course_ended(arg, e);
}

static void course_refusal(void *arg, int64_t at_us, int64_t took_us)
{
	grace_course_refusal(arg, (double)at_us / 1e6, took_us);
}

/* Cores of each role in the counted part of each step. */
static void keep_cores(struct line *l, int64_t start_us)
{
	struct grace_result *g = l->result->grace;
	unsigned n = l->plan.target == NULL ? 0 : target_roles(l->plan.target);

	for (unsigned i = 0; i < g->course.n_steps; i++) {
		const struct grace_step *s = &g->course.steps[i];
		for (unsigned k = 0; k < TARGET_ROLES_MAX; k++) {
			struct target_use use;
			bool seen = k < n && target_between(l->plan.target, k,
						 start_us + (int64_t)(s->from_s * 1e6),
						 start_us + (int64_t)(s->to_s * 1e6), &use);
			g->cores[i][k] = seen ? use.figures[TARGET_CPU_S] : (double)NAN;
		}
	}
}

static bool look_at_course(struct line *l)
{
	struct grace_result *g = l->result->grace;
	struct grace_course_plan plan = l->plan.grace.course;
	struct arrival_part parts[GRACE_STEPS_MAX];
	int64_t start_us = 0;

	plan.users =
	    l->plan.load.warm_users > 0 ? fmin(l->plan.load.warm_users, g->users) : floor(g->users);
	if (grace_course_init(&g->course, &plan) != ERR_OK) {
		line_caveat(l->result, "grace: no memory for the curve");
		return false;
	}
	grace_course_parts(&g->course, parts);
	struct line_ask ask = { .parts = parts,
		.n_parts = g->course.n_steps,
		.ended = course_ended,
		.refusal = course_refusal,
		.ended_arg = &g->course,
		.ret_start_us = &start_us };
	bool good = run_parts(l, &ask, "the goodput curve");
	grace_course_judge(&g->course);
	keep_cores(l, start_us);
	g->has_course = good;
	return good;
}

static void recovery_ended(void *arg, const struct load_ended *e)
{
	grace_recovery_ended(arg, e);
}

static bool look_at_recovery(struct line *l)
{
	static const struct behaviour half = { .retry = RETRY_HALF };
	struct grace_result *g = l->result->grace;
	struct arrival_part parts[LOAD_PARTS_MAX];

	if (grace_recovery_init(&g->recovery, &l->plan.grace.recovery) != ERR_OK) {
		line_caveat(l->result, "grace: no memory for the peaks, or they are too long");
		return false;
	}
	struct line_ask ask = { .parts = parts,
		.n_parts = grace_recovery_parts(&g->recovery, parts),
		.retry = &half,
		.ended = recovery_ended,
		.ended_arg = &g->recovery };
	g->has_recovery = run_parts(l, &ask, "peaks of clients who try again");
	grace_recovery_judge(&g->recovery);
	return g->has_recovery;
}

static void response_ended(void *arg, const struct load_ended *e)
{
	grace_response_ended(arg, e);
}

static bool look_at_response(struct line *l)
{
	struct grace_result *g = l->result->grace;
	struct arrival_part parts[LOAD_PARTS_MAX];

	if (grace_response_init(&g->response, &l->plan.grace.response) != ERR_OK) {
		line_caveat(l->result, "grace: no memory for the steps, or they are too long");
		return false;
	}
	struct line_ask ask = { .parts = parts,
		.n_parts = grace_response_parts(&g->response, parts),
		.ended = response_ended,
		.ended_arg = &g->response };
	g->has_response = run_parts(l, &ask, "steps of the load");
	grace_response_judge(&g->response);
	return g->has_response;
}

void line_look_at_grace(struct line *l)
{
	const struct grace_plan *plan = &l->plan.grace;
	struct line_result *r = l->result;

	r->grace = calloc(1, sizeof(*r->grace));
	if (r->grace == NULL) {
		line_caveat(r, "grace: no memory");
		return;
	}
	r->grace->users = line_middle(&r->saturation);
	r->grace->per_second = r->grace->users * r->per_user_second;
	r->grace->known = l->plan.known_users > 0;
	if (!plan->skip_course && !look_at_course(l)) {
		return;
	}
	if (plan->response.times > 0 && !look_at_response(l)) {
		return;
	}
	if (!plan->skip_recovery) {
		(void)look_at_recovery(l);
	}
}
