/*
 * The phases, one after the other: does the model work, where does work pile up, where is the
 * threshold missed, what is beyond, what does each activity cost. What is known by then is kept
 * when one of them is the last.
 */
#include "lab/line.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "lab/formula.h"
#include "lab/line_priv.h"
#include "lab/line_search.h"

enum {
	CALM_DONE_LEAST = 15,
	SEARCH_PROBES = 40,
	SLO_PROBES = 20,
	LOOK_EVERY_MS = 250,
};

static const double start_per_second = 5, calm_s = 3, calm_most_s = 20, settle_least_s = 1,
		    settle_most_s = 15, saturation_patience_s = 25, error = 0.005,
		    recovery_most_s = 60, slo_width = 0.1, slo_excess = 0.1,
		    slo_patience_least_s = 20, slo_patience_most_s = 60, step_least_s = 5,
		    step_most_s = 20, eager = 1.5, late_most = 0.1;

static const char *const phase_names[] = {
	[LINE_PHASE_CALM] = "calm",
	[LINE_PHASE_SATURATION] = "saturation",
	[LINE_PHASE_SLO] = "slo",
	[LINE_PHASE_BEYOND] = "beyond",
	[LINE_PHASE_DEMANDS] = "demands",
};

const char *line_phase_name(enum line_phase p)
{
	return phase_names[p];
}

static void progress(const struct line *l, const struct line_probe_record *p)
{
	struct buf users = buf_new(64);
	struct slice text = SLICE_EMPTY;
	const char *verdict = p->verdict == LINE_OPEN ? "" : line_verdict_name(p->verdict);

	formula_put_number(p->users, &users);
	if (buf_finish(&users, &text) != ERR_OK) {
		text = SLICE("?");
	}
	fprintf(stderr,
	    "%5.0f s  %-10s %9.*s users, %.1f/s for %.1f s: done %.1f/s, p99 %.1f ms  %s%s%s\n",
	    (double)(clock_mono_us() - l->start_us) / 1e6, phase_names[p->phase], SLICE_ARG(text),
	    p->offered, p->seconds, p->done, (double)hdr_quantile_us(&p->latency, 0.99) / 1000,
	    verdict, p->cause[0] != '\0' ? ": " : "", p->cause);
	buf_free(&users);
}

/* ---- calm ---- */

struct calm {
	struct line_tick window;
	double running; /* the most */
	unsigned good;
	bool has_window;
};

static bool calm_tick(void *arg, const struct line_tick *now)
{
	struct calm *c = arg;

	c->running = fmax(c->running, (double)now->running);
	return now->at_s < calm_s ||
	       (now->done + now->failed < CALM_DONE_LEAST && now->at_s < calm_most_s);
}

static enum err find_calm(struct line *l, struct err_note *note)
{
	struct calm c = { .running = 0 };
	double users = l->plan.start_users > 0 ? l->plan.start_users
					       : start_per_second / l->result->per_user_second;

	l->calm_users = fmax(floor(fmin(users, l->plan.most_users)), 1);
	const struct line_ask ask = { .phase = LINE_PHASE_CALM,
		.users = l->calm_users,
		.even = true,
		.seconds = calm_most_s,
		.tick = calm_tick,
		.arg = &c };
	struct line_probe_record *p = line_ask(l, &ask, note);
	if (p == NULL) {
		return note->code != ERR_OK
			   ? note->code
			   : err_note_set(note, ERR_INVALID, "no run could be made");
	}
	progress(l, p);
	if (l->result->interrupted) {
		return ERR_OK;
	}
	if (p->latency.count == 0 || p->failed > 0.1 * (p->done + p->failed)) {
		return err_note_set(note, ERR_INVALID,
		    "%s does not work there even with %.0f users: %s", l->model->name, p->users,
		    l->failure[0] == '\0' ? "nothing was done" : l->failure);
	}
	l->calm_running = c.running;
	l->calm_p50_us = hdr_quantile_us(&p->latency, 0.5);
	l->settle_s =
	    fmin(fmax(1.2 * (double)p->latency.max_us / 1e6, settle_least_s), settle_most_s);
	return ERR_OK;
}

static bool recover_tick(void *arg, const struct line_tick *now)
{
	struct calm *c = arg;

	if (!c->has_window) {
		c->window = *now;
		c->has_window = true;
	}
	double begun = (double)(now->begun - c->window.begun);
	if (now->at_s - c->window.at_s < 1 || begun < 3) {
		return true;
	}
	double done = (double)(now->done - c->window.done);
	bool good = done >= 0.8 * begun - 1 && (double)now->running <= 1.5 * c->running + 3;
	c->good = good ? c->good + 1 : 0;
	c->window = *now;
	return c->good < 2;
}

