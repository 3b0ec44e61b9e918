/*
 * Grace in words, and as the member that doc/LINE.md describes.
 */
#include <math.h>

#include "lab/grace.h"
#include "lab/line.h"
#include "lab/quantity.h"
#include "lab/result_json.h"

static double share_of(double part, double whole)
{
	return whole > 0 ? part / whole : (double)NAN;
}

static double ms(const struct hdr *h, double q)
{
	return h->count == 0 ? (double)NAN : (double)hdr_quantile_us(h, q) / 1000;
}

/* ---- for people ---- */

static void put_ms(struct buf *out, double value)
{
	if (isfinite(value)) {
		buf_printf(out, " %9.1f", value);
	} else {
		buf_printf(out, " %9s", "-");
	}
}

static void put_steps(const struct grace_course *c, struct buf *out)
{
	buf_printf(out, "\n  %6s %10s %9s %7s %9s %9s %9s %9s %9s %9s %9s %6s\n", "load",
	    "offered/s", "good/s", "of peak", "late/s", "refused/s", "failed/s", "p50 ms", "p99 ms",
	    "ref p50", "ref p99", "Jain");
	for (unsigned i = 0; i < c->n_steps; i++) {
		const struct grace_step *s = &c->steps[i];
		double good = grace_step_rate(s, s->all.good);
		buf_printf(out, "  %s %4.4g %10.1f %9.1f %5.1f %% %9.1f %9.1f %9.1f",
		    s->down ? "v" : "^", s->load, grace_step_rate(s, s->all.offered), good,
		    share_of(good, c->peak) * 100, grace_step_rate(s, s->all.late),
		    grace_step_rate(s, s->all.refused),
		    grace_step_rate(s, s->all.failed + s->all.missed));
		put_ms(out, ms(&s->served, 0.5));
		put_ms(out, ms(&s->served, 0.99));
		put_ms(out, ms(&s->refused, 0.5));
		put_ms(out, ms(&s->refused, 0.99));
		if (s->fairness.known) {
			buf_printf(out, " %6.3f", s->fairness.jain);
		} else {
			buf_printf(out, " %6s", "-");
		}
		buf_append_char(out, '\n');
	}
	buf_printf(out, "up and down lie %.1f %% apart\n", c->hysteresis_area * 100);
}

static void put_recovery(const struct grace_recovery *r, struct buf *out)
{
	buf_printf(out,
	    "after %.3g s at %.3gx, with clients who try again: back at %.2gx in %u of %u",
	    r->plan.peak_s, r->plan.peak_load, r->plan.calm_load, r->recovered, r->plan.peaks);
	if (r->recovered > 0) {
		buf_printf(out, ", within %.0f s", r->longest_s);
	}
	buf_append_char(out, '\n');
}

static void put_response(const struct grace_response *r, struct buf *out)
{
	buf_printf(out, "from %.2gx to %.2gx at once: ", r->plan.low_load, r->plan.high_load);
	if (r->settled_ms < 0) {
		buf_printf(out, "served later than %.1f ms all of the %.3g s",
		    (double)r->bound_us / 1000, r->plan.high_s);
	} else {
		buf_printf(out, "served within %.1f ms again behind %.0f ms",
		    (double)r->bound_us / 1000, r->settled_ms);
	}
	buf_printf(out, "; at the worst %.1f ms\n", r->worst_us / 1000);
}

void grace_put_text(const struct grace_result *g, struct buf *out)
{
	if (g->has_course) {
		put_steps(&g->course, out);
	}
	if (g->has_response) {
		put_response(&g->response, out);
	}
	if (g->has_recovery) {
		put_recovery(&g->recovery, out);
	}
}

/* ---- JSON ---- */

static void name(struct json_writer *w, const char *text)
{
	json_put_name(w, slice_str(text));
}

static void put_counts(struct json_writer *w, const struct grace_counts *c)
{
	result_put_count(w, "offered", c->offered);
	result_put_count(w, "good", c->good);
	result_put_count(w, "late", c->late);
	result_put_count(w, "refused", c->refused);
	result_put_count(w, "failed", c->failed);
	result_put_count(w, "missed", c->missed);
	result_put_count(w, "admitted", c->admitted);
	result_put_count(w, "completed", c->completed);
}

static void put_hdr(struct json_writer *w, const char *text, const struct hdr *h)
{
	name(w, text);
	json_begin_object(w);
	result_put_count(w, "count", h->count);
	result_put_real(w, "p50_us", ms(h, 0.5) * 1000);
	result_put_real(w, "p99_us", ms(h, 0.99) * 1000);
	result_put_real(w, "max_us", h->count == 0 ? (double)NAN : (double)h->max_us);
	json_end_object(w);
}

