/*
 * One probe: a load run that is watched at ticks and ended when its question is answered.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"
#include "lab/line_priv.h"

static const double generator_most = 0.9; /* of a core each */

/* A run that is under way. */
struct asking {
	struct line *line;
	const struct line_ask *ask;
	int64_t start_us;	      /* when arrivals began */
	struct line_tick first, last; /* behind the settling */
	bool settled;
};

static void at_moment(void *arg, enum load_moment moment)
{
	struct asking *a = arg;

	if (moment == LOAD_BEGINS) {
		a->start_us = clock_mono_us();
	}
}

/* Due ones count as begun: those for whom no user was free are waiting as well. */
static struct line_tick tick_of(const struct line *l, const struct load_tick *now)
{
	struct line_tick t = {
		.at_s = now->at_s, .running = now->running, .parts.n = now->n_activities
	};

	for (unsigned i = 0; i < now->n_activities; i++) {
		const struct load_counts *a = &now->activities[i];
		uint64_t failed = a->failed + a->gave_up;
		uint64_t begun = a->due - a->away; /* who was told to stay away does not come */
		t.parts.part[i] =
		    (struct line_part){ l->model->activities[i].name, begun, a->done };
		t.begun += begun;
		t.done += a->done;
		t.refused += a->refused;
		t.failed += failed;
		for (unsigned k = 0; k < l->plan.n_slo; k++) {
			const struct line_slo *slo = &l->plan.slo[k];
			if (slo->activity < 0 || slo->activity == (int)i) {
				t.slo[k].ended += a->done + a->refused + failed;
				t.slo[k].errors +=
				    (slo->refused ? a->refused : 0) + (slo->failed ? failed : 0);
			}
		}
	}
	for (unsigned k = 0; k < l->plan.n_slo; k++) {
		t.slo[k].slow = now->slow[k];
	}
	return t;
}

static void note_course(struct line *l, const struct load_tick *now, int64_t at_us)
{
	if (l->n_course == LINE_COURSE_MAX) {
		return;
	}
	struct line_course *c = &l->course[l->n_course++];
	*c = (struct line_course){ .at_us = at_us };
	for (unsigned i = 0; i < now->n_activities; i++) {
		const struct load_counts *a = &now->activities[i];
		c->work[i] = ((double)a->begun + (double)a->done) / 2;
		c->refused += (double)(a->refused + a->failed + a->gave_up);
	}
}

static bool on_tick(void *arg, const struct load_tick *now)
{
	struct asking *a = arg;
	struct line_tick t = tick_of(a->line, now);

	if (t.at_s >= a->ask->settle_s) {
		a->first = a->settled ? a->first : t;
		a->settled = true;
		a->last = t;
	}
	note_course(a->line, now, clock_mono_us());
	return a->ask->tick == NULL || a->ask->tick(a->ask->arg, &t);
}

static void keep_rates(struct line_probe_record *p, const struct asking *a)
{
	double seconds = a->last.at_s - a->first.at_s;

	if (!a->settled || seconds <= 0) {
		return;
	}
	p->offered = (double)(a->last.begun - a->first.begun) / seconds;
	p->done = (double)(a->last.done - a->first.done) / seconds;
	p->refused = (double)(a->last.refused - a->first.refused) / seconds;
	p->failed = (double)(a->last.failed - a->first.failed) / seconds;
}

static void keep_result(struct line *l, struct line_probe_record *p, const struct load_result *r)
{
	uint64_t due = 0, no_room = 0, most = 0;

	p->seconds = r->elapsed_s;
	for (unsigned i = 0; i < r->n_activities; i++) {
		const struct load_activity *a = &r->activities[i];
		p->counts[i] = (struct line_activity_count){ a->begun, a->done, a->refused,
			a->failed + a->gave_up };
		hdr_merge(&p->latency, &a->latency);
		due += a->due;
		no_room += a->no_room;
	}
	int64_t late_us = hdr_quantile_us(&r->lateness, 0.99);
	int64_t first_us = hdr_quantile_us(&r->first_lateness, 0.99);
	p->late_us = late_us > first_us ? late_us : first_us;
	p->generator_cores = r->watched_s > 0 ? r->cpu_s / r->watched_s : 0;
	p->generator_limited = p->generator_cores > generator_most * r->generators ||
			       r->own_faults > 0 || (double)no_room > 0.005 * (double)due;
	for (unsigned i = 0; i < r->n_void && p->n_voids < 2; i++) {
		memcpy(p->voids[p->n_voids++], r->causes[i], LOAD_TEXT_BYTES);
	}
	l->failure[0] = '\0';
	for (unsigned i = 0; i < r->n_failures; i++) {
		if (r->failures[i].count > most) {
			most = r->failures[i].count;
			memcpy(l->failure, r->failures[i].text, sizeof(l->failure));
		}
	}
}

