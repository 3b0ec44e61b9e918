/*
 * The text is read from its middle: the sign, then what is to its left and right.
 */
#include "lab/slo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/load.h"
#include "lab/load_sum.h"

#define EXAMPLES "as in 'p99<50ms', 'errors<0.1%%', 'signin.p90<200ms' or 'done>20/s'"

/* ---- reading ---- */

/* "p99.9" to 0.999. */
static bool read_quantile(struct slice word, double *ret)
{
	char text[16], *end = NULL;

	if (!slice_starts(word, SLICE("p")) ||
	    slice_to_cstr(slice_sub(word, 1, word.len), text, sizeof(text)) != ERR_OK ||
	    text[strspn(text, "0123456789.")] != '\0') {
		return false;
	}
	double percent = strtod(text, &end);
	*ret = percent / 100;
	return end != text && *end == '\0' && percent > 0 && percent < 100;
}

static bool read_measure(struct slice word, struct slo *s)
{
	static const struct {
		const char *name;
		enum slo_measure measure;
	} names[] = { { "mean", SLO_MEAN }, { "max", SLO_LARGEST }, { "errors", SLO_ERRORS },
		{ "refused", SLO_REFUSED }, { "failed", SLO_FAILED }, { "done", SLO_DONE } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(word, slice_str(names[i].name))) {
			s->measure = names[i].measure;
			return true;
		}
	}
	s->measure = SLO_QUANTILE;
	return read_quantile(word, &s->quantile);
}

/* "activity.measure"; an activity may have dots in its name, and so has p99.9. */
static bool read_left(struct slice left, struct slo *s)
{
	size_t dot = 0;

	if (read_measure(left, s)) {
		return true;
	}
	while ((dot = slice_find(left, '.', dot)) < left.len) {
		if (dot > 0 && read_measure(slice_sub(left, dot + 1, left.len), s)) {
			return slice_to_cstr(slice_sub(left, 0, dot), s->activity,
				   sizeof(s->activity)) == ERR_OK;
		}
		dot++;
	}
	return false;
}

enum kind {
	KIND_LATENCY,
	KIND_SHARE,
	KIND_RATE,
};

static enum kind kind_of(enum slo_measure m)
{
	return m == SLO_DONE						? KIND_RATE
	       : m == SLO_ERRORS || m == SLO_REFUSED || m == SLO_FAILED ? KIND_SHARE
									: KIND_LATENCY;
}

/* The unit and its factor to ms, share, a second. */
static bool read_unit(struct slice unit, enum kind kind, double *ret)
{
	static const struct {
		enum kind kind;
		const char *unit;
		double factor;
	} units[] = { { KIND_LATENCY, "us", 1e-3 }, { KIND_LATENCY, "ms", 1 },
		{ KIND_LATENCY, "s", 1e3 }, { KIND_SHARE, "%", 0.01 }, { KIND_SHARE, "", 1 },
		{ KIND_RATE, "/s", 1 } };

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].kind == kind && slice_eq(unit, slice_str(units[i].unit))) {
			*ret = units[i].factor;
			return true;
		}
	}
	return false;
}

static enum err read_right(struct slice right, struct slo *s, struct err_note *note)
{
	static const char *const wanted[] = { "a time with us, ms or s", "a share with %",
		"a rate with /s" };
	enum kind kind = kind_of(s->measure);
	char text[32], *end = NULL;
	double factor = 0;

	if (slice_to_cstr(right, text, sizeof(text)) != ERR_OK) {
		text[0] = '\0';
	}
	double number = strtod(text, &end);
	if (end == text || !isfinite(number) || number < 0 || text[0] == '-' ||
	    !read_unit(slice_trim(slice_str(end)), kind, &factor)) {
		return err_note_set(note, ERR_SYNTAX, "\"%s\": \"%.*s\" is not %s, " EXAMPLES,
		    s->text, SLICE_ARG(right), wanted[kind]);
	}
	s->bound = number * factor;
	if (kind == KIND_SHARE && s->bound > 1) {
		return err_note_set(note, ERR_SYNTAX, "\"%s\": a share is at most 100 %%", s->text);
	}
	return ERR_OK;
}

enum err slo_parse(const char *text, struct slo *ret, struct err_note *note)
{
	struct slo s = { .bound = 0 };
	struct slice all = slice_trim(slice_str(text));
	size_t sign = 0;