static void put_step(struct json_writer *w, const struct line_result *r, const struct grace_step *s,
    const double *cores)
{
	json_begin_object(w);
	result_put_text(w, "direction", s->down ? "down" : "up");
	result_put_real(w, "load", s->load);
	result_put_real(w, "seconds", s->to_s - s->from_s);
	result_put_real(w, "offered_per_second", grace_step_rate(s, s->all.offered));
	result_put_real(w, "good_per_second", grace_step_rate(s, s->all.good));
	result_put_real(
	    w, "good_of_peak", share_of(grace_step_rate(s, s->all.good), r->grace->course.peak));
	put_counts(w, &s->all);
	put_hdr(w, "served", &s->served);
	put_hdr(w, "refusals", &s->refused);
	result_put_real(w, "jain", s->fairness.known ? s->fairness.jain : (double)NAN);
	result_put_real(w, "jain_even", s->fairness.known ? s->fairness.even : (double)NAN);
	name(w, "activities");
	json_begin_array(w);
	for (unsigned i = 0; i < r->model->n_activities; i++) {
		json_begin_object(w);
		result_put_text(w, "name", r->model->activities[i].name);
		put_counts(w, &s->activities[i]);
		json_end_object(w);
	}
	json_end_array(w);
	name(w, "cores");
	json_begin_object(w);
	unsigned n = r->plan.target == NULL ? 0 : target_roles(r->plan.target);
	for (unsigned i = 0; i < n; i++) {
		result_put_real(w, target_role_name(r->plan.target, i), cores[i]);
	}
	json_end_object(w);
	json_end_object(w);
}

static void put_course(struct json_writer *w, const struct line_result *r)
{
	const struct grace_course *c = &r->grace->course;

	if (!r->grace->has_course) {
		result_put_null(w, "curve");
		return;
	}
	name(w, "curve");
	json_begin_object(w);
	result_put_real(w, "deadline_ms", c->plan.deadline_s * 1000);
	result_put_real(w, "settle_seconds", c->plan.settle_s);
	result_put_real(w, "peak_good_per_second", c->peak);
	result_put_real(w, "hysteresis_area", c->hysteresis_area);
	name(w, "steps");
	json_begin_array(w);
	for (unsigned i = 0; i < c->n_steps; i++) {
		put_step(w, r, &c->steps[i], r->grace->cores[i]);
	}
	json_end_array(w);
	json_end_object(w);
}

static void put_response_json(struct json_writer *w, const struct grace_result *g)
{
	const struct grace_response *p = &g->response;

	if (!g->has_response) {
		result_put_null(w, "response");
		return;
	}
	name(w, "response");
	json_begin_object(w);
	result_put_real(w, "from_load", p->plan.low_load);
	result_put_real(w, "to_load", p->plan.high_load);
	result_put_count(w, "times", p->plan.times);
	result_put_count(w, "bound_us", (uint64_t)p->bound_us);
	result_put_real(w, "settled_ms", p->settled_ms < 0 ? (double)NAN : p->settled_ms);
	result_put_real(w, "worst_us", p->worst_us);
	put_hdr(w, "before", &p->low);
	put_hdr(w, "behind", &p->high);
	result_put_count(w, "bin_ms", GRACE_BIN_MS);
	name(w, "bins_us");
	json_begin_array(w);
	for (unsigned i = 0; i < p->n_bins; i++) {
		const struct grace_bin *b = &p->bins[i];
		json_put_i64(w, b->served == 0 ? -1 : (int64_t)(b->sum_us / b->served));
	}
	json_end_array(w);
	json_end_object(w);
}

static void put_seconds(struct json_writer *w, const struct grace_recovery *p)
{
	name(w, "seconds");
	json_begin_array(w);
	for (unsigned i = 0; i < p->n_seconds; i++) {
		const struct grace_second *s = &p->seconds[i];
		json_begin_object(w);
		result_put_count(w, "due", s->due);
		result_put_count(w, "good", s->good);
		result_put_real(w, "p99_us", ms(&s->served, 0.99) * 1000);
		json_end_object(w);
	}
	json_end_array(w);
}

static void put_recovery_json(struct json_writer *w, const struct grace_result *g)
{
	const struct grace_recovery *p = &g->recovery;

	if (!g->has_recovery) {
		result_put_null(w, "recovery");
		return;
	}
	name(w, "recovery");
	json_begin_object(w);
	result_put_real(w, "calm_load", p->plan.calm_load);
	result_put_real(w, "peak_load", p->plan.peak_load);
	result_put_real(w, "peak_seconds", p->plan.peak_s);
	result_put_count(w, "hold_seconds", p->plan.hold_s);
	result_put_count(w, "calm_p99_us", (uint64_t)p->base_p99_us);
	result_put_count(w, "peaks", p->plan.peaks);
	result_put_count(w, "recovered", p->recovered);
	result_put_real(w, "longest_seconds", p->recovered > 0 ? p->longest_s : (double)NAN);
	name(w, "recovery_seconds");
	json_begin_array(w);
	for (unsigned i = 0; i < p->plan.peaks; i++) {
		if (p->recovery_s[i] < 0) {
			json_put_null(w);
		} else {
			json_put_i64(w, (int64_t)p->recovery_s[i]);
		}
	}
	json_end_array(w);
	put_seconds(w, p);
	json_end_object(w);
}

void grace_put_json(const struct line_result *r, struct json_writer *w)
{
	const struct grace_result *g = r->grace;

	if (g == NULL) {
		result_put_null(w, "grace");
		return;
	}
	name(w, "grace");
	json_begin_object(w);
	result_put_real(w, "users", g->users);
	result_put_real(w, "per_second", g->per_second);
	result_put_flag(w, "given", g->known);
	put_course(w, r);
	put_response_json(w, g);
	put_recovery_json(w, g);
	json_end_object(w);
}