static void keep_use(struct line *l, struct line_probe_record *p, const struct asking *a)
{
	if (l->plan.target == NULL || !a->settled) {
		return;
	}
	int64_t from_us = a->start_us + (int64_t)(a->first.at_s * 1e6);
	int64_t to_us = a->start_us + (int64_t)(a->last.at_s * 1e6);
	unsigned n = target_roles(l->plan.target);
	for (unsigned i = 0; i < n; i++) {
		p->has_use =
		    target_between(l->plan.target, i, from_us, to_us, &p->use[i]) || p->has_use;
	}
}

static struct load_plan plan_of(const struct line *l, struct asking *a)
{
	const struct line_ask *ask = a->ask;
	struct load_plan p = l->plan.load;

	p.users = fmax(floor(ask->users), l->plan.generators);
	p.length_s = ask->seconds;
	p.warm_up_s = 0;
	p.seed += l->result->n_probes;
	p.law = ask->even ? ARRIVAL_CONSTANT : p.law;
	p.shape = ask->parts != NULL ? SHAPE_PARTS : SHAPE_FLAT;
	if (ask->parts != NULL) {
		memcpy(p.parts, ask->parts, ask->n_parts * sizeof(*ask->parts));
		p.n_parts = ask->n_parts;
	}
	if (ask->retry != NULL) {
		p.has_retry = true;
		p.behaviour.retry = ask->retry->retry;
	}
	p.timeout_s = ask->timeout_s > 0 ? ask->timeout_s : p.timeout_s;
	p.at_ended = ask->ended;
	p.at_refusal = ask->refusal;
	p.ended_arg = ask->ended_arg;
	p.has_weights = ask->weights != NULL;
	for (unsigned i = 0; p.has_weights && i < l->model->n_activities; i++) {
		p.weights[i] = ask->weights[i];
	}
	_Static_assert(
	    (int)LINE_SLO_MAX <= (int)LOAD_LIMITS_MAX && (int)LINE_STEPS <= (int)LOAD_PARTS_MAX,
	    "what a probe asks for fits into a plan");
	for (unsigned k = 0; k < l->plan.n_slo; k++) {
		const struct line_slo *slo = &l->plan.slo[k];
		p.limits[p.n_limits++] =
		    (struct load_limit){ slo->activity, slo->quantile > 0 ? slo->limit_us : 0 };
	}
	p.at_moment = at_moment;
	p.moment_arg = a;
	p.at_tick = on_tick;
	p.tick_arg = a;
	p.tick_ms = LINE_TICK_MS;
	p.slos = NULL;
	p.n_slos = 0;
	p.at_second = NULL;
	return p;
}

/* Between two runs, which take signals themselves while they last. */
static volatile sig_atomic_t signalled;

static void on_signal(int number)
{
	(void)number;
	signalled = 1;
}

void line_take_signals(void)
{
	const struct sigaction action = { .sa_handler = on_signal };

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

static void stop_with(struct line *l, const char *what, const char *why)
{
	struct line_result *r = l->result;

	l->is_over = true;
	(void)snprintf(r->stopped, sizeof(r->stopped), "%s%s", what, why);
}

struct line_probe_record *line_ask(
    struct line *l, const struct line_ask *ask, struct err_note *note)
{
	struct line_result *result = l->result;
	struct asking a = { .line = l, .ask = ask };
	struct load_result *r = NULL;
	struct err_note own = { 0 };

	if (signalled && !l->is_over) {
		result->interrupted = true;
		stop_with(l, "interrupted", "");
	}
	if (l->is_over || result->n_probes == LINE_PROBES_MAX) {
		return NULL;
	}
	const struct load_plan plan = plan_of(l, &a);
	l->n_course = 0;
	double begun_at_s = (double)(clock_mono_us() - l->start_us) / 1e6;
	enum err e = l->plan.run == NULL ? load_run(l->model, &plan, &r, &own)
					 : l->plan.run(l->plan.run_arg, l->model, &plan, &r, &own);
	line_take_signals();
	if (e != ERR_OK) {
		load_result_free(&r);
		stop_with(l, e == ERR_PEER_GONE ? "the target is gone: " : "", own.text);
		if (note != NULL) {
			*note = own;
		}
		return NULL;
	}
	if (l->plan.target != NULL) {
		e = target_look(l->plan.target, &own); /* what fails is kept as trouble */
	}
	struct line_probe_record *p = &result->probes[result->n_probes++];
	*p = (struct line_probe_record){ .phase = ask->phase,
		.users = plan.users,
		.begun_at_s = begun_at_s,
		.settled_s = ask->settle_s,
		.even = ask->even };
	keep_result(l, p, r);
	keep_rates(p, &a);
	keep_use(l, p, &a);
	if (ask->ret_start_us != NULL) {
		*ask->ret_start_us = a.start_us;
	}
	if (r->interrupted || signalled) {
		result->interrupted = true;
		stop_with(l, "interrupted", "");
	}
	load_result_free(&r);
	return p;
}
