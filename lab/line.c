/*
 * The phases, one after the other: does the model work, where does work pile up, where is the
 * threshold missed, what does each activity cost, what is beyond. What is known by then is kept
 * when one of them is the last.
 */
#include "lab/line.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "lab/formula.h"
#include "lab/line_priv.h"

enum {
	LOOK_EVERY_MS = 250,
};

static const char *const phase_names[] = {
	[LINE_PHASE_CALM] = "calm",
	[LINE_PHASE_SATURATION] = "saturation",
	[LINE_PHASE_SLO] = "slo",
	[LINE_PHASE_BEYOND] = "beyond",
	[LINE_PHASE_DEMANDS] = "demands",
	[LINE_PHASE_GRACE] = "grace",
};

const char *line_phase_name(enum line_phase p)
{
	return phase_names[p];
}

void line_progress(const struct line *l, const struct line_probe_record *p)
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
	for (unsigned i = 0; i < l->plan.n_slo; i++) {
		int activity = l->plan.slo[i].activity;
		if (activity >= 0 && r->share[activity] <= 0) {
			return err_note_set(note, ERR_INVALID, "%s: nobody does that in this mix",
			    l->plan.slo[i].text);
		}
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

	if (l->plan.known_users > 0) {
		r->saturation = (struct line_limit){ .held = true,
			.failed = true,
			.low = l->plan.known_users,
			.high = l->plan.known_users };
	} else {
		line_find_saturation(l);
	}
	if (l->plan.n_slo > 0 && !l->is_over) {
		line_find_slo_limit(l);
	}
	if (!r->saturation.held || l->is_over) {
		return;
	}
	if (l->plan.grace.on) {
		line_look_at_grace(l);
		return;
	}
	if (l->plan.target != NULL && !l->plan.skip_demands) {
		line_measure_demands(l);
	}
	/* Last, since it may leave the target broken. */
	if (!l->plan.skip_beyond && r->saturation.failed && !l->is_over) {
		line_look_beyond(l);
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
		e = line_find_calm(l, note);
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
	grace_result_free(&r->grace);
	free(r);
	*rp = NULL;
}