/* Behind a load that was too much: waits until few users are served as at the begin. False: they
 * are not. */
static bool recover(struct line *l)
{
	struct calm c = { .running = l->calm_running };
	const struct line_ask ask = { .phase = LINE_PHASE_CALM,
		.users = l->calm_users,
		.even = true,
		.seconds = recovery_most_s,
		.tick = recover_tick,
		.arg = &c };
	struct line_probe_record *p = line_ask(l, &ask, NULL);

	return p != NULL && c.good >= 2;
}

/* ---- searches ---- */

struct search {
	struct line_search_plan plan;
	enum line_phase phase;
	bool even;
	const struct line_slo *slo;
	unsigned n_slo;
	double excess_least, patience_s;
};

static bool probe_tick(void *arg, const struct line_tick *now)
{
	return line_probe_tick(arg, now) == LINE_OPEN;
}

/* Lateness is part of every latency that was measured: it must be little beside the least limit. */
static bool is_too_late(const struct search *s, const struct line_probe_record *p)
{
	for (unsigned i = 0; i < s->n_slo; i++) {
		if (s->slo[i].quantile > 0 &&
		    (double)p->late_us > late_most * (double)s->slo[i].limit_us) {
			return true;
		}
	}
	return false;
}

static enum line_verdict judge(const struct line *l, const struct search *s,
    const struct line_probe_record *p, const struct line_probe *probe)
{
	if (l->result->interrupted) {
		return LINE_OPEN;
	}
	return p->generator_limited || is_too_late(s, p) ? LINE_VOID : probe->verdict;
}

/* One probe of a search; false: the search cannot go on. */
static bool probe_once(struct line *l, const struct search *s, struct line_search *state,
    double users, double excess, struct line_probe *probe)
{
	struct line_result *r = l->result;
	const struct line_probe_plan plan = { .per_second = users * r->per_user_second,
		.excess = fmax(excess, s->excess_least),
		.settle_s = l->settle_s,
		.patience_s = s->patience_s,
		.error = error,
		.slo = s->slo,
		.n_slo = s->n_slo };
	const struct line_ask ask = { .phase = s->phase,
		.users = users,
		.even = s->even,
		.seconds = plan.settle_s + plan.patience_s + 1,
		.settle_s = plan.settle_s,
		.tick = probe_tick,
		.arg = probe };

	line_probe_init(probe, &plan);
	struct line_probe_record *p = line_ask(l, &ask, NULL);
	if (p == NULL) {
		return false;
	}
	p->verdict = judge(l, s, p, probe);
	memcpy(p->cause, probe->cause, sizeof(p->cause));
	progress(l, p);
	bool back = p->verdict != LINE_FAILED || recover(l);
	if (!back && l->is_over) {
		p->verdict = LINE_VOID; /* it was dying, not full */
		(void)snprintf(p->cause, sizeof(p->cause), "the target was gone behind it");
		return false;
	}
	bool is_eager = (double)hdr_quantile_us(&p->latency, 0.5) < eager * (double)l->calm_p50_us;
	line_search_note(state, users, probe->told, p->verdict, line_probe_served(probe), is_eager);
	if (!back) {
		line_caveat(r,
		    "behind %.0f users the target did not come back within %.0f s at %.0f users",
		    users, recovery_most_s, l->calm_users);
	}
	return back && p->verdict != LINE_OPEN;
}

static void search(struct line *l, const struct search *s, struct line_limit *ret)
{
	struct line_search state;
	struct line_probe *probe = calloc(1, sizeof(*probe));
	double users = 0, excess = 0;
	int64_t until_us = clock_mono_us() + (int64_t)(l->plan.search_s * 1e6);

	ret->looked_for = true;
	line_search_init(&state, &s->plan);
	while (probe != NULL && (users = line_search_next(&state, &excess)) > 0) {
		if (clock_mono_us() > until_us) {
			line_caveat(l->result,
			    "%s: its time was over, the interval is as narrow as it got",
			    phase_names[s->phase]);
			break;
		}
		if (!probe_once(l, s, &state, users, excess, probe)) {
			break;
		}
	}
	free(probe);
	line_search_interval(&state, &ret->low, &ret->high);
	ret->held = ret->low > 0;
	ret->failed = ret->high > 0;
	if (state.n_void > 0 && !ret->failed) {
		line_caveat(l->result,
		    "%s: the generator was the limit; more users were not to be had from this machine",
		    phase_names[s->phase]);
	}
}