	if (slice_to_cstr(all, s.text, sizeof(s.text)) != ERR_OK) {
		return err_note_set(
		    note, ERR_SYNTAX, "a threshold is longer than %zu letters", sizeof(s.text) - 1);
	}
	sign = strcspn(s.text, "<>");
	if (s.text[sign] == '\0') {
		return err_note_set(note, ERR_SYNTAX, "\"%s\" has no < or >, " EXAMPLES, s.text);
	}
	s.above = s.text[sign] == '>';
	s.or_equal = s.text[sign + 1] == '=';
	struct slice left = slice_trim(slice_sub(all, 0, sign));
	struct slice right = slice_trim(slice_sub(all, sign + (s.or_equal ? 2 : 1), all.len));
	if (!read_left(left, &s)) {
		return err_note_set(note, ERR_SYNTAX,
		    "\"%s\": \"%.*s\" is none of pN, mean, max, errors, refused, failed, done, with or without "
		    "an activity and a dot before it",
		    s.text, SLICE_ARG(left));
	}
	enum err e = read_right(right, &s, note);
	if (e == ERR_OK) {
		*ret = s;
	}
	return e;
}

enum err slo_check_name(const struct slo *s, const struct model *m, struct err_note *note)
{
	char names[150] = "";
	size_t len = 0;

	for (unsigned i = 0; i < m->n_activities; i++) {
		if (strcmp(m->activities[i].name, s->activity) == 0) {
			return ERR_OK;
		}
		int n = snprintf(names + len, sizeof(names) - len, "%s%s", i > 0 ? ", " : "",
		    m->activities[i].name);
		len =
		    n > 0 && len + (size_t)n < sizeof(names) ? len + (size_t)n : sizeof(names) - 1;
	}
	return s->activity[0] == '\0'
		   ? ERR_OK
		   : err_note_set(note, ERR_NOT_FOUND, "\"%s\": %s has no activity \"%s\" but %s",
			 s->text, m->name, s->activity, names);
}

/* ---- judging ---- */

static double share(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (double)part / (double)whole : 0;
}

static double value_of(const struct slo *s, const struct load_sum *sum, double seconds)
{
	switch (s->measure) {
	case SLO_QUANTILE:
		return (double)hdr_quantile_us(&sum->latency, s->quantile) / 1000;
	case SLO_MEAN:
		return hdr_mean_us(&sum->latency) / 1000;
	case SLO_LARGEST:
		return (double)sum->latency.max_us / 1000;
	case SLO_ERRORS:
		return share(sum->refused + sum->failed, sum->begun);
	case SLO_REFUSED:
		return share(sum->refused, sum->begun);
	case SLO_FAILED:
		return share(sum->failed, sum->begun);
	case SLO_DONE:
		return seconds > 0 ? (double)sum->done / seconds : 0;
	}
	return 0;
}

struct slo_result slo_judge(const struct slo *s, const struct load_sum *sum, double seconds)
{
	enum kind kind = kind_of(s->measure);
	struct slo_result r = { .known = kind == KIND_LATENCY ? sum->latency.count > 0
					 : kind == KIND_SHARE ? sum->begun > 0
							      : seconds > 0 };

	r.value = r.known ? value_of(s, sum, seconds) : 0;
	bool met = s->above ? r.value > s->bound : r.value < s->bound;
	/* Equal to within what adding up can lose. */
	bool equal = fabs(r.value - s->bound) <= 1e-12 * s->bound;
	r.met = r.known && (equal ? s->or_equal : met);
	return r;
}

struct slo_result slo_judge_run(const struct slo *s, const struct load_result *r)
{
	const struct load_activity *activity = NULL;

	for (unsigned i = 0; i < r->n_activities && s->activity[0] != '\0'; i++) {
		if (strcmp(r->activities[i].name, s->activity) == 0) {
			activity = &r->activities[i];
		}
	}
	struct load_sum sum = load_sum_new(r, activity);
	struct slo_result result = slo_judge(s, &sum, r->elapsed_s);
	load_sum_fini(&sum);
	return result;
}

bool slo_all_met(const struct load_result *r)
{
	for (unsigned i = 0; i < r->plan.n_slos; i++) {
		if (!slo_judge_run(&r->plan.slos[i], r).met) {
			return false;
		}
	}
	return true;
}

void slo_put_value(const struct slo *s, const struct slo_result *result, struct buf *out)
{
	enum kind kind = kind_of(s->measure);

	if (!result->known) {
		buf_append_str(out, "nothing done");
		return;
	}
	quantity_put(kind == KIND_LATENCY ? QUANTITY_MS
		     : kind == KIND_SHARE ? QUANTITY_SHARE
					  : QUANTITY_NUMBER,
	    result->value, out);
	buf_append_str(out, kind == KIND_RATE ? "/s" : "");
}
