/*
 * Sequential tests over batches: one for work that piles up, one for each SLO.
 */
#include "lab/line_probe.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lab/model.h"

enum {
	BATCHES_LEAST = 6, /* to tell what is far off */
	BATCHES_FINE =
	    20, /* what is near: a target that stops now and then must have had the time to */
};

static const double batch_s = 0.3,
		    /* A stop of the machine for some milliseconds is not the target's. */
    noise_least = 0.005,	  /* variance a second, of a unit of the rate */
    fine = 0.1, slo_apart = 0.25, /* shares this much apart are told apart */
    errors_least = 1e-5,	  /* none at all could never be shown */
    part_allowed = 0.05;	  /* of one activity may be left undone, where the sum is held */

static const char *const verdict_names[] = {
	[LINE_OPEN] = "open",
	[LINE_HELD] = "held",
	[LINE_FAILED] = "failed",
	[LINE_UNDECIDED] = "undecided",
	[LINE_VOID] = "void",
};

const char *line_verdict_name(enum line_verdict v)
{
	return verdict_names[v];
}

static int find_activity(const struct model *m, const char *name)
{
	for (unsigned i = 0; i < m->n_activities; i++) {
		if (strcmp(m->activities[i].name, name) == 0) {
			return (int)i;
		}
	}
	return -1;
}

enum err line_slo_of(
    const struct slo *s, const struct model *m, struct line_slo *ret, struct err_note *note)
{
	struct line_slo slo = { .activity = -1,
		.refused = s->measure != SLO_FAILED,
		.failed = s->measure != SLO_REFUSED };
	bool errors =
	    s->measure == SLO_ERRORS || s->measure == SLO_FAILED || s->measure == SLO_REFUSED;

	if (s->above || (!errors && s->measure != SLO_QUANTILE)) {
		return err_note_set(note, ERR_INVALID,
		    "%s: a line can be searched for as p99<500ms, signin.p99<300ms and errors<0.1%%",
		    s->text);
	}
	if (s->activity[0] != '\0') {
		enum err e = slo_check_name(s, m, note);
		if (e != ERR_OK) {
			return e;
		}
		slo.activity = find_activity(m, s->activity);
	}
	memcpy(slo.text, s->text, sizeof(slo.text));
	if (errors) {
		slo.share = fmax(s->bound, errors_least);
	} else {
		slo.quantile = s->quantile;
		slo.limit_us = (int64_t)(s->bound * 1000);
		slo.share = fmax(1 - s->quantile, errors_least);
	}
	*ret = slo;
	return ERR_OK;
}

void line_probe_init(struct line_probe *p, const struct line_probe_plan *plan)
{
	*p = (struct line_probe){ .plan = *plan, .told = plan->excess, .part_served = 1 };
	p->unserved.plan = (struct sequential_plan){
		.still = 0,
		.grows = plan->excess * plan->per_second,
		.error = plan->error,
		.noise_least = noise_least * plan->per_second,
		.batches_least = plan->excess < fine ? BATCHES_FINE : BATCHES_LEAST,
	};
	for (unsigned i = 0; i < plan->n_slo; i++) {
		double share = plan->slo[i].share;
		p->slo[i].plan = (struct sequential_plan){
			.still = -slo_apart * share,
			.grows = slo_apart * share,
			.error = plan->error,
			.noise_least = share * (1 - share),
			.batches_least = BATCHES_LEAST,
		};
	}
}

/* Waits, or was refused, or failed in whatever way. */
static double unserved(const struct line_tick *t)
{
	return (double)t->begun - (double)t->done;
}

/* Worse than the SLO allows. */
static double bad(const struct line_probe *p, unsigned i, const struct line_tick *t)
{
	double errors = (double)t->slo[i].errors;

	return p->plan.slo[i].quantile > 0 ? errors + (double)t->slo[i].slow : errors;
}

static void end_batch(struct line_probe *p, const struct line_tick *now)
{
	const struct line_tick *from = &p->batch;

	sequential_add(&p->unserved, now->at_s - from->at_s, unserved(now) - unserved(from));
	for (unsigned i = 0; i < p->plan.n_slo; i++) {
		double worse = bad(p, i, now) - bad(p, i, from);
		double n = (double)(now->slo[i].ended - from->slo[i].ended);
		sequential_add(&p->slo[i], n, worse - p->plan.slo[i].share * n);
	}
	p->batch = *now;
}