static void find_saturation(struct line *l)
{
	const struct search s = { .phase = LINE_PHASE_SATURATION,
		.even = true,
		.patience_s = saturation_patience_s,
		.plan = { .start = fmin(l->calm_users * 4, l->plan.most_users),
		    .least = 1,
		    .most = l->plan.most_users,
		    .width = l->plan.width,
		    .probes_max = SEARCH_PROBES } };

	search(l, &s, &l->result->saturation);
	line_name_saturated(l);
}

/* A share of one in a hundred is known from some thousand activities at the soonest. */
static double slo_patience_s(const struct line *l, double users)
{
	double rarest = 1, per_second = users * l->result->per_user_second;

	for (unsigned i = 0; i < l->plan.n_slo; i++) {
		rarest = fmin(rarest, l->plan.slo[i].share);
	}
	double wanted = 25 / (rarest * per_second);
	if (wanted > slo_patience_most_s) {
		line_caveat(l->result,
		    "at %.3g activities a second an SLO of one in %.0f takes longer to know than a probe lasts",
		    per_second, 1 / rarest);
	}
	return fmin(fmax(wanted, slo_patience_least_s), slo_patience_most_s);
}

static void find_slo_limit(struct line *l)
{
	const struct line_limit *saturation = &l->result->saturation;
	double start = saturation->failed ? saturation->high * 0.7
		       : saturation->held ? saturation->low
					  : l->calm_users;

	const struct search s = { .phase = LINE_PHASE_SLO,
		.slo = l->plan.slo,
		.n_slo = l->plan.n_slo,
		.excess_least = slo_excess,
		.patience_s = slo_patience_s(l, start),
		.plan = { .start = start,
		    .least = 1,
		    .most = l->plan.most_users,
		    .width = slo_width,
		    .probes_max = SLO_PROBES,
		    .known_failed = saturation->failed ? saturation->high : 0 } };
	search(l, &s, &l->result->slo);
}

/* ---- beyond, demands ---- */

/* Users that stand for saturation: its middle, or the most that were held where more were not
 * tried. */
static double middle(const struct line_limit *limit)
{
	return limit->failed ? sqrt(limit->low * limit->high) : limit->low;
}

static bool beyond_tick(void *arg, const struct line_tick *now)
{
	return line_beyond_tick(arg, now);
}

