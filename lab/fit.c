/*
 * Learning what activities ask for, and the estimate.
 */
#include "lab/fit.h"

#include <lauxlib.h>
#include <math.h>
#include <stdlib.h>

#include "lab/pretend.h"

enum {
	LEARN_MOST = 10000, /* activities of the mix that are pretended */
	LEARN_LEAST = 40,   /* fewer of one are too few: it is then pretended by itself */
	LEARN_USERS = 100,  /* of these */
	ROUNDS = 2000,	    /* of the estimate, at most */
	KIND_BYTES = 400,
	NAMES_BYTES = 1 << 20,
};

static const double learn_s = 1e9, same_cosine = 0.999, good_enough = 1e-9;

struct fit_counts fit_counts_new(void)
{
	return (struct fit_counts){ .kinds = names_new(FIT_KINDS_MOST, NAMES_BYTES) };
}

void fit_counts_free(struct fit_counts *c)
{
	names_free(&c->kinds);
}

void fit_count(struct fit_counts *c, struct slice kind, double n)
{
	uint32_t i = 0;

	if (names_take(&c->kinds, kind, &i) == ERR_OK) {
		c->counts[i] += n;
	} else {
		c->truncated = true;
	}
}

/* "GET /route" */
static enum err route_kind(const struct model *m, struct slice method, struct slice path,
    struct buf *out, struct err_note *note)
{
	buf_clear(out);
	buf_append_slice(out, method);
	buf_append_char(out, ' ');
	return model_route(m, path, out, note);
}

enum err fit_counts_of_log(const struct model *m, const struct access_log *log,
    struct fit_counts *ret, struct err_note *note)
{
	struct buf kind = buf_new(KIND_BYTES);
	enum err e = ERR_OK;

	if (!log->is_timed || log->n < 2) {
		return err_note_set(note, ERR_INVALID, "the log has no times, which rates need");
	}
	ret->seconds = (double)(log->records[log->n - 1].time_us - log->records[0].time_us) / 1e6;
	/* The gaps lie between requests; whole seconds reach a little further. */
	ret->seconds *= (double)log->n / (double)(log->n - 1);
	ret->seconds += log->records[0].whole_second ? 1 - 1 / (double)log->n : 0;
	if (ret->seconds < 1) {
		return err_note_set(note, ERR_INVALID, "the log is shorter than a second");
	}
	for (size_t i = 0; e == ERR_OK && i < log->n; i++) {
		const struct access_record *r = &log->records[i];
		e = route_kind(m, names_text(&log->methods, r->method),
		    names_text(&log->paths, r->path), &kind, note);
		if (e == ERR_OK) {
			fit_count(ret, buf_slice(&kind), 1);
		}
	}
	buf_free(&kind);
	return e;
}

/* ---- what activities ask for ---- */

struct learner {
	struct model *m;
	enum fit_by by;
	struct fit_counts kinds;	 /* its counts are not used */
	double (*asked)[FIT_KINDS_MOST]; /* of each activity, how often; owned */
	struct buf kind;
	enum err failed;
	struct err_note *note;
	int only; /* or -1: all that is told counts */
};

static void on_request(void *arg, const struct pretended *p)
{
	struct learner *l = arg;
	uint32_t i = 0;

	if (l->failed != ERR_OK || (l->only >= 0 && p->activity != (unsigned)l->only)) {
		return;
	}
	if (l->by == FIT_BY_STEP) {
		buf_clear(&l->kind);
		for (size_t k = 0; k < p->step.len;
		     k++) { /* operations have no dots in their names */
			char c = p->step.ptr[k];
			buf_append_char(&l->kind, c == '.' || c == '-' ? '_' : c);
		}
	} else {
		l->failed = route_kind(l->m, p->method, p->path, &l->kind, l->note);
	}
	if (l->failed == ERR_OK && names_take(&l->kinds.kinds, buf_slice(&l->kind), &i) == ERR_OK) {
		l->asked[p->activity][i] += 1;
	}
}

static enum err pretend(
    struct learner *l, const struct model_preset *preset, int only, struct pretend_counts *ret)
{
	const struct pretend_plan plan = { .preset = preset,
		.users = LEARN_USERS,
		.length_s = learn_s,
		.seed = 1,
		.only = only,
		.most = only < 0 ? LEARN_MOST : LEARN_LEAST,
		.begin_ms = 1700000000000,
		.request = on_request,
		.arg = l };

