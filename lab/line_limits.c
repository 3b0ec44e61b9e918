/*
 * How many users are held: first whether the model works there at all and how long an activity
 * takes, then the searches. Behind each load that was too much the target gets the time to come
 * back.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "lab/line_priv.h"
#include "lab/line_search.h"

enum {
	CALM_DONE_LEAST = 15,
	SEARCH_PROBES = 40,
	SLO_PROBES = 20,
};

static const double start_per_second = 5, calm_s = 3, calm_most_s = 20, settle_least_s = 1,
		    settle_most_s = 15, saturation_patience_s = 25, error = 0.005,
		    recovery_most_s = 60, slo_width = 0.1, slo_excess = 0.1,
		    slo_patience_least_s = 20, slo_patience_most_s = 60, eager = 1.5,
		    late_most = 0.1;

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

enum err line_find_calm(struct line *l, struct err_note *note)
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
	line_progress(l, p);
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
	line_progress(l, p);
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
			    line_phase_name(s->phase));
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
		    line_phase_name(s->phase));
	}
}

void line_find_saturation(struct line *l)
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
	double wanted = 0, all_per_second = users * l->result->per_user_second;

	for (unsigned i = 0; i < l->plan.n_slo; i++) {
		const struct line_slo *slo = &l->plan.slo[i];
		double per_second =
		    all_per_second * (slo->activity < 0 ? 1 : l->result->share[slo->activity]);
		double takes_s = 25 / (slo->share * per_second);
		if (takes_s > slo_patience_most_s) {
			line_caveat(l->result,
			    "%s: at %.3g of these activities a second one in %.0f takes longer to know than a probe lasts",
			    slo->text, per_second, 1 / slo->share);
		}
		wanted = fmax(wanted, takes_s);
	}
	return fmin(fmax(wanted, slo_patience_least_s), slo_patience_most_s);
}

void line_find_slo_limit(struct line *l)
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