static void look_beyond(struct line *l)
{
	struct line_result *r = l->result;
	double users = middle(&r->saturation);
	double step_s = l->plan.step_s > 0
			    ? l->plan.step_s
			    : fmin(fmax(2 * l->plan.load.timeout_s, step_least_s), step_most_s);

	line_beyond_init(&r->beyond, users * r->per_user_second, step_s,
	    l->plan.n_slo > 0 && l->plan.slo[0].quantile > 0);
	const struct line_ask ask = { .phase = LINE_PHASE_BEYOND,
		.users = users,
		.even = true,
		.course = &r->beyond,
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
	progress(l, p);
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

static void measure_demands(struct line *l)
{
	struct line_result *r = l->result;
	struct line_mixes mixes;
	double users = middle(&r->saturation), rates[MODEL_ACTIVITIES_MAX],
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
		progress(l, p);
		if (n >= line_mixes_first_part(&mixes) && !line_solve(l)) {
			break;
		}
	}
	line_predict(l);
}

/* ---- all of it ---- */

static void read_load(struct line_result *r)
{
	FILE *in = fopen("/proc/loadavg", "re");

	if (in != NULL) {
		if (fscanf(in, "%lf", &r->load_before) != 1) {
			r->load_before = 0;
		}
		(void)fclose(in);
	}
}

static void read_steal(uint64_t *steal, uint64_t *all)
{
	char text[512];
	FILE *in = fopen("/proc/stat", "re");
	size_t n = in == NULL ? 0 : fread(text, 1, sizeof(text), in);

	if (in != NULL) {
		(void)fclose(in);
	}
	if (!proc_read_steal(SLICE_OF(text, n), steal, all)) {
		*steal = *all = 0;
	}
}

static enum err set_up(struct line *l, struct err_note *note)
{
	struct line_result *r = l->result;
	double sum = 0;

	r->model = l->model;
	r->machine = machine_read();
	r->began_ms = clock_wall_ms();
	r->saturated = r->next = -1;
	read_load(r);
	for (unsigned i = 0; i < l->model->n_activities; i++) {
		r->share[i] = model_rate(l->model, l->plan.load.preset, i, 1);
		sum += r->share[i];
	}
	if (sum <= 0) {
		return err_note_set(note, ERR_INVALID, "the model does nothing at all");
	}
	r->per_user_second = sum;
	for (unsigned i = 0; i < l->model->n_activities; i++) {
		r->share[i] /= sum;
	}
	/* The limit of goodput beyond is that of the first. */
	for (unsigned i = 1; i < l->plan.n_slo; i++) {
		if (l->plan.slo[0].quantile == 0 && l->plan.slo[i].quantile > 0) {
			struct line_slo first = l->plan.slo[0];
			l->plan.slo[0] = l->plan.slo[i];
			l->plan.slo[i] = first;
		}
	}
	r->plan = l->plan;
	l->rows = calloc(LINE_ROWS_MAX, sizeof(*l->rows));
	l->course = calloc(LINE_COURSE_MAX, sizeof(*l->course));
	if (l->rows == NULL || l->course == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for the search");
	}
	if (l->plan.target == NULL) {
		return ERR_OK;
	}
	enum err e = target_look(l->plan.target, note);
	return e == ERR_OK ? target_start(l->plan.target, LOOK_EVERY_MS, note) : e;
}

static void go_through(struct line *l)
{
	struct line_result *r = l->result;

	find_saturation(l);
	if (l->plan.n_slo > 0 && !l->is_over) {
		find_slo_limit(l);
	}
	if (!r->saturation.held || l->is_over) {
		return;
	}
	if (l->plan.target != NULL && !l->plan.skip_demands) {
		measure_demands(l);
	}
	/* Last, since it may leave the target broken. */
	if (!l->plan.skip_beyond && r->saturation.failed && !l->is_over) {
		look_beyond(l);
	}
}

static void add_caveats(struct line *l)
{
	struct line_result *r = l->result;
	struct err_note trouble = { 0 };
	unsigned late = 0;

	for (unsigned i = 0; i < r->n_probes; i++) {
		late += r->probes[i].n_voids > 0 && r->probes[i].verdict != LINE_VOID ? 1 : 0;
	}
	if (l->plan.target == NULL) {
		line_caveat(
		    r, "nothing was watched: no role can be named (--admin, --watch, --metrics)");
	} else if (target_trouble(l->plan.target, &trouble) != ERR_OK) {
		line_caveat(r, "watching the target: %s", trouble.text);
	}
	if (l->plan.target != NULL && target_is_local(l->plan.target)) {
		line_caveat(r, "the generator and the target shared the processors of one machine");
	}
	if (late > 0) {
		line_caveat(r,
		    "in %u probes requests left late; saturation does not depend on that, latencies do",
		    late);
	}
	if (r->load_before > 0.5 * r->machine.cores) {
		line_caveat(r, "the machine was busy before it began: load %.1f", r->load_before);
	}
	if (r->steal > 0.02) {
		line_caveat(r, "other guests took %.0f %% of the processors' time", r->steal * 100);
	}
	if (r->has_demands && r->demands.condition > 30) {
		line_caveat(
		    r, "costs are hard to tell apart: condition %.0f", r->demands.condition);
	}
}

enum err line_run(
    struct model *m, const struct line_plan *plan, struct line_result **ret, struct err_note *note)
{
	struct line_result *r = calloc(1, sizeof(*r));
	struct line *l = calloc(1, sizeof(*l));
	uint64_t steal[2] = { 0, 0 }, all[2] = { 0, 0 };
	enum err e = r == NULL || l == NULL ? err_note_set(note, ERR_MEMORY, "no memory") : ERR_OK;

	if (e != ERR_OK) {
		goto out;
	}
	l->model = m;
	l->plan = *plan;
	l->result = r;
	l->start_us = clock_mono_us();
	line_take_signals();
	read_steal(&steal[0], &all[0]);
	e = set_up(l, note);
	if (e == ERR_OK) {
		e = find_calm(l, note);
	}
	if (e == ERR_OK && !l->is_over) {
		go_through(l);
	}
	if (plan->target != NULL) {
		target_stop(plan->target);
	}
	read_steal(&steal[1], &all[1]);
	r->steal = all[1] > all[0] ? (double)(steal[1] - steal[0]) / (double)(all[1] - all[0]) : 0;
	r->seconds = (double)(clock_mono_us() - l->start_us) / 1e6;
	add_caveats(l);
out:
	if (e == ERR_OK) {
		*ret = r;
	} else {
		line_result_free(&r);
	}
	if (l != NULL) {
		free(l->rows);
		free(l->course);
	}
	free(l);
	return e;
}

void line_result_free(struct line_result **rp)
{
	struct line_result *r = *rp;

	if (r == NULL) {
		return;
	}
	for (unsigned i = 0; i < r->n_probes; i++) {
		hdr_fini(&r->probes[i].latency);
	}
	free(r);
	*rp = NULL;
}