	l->only = only;
	enum err e = pretend_run(l->m, &plan, ret, l->note);
	return e == ERR_OK ? l->failed : e;
}

/* From counts to means of one activity; of those that were rare in the mix, by themselves. */
static enum err learn(struct learner *l, const struct model_preset *preset)
{
	struct pretend_counts mix, own;
	enum err e = pretend(l, preset, -1, &mix);

	for (unsigned a = 0; e == ERR_OK && a < l->m->n_activities; a++) {
		double n = (double)mix.begun[a];
		if (n < LEARN_LEAST && model_rate(l->m, preset, a, 1) > 0) {
			memset(l->asked[a], 0, sizeof(l->asked[a]));
			e = pretend(l, preset, (int)a, &own);
			n = (double)own.begun[a];
		}
		for (unsigned k = 0; n > 0 && k < FIT_KINDS_MOST; k++) {
			l->asked[a][k] /= n;
		}
	}
	return e;
}

/* ---- the estimate ---- */

struct estimate_work {
	unsigned n_activities, n_kinds;
	double (*asked)[FIT_KINDS_MOST];
	const double *counts;
	double x[MODEL_ACTIVITIES_MAX], column_sum[MODEL_ACTIVITIES_MAX];
};

/* One round; how much the largest changed, as a share. */
static double improve(struct estimate_work *w)
{
	double ratio[FIT_KINDS_MOST], change = 0;

	for (unsigned k = 0; k < w->n_kinds; k++) {
		double expected = 0;
		for (unsigned a = 0; a < w->n_activities; a++) {
			expected += w->asked[a][k] * w->x[a];
		}
		ratio[k] = expected > 0 ? w->counts[k] / expected : 0;
	}
	for (unsigned a = 0; a < w->n_activities; a++) {
		double sum = 0;
		for (unsigned k = 0; k < w->n_kinds; k++) {
			sum += w->asked[a][k] * ratio[k];
		}
		double next = w->column_sum[a] > 0 ? w->x[a] * sum / w->column_sum[a] : 0;
		double moved = fabs(next - w->x[a]) / (w->x[a] + 1);
		change = moved > change ? moved : change;
		w->x[a] = next;
	}
	return change;
}