static void say_what_grows(struct line_probe *p)
{
	const struct line_tick *a = &p->first, *b = &p->last;
	double seconds = b->at_s - a->at_s;
	double refused = (double)(b->refused - a->refused) / seconds;
	double failed = (double)(b->failed - a->failed) / seconds;
	double backlog = ((double)b->running - (double)a->running) / seconds;

	if (backlog >= refused && backlog >= failed) {
		(void)snprintf(
		    p->cause, sizeof(p->cause), "the backlog grows by %.3g a second", backlog);
	} else {
		(void)snprintf(p->cause, sizeof(p->cause), "%.3g a second are %s",
		    refused >= failed ? refused : failed, refused >= failed ? "refused" : "failed");
	}
}

/* The sum of all is held; is each? With patience over, one in doubt only makes the word rougher. */
static enum line_verdict judge_parts(struct line_probe *p, bool is_last)
{
	struct line_parts_finding f = line_parts_judge(
	    &p->first.parts, &p->last.parts, fmax(p->plan.excess, part_allowed), p->plan.error);

	if (f.verdict == LINE_PARTS_SERVED) {
		return LINE_HELD;
	}
	double share = f.unserved / f.n;
	if (f.verdict == LINE_PARTS_UNSERVED) {
		p->part_served = 1 - share;
		(void)snprintf(p->cause, sizeof(p->cause), "%.0f of %.0f of %s are not done",
		    f.unserved, f.n, f.name);
		return LINE_FAILED;
	}
	if (!is_last) {
		return LINE_OPEN;
	}
	p->told = fmax(p->told, share);
	return LINE_HELD;
}

static enum line_verdict judge(struct line_probe *p)
{
	enum sequential_verdict v = sequential_verdict(&p->unserved);
	bool all_still = v == SEQUENTIAL_STILL;

	if (v == SEQUENTIAL_GROWS) {
		say_what_grows(p);
		return LINE_FAILED;
	}
	for (unsigned i = 0; i < p->plan.n_slo; i++) {
		v = sequential_verdict(&p->slo[i]);
		all_still = all_still && v == SEQUENTIAL_STILL;
		if (v == SEQUENTIAL_GROWS) {
			double share = p->plan.slo[i].share + sequential_drift(&p->slo[i]);
			(void)snprintf(p->cause, sizeof(p->cause), "%s: %.3g %% are %s",
			    p->plan.slo[i].text, share * 100,
			    p->plan.slo[i].quantile > 0 ? "slower" : "errors");
			return LINE_FAILED;
		}
	}
	return all_still ? judge_parts(p, false) : LINE_OPEN;
}

/* Its time is over. Whether work piles up can always be told, if only roughly. */
static enum line_verdict settle(struct line_probe *p)
{
	double grows = 0;
	enum sequential_verdict v = sequential_settle(&p->unserved, &grows);

	if (v == SEQUENTIAL_GROWS) {
		say_what_grows(p);
		return LINE_FAILED;
	}
	p->told = v == SEQUENTIAL_OPEN ? 1 : fmin(grows / p->plan.per_second, 1);
	for (unsigned i = 0; i < p->plan.n_slo; i++) {
		if (sequential_verdict(&p->slo[i]) != SEQUENTIAL_STILL) {
			(void)snprintf(p->cause, sizeof(p->cause),
			    "%s: %.3g %% are %s, about as many as may be", p->plan.slo[i].text,
			    (p->plan.slo[i].share + sequential_drift(&p->slo[i])) * 100,
			    p->plan.slo[i].quantile > 0 ? "slower" : "errors");
			return LINE_UNDECIDED;
		}
	}
	return judge_parts(p, true);
}

enum line_verdict line_probe_tick(struct line_probe *p, const struct line_tick *now)
{
	if (p->verdict != LINE_OPEN || now->at_s < p->plan.settle_s) {
		return p->verdict;
	}
	if (!p->settled) {
		p->settled = true;
		p->first = p->batch = p->last = *now;
		return LINE_OPEN;
	}
	p->last = *now;
	if (now->at_s - p->batch.at_s < batch_s) {
		return LINE_OPEN;
	}
	end_batch(p, now);
	p->verdict = judge(p);
	if (p->verdict == LINE_OPEN && now->at_s >= p->plan.settle_s + p->plan.patience_s) {
		p->verdict = settle(p);
	}
	return p->verdict;
}

double line_probe_served(const struct line_probe *p)
{
	double begun = (double)(p->last.begun - p->first.begun);
	double done = (double)(p->last.done - p->first.done);

	return begun > 0 ? fmin(fmin(done / begun, 1), p->part_served) : 1;
}
