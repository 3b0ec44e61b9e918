/*
 * A plan as JSON, which doc/PLAN.md describes.
 */
#include <math.h>

#include "lab/plan_report.h"
#include "lab/result_json.h"

static void put_month_json(struct json_writer *w, const struct plan *p, const struct plan_month *m)
{
	json_begin_object(w);
	result_put_count(w, "year", (uint64_t)(m->month / 12 + 1e-9));
	result_put_count(w, "month", (uint64_t)fmod(m->month + 1e-9, 12) + 1);
	result_put_real(w, "users", m->users);
	json_put_name(w, SLICE("machines"));
	json_begin_object(w);
	for (unsigned g = 0; g < p->input->n_groups; g++) {
		result_put_real(
		    w, p->input->groups[g].name, m->units[g] * p->input->groups[g].machines_each);
	}
	json_end_object(w);
	result_put_real(w, "machines_total", m->machines);
	result_put_real(w, "price", m->price > 0 ? m->price : (double)NAN);
	result_put_real(w, "bytes_out", m->egress);
	result_put_real(w, "disk_bytes", m->disk);
	json_put_name(w, SLICE("possible"));
	bool possible = true;
	for (unsigned g = 0; g < p->input->n_groups; g++) {
		possible = possible && m->possible[g];
	}
	json_put_bool(w, possible);
	json_end_object(w);
}

static void put_limit_json(
    struct json_writer *w, const char *name, const struct plan *p, int limit, double users)
{
	char text[PLAN_TEXT_BYTES];

	json_put_name(w, slice_str(name));
	if (limit < 0) {
		json_put_null(w);
		return;
	}
	plan_limit_text(p, &p->limits[limit], text);
	json_begin_object(w);
	result_put_text(w, "what", text);
	result_put_real(w, "users", users);
	json_end_object(w);
}

static void put_flow_json(struct json_writer *w, const struct plan *p)
{
	const struct plan_flow *f = &p->flow;

	json_put_name(w, SLICE("mean_per_second"));
	json_begin_object(w);
	result_put_real(w, "activities", f->activities);
	result_put_real(w, "mails", f->mails);
	result_put_real(w, "bytes_in", f->bytes_in);
	result_put_real(w, "bytes_out", f->bytes_out);
	result_put_real(w, "disk_bytes", f->disk);
	for (unsigned c = 0; c < p->input->n_counts; c++) {
		result_put_real(w, p->input->counts[c], f->counts[c]);
	}
	json_end_object(w);
	json_put_name(w, SLICE("mean_cores"));
	json_begin_object(w);
	for (unsigned r = 0; r < p->input->n_roles; r++) {
		result_put_real(w, p->input->roles[r].name, f->cores[r]);
	}
	json_end_object(w);
}

static void put_summaries_json(struct json_writer *w, const char *name, const char *label,
    const struct plan_summary *all, unsigned n)
{
	json_put_name(w, slice_str(name));
	json_begin_array(w);
	for (unsigned i = 0; i < n; i++) {
		const struct plan_summary *s = &all[i];
		json_begin_object(w);
		result_put_text(w, label, s->change);
		result_put_real(w, "machines_now", s->machines_now);
		result_put_real(w, "machines_at_the_end", s->machines_end);
		result_put_real(w, "price_now", s->price_now > 0 ? s->price_now : (double)NAN);
		result_put_real(w, "line_users", s->line_users);
		result_put_real(w, "full_users", s->full_users);
		result_put_real(w, "line_months", s->line_months);
		result_put_text(w, "full_first", s->first);
		result_put_flag(w, "possible", s->possible);
		json_end_object(w);
	}
	json_end_array(w);
}

void plan_json(const struct plan_view *v, struct buf *out)
{
	const struct plan *p = v->plan;
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	result_put_text(&w, "format", "plimsoll-plan");
	result_put_text(&w, "name", p->input->name);
	result_put_real(&w, "users", p->options.users);
	put_flow_json(&w, p);
	json_put_name(&w, SLICE("months"));
	json_begin_array(&w);
	for (unsigned k = 0; k < p->n_months; k++) {
		put_month_json(&w, p, &p->months[k]);
	}
	json_end_array(&w);
	result_put_text(&w, "currency", p->currency);
	result_put_real(&w, "line_users", p->line_users);
	result_put_real(&w, "line_months", p->line_months);
	result_put_real(&w, "full_users", p->full_users);
	result_put_real(&w, "full_months", p->full_months);
	put_limit_json(&w, "full_first", p, p->first, p->line_users);
	put_limit_json(&w, "full_next", p, p->next, p->next_users);
	put_summaries_json(&w, "what_if", "change", v->changes, v->n_changes);
	put_summaries_json(&w, "other_machines", "shape", v->shapes, v->n_shapes);
	put_summaries_json(&w, "at_upper_ends", "what", &v->dear, v->dear.change != NULL ? 1 : 0);
	json_end_object(&w);
	buf_append_char(out, '\n');
}