static double cosine(const double *a, const double *b, unsigned n)
{
	double ab = 0, aa = 0, bb = 0;

	for (unsigned k = 0; k < n; k++) {
		ab += a[k] * b[k];
		aa += a[k] * a[k];
		bb += b[k] * b[k];
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static void take_unknown(struct fit_result *r, struct slice kind, double count)
{
	unsigned at = r->n_unknown;

	if (count <= 0) {
		return; /* a counter that did not move */
	}
	while (at > 0 && r->unknown[at - 1].count < count) {
		if (at < FIT_UNKNOWN_MOST) {
			r->unknown[at] = r->unknown[at - 1];
		}
		at--;
	}
	if (at < FIT_UNKNOWN_MOST) {
		r->unknown[at].kind = kind;
		r->unknown[at].count = count;
		r->n_unknown += r->n_unknown < FIT_UNKNOWN_MOST ? 1 : 0;
	}
}

/* Counts of the live kinds in the order of the learner's; what it does not know apart. */
static void match(const struct learner *l, const struct fit_counts *live, double *ret_counts,
    struct fit_result *r)
{
	double unknown = 0;

	for (uint32_t i = 0; i < live->kinds.n; i++) {
		uint32_t k = 0;
		struct slice kind = names_text(&live->kinds, i);
		r->requests += live->counts[i];
		if (names_find(&l->kinds.kinds, kind, &k)) {
			ret_counts[k] += live->counts[i];
		} else {
			unknown += live->counts[i];
			take_unknown(r, kind, live->counts[i]);
		}
	}
	r->unexplained = r->requests > 0 ? unknown / r->requests : 0;
}

static void sum_up(struct fit_result *r, const struct model *m, const struct model_preset *p,
    const struct estimate_work *w)
{
	double live = 0, per_user = 0;

	for (unsigned a = 0; a < m->n_activities; a++) {
		live += w->x[a];
		per_user += model_rate(m, p, a, 1);
	}
	r->users = live / r->seconds / per_user;
	r->users_low = fmax(0, live - 1.96 * sqrt(live)) / r->seconds / per_user;
	r->users_high = (live + 1.96 * sqrt(live)) / r->seconds / per_user;
	for (unsigned a = 0; a < m->n_activities; a++) {
		struct fit_activity *f = &r->activities[a];
		double expected = model_rate(m, p, a, r->users) * r->seconds;
		f->live = w->x[a];
		f->per_second = w->x[a] / r->seconds;
		f->low = fmax(0, w->x[a] - 1.96 * sqrt(w->x[a])) / r->seconds;
		f->high = (w->x[a] + 1.96 * sqrt(w->x[a] + 1)) / r->seconds;
		f->model_per_second = expected / r->seconds;
		f->same_as = -1;
		for (unsigned b = 0; b < a && f->same_as < 0; b++) {
			f->same_as = cosine(w->asked[a], w->asked[b], w->n_kinds) > same_cosine
					 ? (int)b
					 : -1;
		}
		if (expected > 0) {
			r->chi_square += (w->x[a] - expected) * (w->x[a] - expected) / expected;
			r->freedom += f->same_as < 0 ? 1 : 0;
		}
		r->distance += live > 0 ? fabs(w->x[a] - expected) / live / 2 : 0;
	}
	r->freedom -=
	    r->freedom > 0 ? 1 : 0; /* the number of users is taken from the same counts */
	r->p_value = fit_chi_square_above(r->chi_square, r->freedom);
}

static enum err estimate(const struct learner *l, const struct model_preset *p,
    const struct fit_counts *live, struct fit_result *ret, struct err_note *note)
{
	struct estimate_work w = {
		.n_activities = l->m->n_activities, .n_kinds = l->kinds.kinds.n, .asked = l->asked
	};
	double counts[FIT_KINDS_MOST] = { 0 };
	struct fit_result r = { .seconds = live->seconds };

	match(l, live, counts, &r);
	w.counts = counts;
	if (r.unexplained >= 1) {
		return err_note_set(note, ERR_INVALID,
		    "nothing of it is what %s asks for; most often it has %.*s", l->m->path,
		    r.n_unknown == 0 ? 7 : (int)r.unknown[0].kind.len,
		    r.n_unknown == 0 ? "nothing" : r.unknown[0].kind.ptr);
	}
	for (unsigned a = 0; a < w.n_activities; a++) {
		w.x[a] = model_rate(l->m, p, a, MODEL_CLAIM_USERS) * live->seconds;
		for (unsigned k = 0; k < w.n_kinds; k++) {
			w.column_sum[a] += l->asked[a][k];
		}
	}
	for (unsigned i = 0; i < ROUNDS && improve(&w) > good_enough; i++) {
	}
	sum_up(&r, l->m, p, &w);
	*ret = r;
	return ERR_OK;
}

enum err fit_model(struct model *m, const struct model_preset *preset, enum fit_by by,
    const struct fit_counts *live, struct fit_result *ret, struct err_note *note)
{
	struct learner l = { .m = m, .by = by, .kinds = fit_counts_new(), .note = note };

	l.kind = buf_new(KIND_BYTES);
	l.asked = calloc(MODEL_ACTIVITIES_MAX, sizeof(*l.asked));
	enum err e = l.asked == NULL ? ERR_MEMORY : learn(&l, preset);
	if (e == ERR_OK) {
		e = estimate(&l, preset, live, ret, note);
	}
	free(l.asked);
	buf_free(&l.kind);
	fit_counts_free(&l.kinds);
	return e == ERR_OK ? ERR_OK : err_note_set(note, e, "%s", err_text(e));
}

/* Wilson and Hilferty: the cube root of it over its freedom is nearly normal. */
double fit_chi_square_above(double x, unsigned freedom)
{
	if (freedom == 0) {
		return 1;
	}
	double v = 2 / (9 * (double)freedom);
	double z = (cbrt(x / (double)freedom) - (1 - v)) / sqrt(v);
	return erfc(z / sqrt(2)) / 2;
}
