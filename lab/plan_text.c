/*
 * A plan as text.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/plan_report.h"
#include "lab/quantity.h"

enum {
	CHANGE_COLUMN = 28
};

/* ---- words ---- */

/* month: year * 12, plus 0 for January to 11. */
static unsigned days_of(unsigned month)
{
	static const unsigned char days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	unsigned year = month / 12;
	bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return month % 12 == 1 && is_leap ? 29 : days[month % 12];
}

bool plan_read_month(const char *text, double *ret)
{
	unsigned year = 0, month = 0, day = 1;
	int end = 0;
	int n = sscanf(text, "%4u-%2u%n-%2u%n", &year, &month, &end, &day, &end);

	if (n < 2 || text[end] != '\0' || month < 1 || month > 12 || day < 1 ||
	    day > days_of(year * 12 + month - 1)) {
		return false;
	}
	*ret = year * 12.0 + month - 1 + (day - 1.0) / days_of(year * 12 + month - 1);
	return true;
}

void plan_put_date(const struct plan *p, double months, struct buf *out)
{
	double at = p->options.start + months;

	if (!(months < 1200)) {
		buf_append_str(out, "never");
		return;
	}
	double month = floor(at + 1e-9);
	unsigned days = days_of((unsigned)month);
	double day = floor((at - month) * days + 1e-6) + 1;
	buf_printf(out, "%.0f ", fmin(fmax(day, 1), days));
	quantity_put(QUANTITY_MONTH, month, out);
}

static void put_number(struct buf *out, double n)
{
	quantity_put(QUANTITY_NUMBER, n, out);
}

/* The machines that the line is of: those just named, or those there are. */
static void put_those(const struct plan *p, struct buf *out)
{
	double have = 0;

	for (unsigned g = 0; g < p->input->n_groups; g++) {
		have += p->have[g] * p->input->groups[g].machines_each;
	}
	if (have == p->months[0].machines) {
		buf_printf(out, "the %.0f bear ", have);
	} else {
		buf_printf(out, "the %.0f there are bear ", have);
	}
}

void plan_put_sentence(const struct plan *p, struct buf *out)
{
	const struct plan_month *end = &p->months[p->n_months - 1];

	put_number(out, p->options.users);
	buf_printf(out, " active users need %.0f machine%s now", p->months[0].machines,
	    p->months[0].machines == 1 ? "" : "s");
	if (p->n_months > 1) {
		buf_printf(out, " and %.0f in %u months", end->machines, p->n_months - 1);
	}
	buf_append_str(out, "; ");
	if (p->first < 0) {
		buf_append_str(out, "nothing in the figures would ever be full");
		return;
	}
	char first[PLAN_TEXT_BYTES];
	plan_limit_text(p, &p->limits[p->first], first);
	put_those(p, out);
	put_number(out, p->line_users);
	buf_append_str(out, ", reached on ");
	plan_put_date(p, p->line_months, out);
	buf_printf(out, ", and then full first: %s", first);
}

void plan_put_assumptions(const struct plan *p, struct buf *out)
{
	const struct plan_options *o = &p->options;

	buf_append_str(out, "growing ");
	quantity_put(QUANTITY_SHARE, o->growth, out);
	buf_printf(out, " a month; at the peak %.3g times the mean of the day, with ", o->peak);
	quantity_put(QUANTITY_SHARE, o->headroom, out);
	buf_append_str(out, " more than that, no core above ");
	quantity_put(QUANTITY_SHARE, o->use, out);
	buf_append_str(out, " of use");
	if (o->spare > 0) {
		buf_printf(out, ", when %.0f of each kind of machine", o->spare);
	}
	if (o->sites > 1) {
		buf_printf(out, "%s one of %.0f sites", o->spare > 0 ? " or" : ", when", o->sites);
	}
	buf_append_str(out, o->spare > 0 || o->sites > 1 ? " failed" : "");
	if (o->lead > 0) {
		buf_printf(out, "; machines take %.3g months to come", o->lead);
	}
}

struct plan_summary plan_sum_up(const struct plan *p, const char *change)
{
	const struct plan_month *end = &p->months[p->n_months - 1];
	struct plan_summary s = { .change = change,
		.machines_now = p->months[0].machines,
		.machines_end = end->machines,
		.price_now = p->months[0].price,
		.price_end = end->price,
		.line_users = p->line_users,
		.full_users = p->full_users,
		.line_months = p->line_months,
		.possible = true };

	for (unsigned g = 0; g < p->input->n_groups; g++) {
		s.possible = s.possible && end->possible[g];
	}
	if (p->first >= 0) {
		plan_limit_text(p, &p->limits[p->first], s.first);
	}
	return s;
}

/* ---- text ---- */

static void put_months(const struct plan *p, struct buf *out)
{
	const struct plan_input *in = p->input;

	buf_append_str(out, "\n  month          users");
	for (unsigned g = 0; g < in->n_groups; g++) {
		buf_printf(out, " %12.12s", in->groups[g].name);
	}
	buf_printf(out, "  machines %12s\n", p->months[0].price > 0 ? p->currency : "");
	for (unsigned k = 0; k < p->n_months; k++) {
		const struct plan_month *m = &p->months[k];
		struct buf month = buf_new(64), users = buf_new(64);
		bool possible = true;
		quantity_put(QUANTITY_MONTH, floor(m->month + 1e-9), &month);
		put_number(&users, m->users);
		buf_printf(out, "  %-10.*s %9.*s", SLICE_ARG(buf_slice(&month)),
		    SLICE_ARG(buf_slice(&users)));
		for (unsigned g = 0; g < in->n_groups; g++) {
			buf_printf(out, " %12.0f", m->units[g]);
			possible = possible && m->possible[g];
		}
		buf_printf(out, " %9.0f", m->machines);
		if (m->price > 0) {
			buf_printf(out, " %12.2f", m->price);
		}
		buf_append_str(out, possible ? "\n" : "  beyond what more machines help\n");
		buf_free(&month);
		buf_free(&users);
	}
	for (unsigned g = 0; g < in->n_groups; g++) {
		buf_printf(out, "  %s: %s, %.3g cores%s", in->groups[g].name, p->shapes[g].name,
		    p->shapes[g].cores, in->groups[g].machines_each > 1 ? "" : "\n");
		if (in->groups[g].machines_each > 1) {
			buf_printf(out, ", %.0f machines each\n", in->groups[g].machines_each);
		}
	}
}

static void put_line(const struct plan *p, struct buf *out)
{
	char text[PLAN_TEXT_BYTES];

	buf_append_str(out, "\nThe line: ");
	const char *before = "";
	for (unsigned g = 0; g < p->input->n_groups; g++) {
		if (p->have[g] > 0) {
			buf_printf(out, "%s%.0f %s", before, p->have[g], p->input->groups[g].name);
			before = ", ";
		}
	}
	buf_append_str(out, " bear ");
	put_number(out, p->line_users);
	buf_append_str(out, " users with what was asked for, reached on ");
	plan_put_date(p, p->line_months, out);
	buf_append_str(out, ",\n  and at all, with nothing to spare, ");
	put_number(out, p->full_users);
	buf_append_str(out, ", on ");
	plan_put_date(p, p->full_months, out);
	buf_append_str(out, ".\n");
	if (p->first >= 0) {
		plan_limit_text(p, &p->limits[p->first], text);
		buf_printf(out, "  full first: %s\n", text);
	}
	if (p->next >= 0) {
		plan_limit_text(p, &p->limits[p->next], text);
		buf_printf(out, "  then:       %s, at ", text);
		put_number(out, p->next_users);
		buf_append_str(out, " users\n");
	}
}

static void put_use(const struct plan *p, struct buf *out)
{
	buf_printf(
	    out, "\n  %-20s %12s %12s %10s\n", "role", "cores, mean", "at the peak", "of all");
	for (unsigned r = 0; r < p->input->n_roles; r++) {
		unsigned g = p->input->roles[r].group;
		double peak = p->flow.cores[r] * p->options.peak;
		double all = p->have[g] * p->shapes[g].cores * p->shapes[g].speed;
		buf_printf(out, "  %-20s %12.3f %12.3f %8.1f %%\n", p->input->roles[r].name,
		    p->flow.cores[r], peak, all > 0 ? peak / all * 100 : 0);
	}
}

static void put_flow(const struct plan *p, struct buf *out)
{
	const struct plan_flow *f = &p->flow;
	double peak = p->options.peak;

	buf_printf(out, "\n  %-20s %12s %12s\n", "a second", "mean", "at the peak");
	buf_printf(
	    out, "  %-20s %12.2f %12.2f\n", "activities", f->activities, f->activities * peak);
	if (f->mails > 0) {
		buf_printf(out, "  %-20s %12.2f %12.2f\n", "mails", f->mails, f->mails * peak);
	}
	for (unsigned c = 0; c < p->input->n_counts; c++) {
		buf_printf(out, "  %-20s %12.2f %12.2f\n", p->input->counts[c], f->counts[c],
		    f->counts[c] * peak);
	}
	if (f->bytes_in > 0) {
		buf_printf(out, "  %-20s %12.2f %12.2f\n", "Mbit in", f->bytes_in * 8 / 1e6,
		    f->bytes_in * 8 / 1e6 * peak);
	}
	if (f->bytes_out > 0) {
		buf_printf(out, "  %-20s %12.2f %12.2f\n", "Mbit out", f->bytes_out * 8 / 1e6,
		    f->bytes_out * 8 / 1e6 * peak);
		buf_append_str(out, "  out in a month: ");
		quantity_put(QUANTITY_BYTES, p->months[0].egress, out);
		buf_append_char(out, '\n');
	}
	if (p->months[p->n_months - 1].disk > 0) {
		buf_append_str(out, "  disk: ");
		quantity_put(QUANTITY_BYTES, p->months[0].disk, out);
		buf_printf(out, " now, ");
		quantity_put(QUANTITY_BYTES, p->months[p->n_months - 1].disk, out);
		buf_printf(out, " in %u months\n", p->n_months - 1);
	}
}

static void put_summary(const struct plan *p, const struct plan_summary *s, struct buf *out)
{
	const char *change = s->change == NULL ? "(as it is)" : s->change;
	struct buf line = buf_new(64), full = buf_new(64), date = buf_new(64);

	/* A long one has a line for itself. */
	if (strlen(change) > CHANGE_COLUMN) {
		buf_printf(out, "  %s\n", change);
		change = "";
	}
	put_number(&line, s->line_users);
	put_number(&full, s->full_users);
	plan_put_date(p, s->line_months, &date);
	buf_printf(out, "  %-*s %8.0f %8.0f%s %9.*s %9.*s %12.*s  %s\n", CHANGE_COLUMN, change,
	    s->machines_now, s->machines_end, s->possible ? " " : "!", SLICE_ARG(buf_slice(&line)),
	    SLICE_ARG(buf_slice(&full)), SLICE_ARG(buf_slice(&date)), s->first);
	buf_free(&line);
	buf_free(&full);
	buf_free(&date);
}

static void put_summaries(const struct plan_view *v, const char *title,
    const struct plan_summary *all, unsigned n, struct buf *out)
{
	const struct plan_summary own = plan_sum_up(v->plan, NULL);
	char end[24];

	if (n == 0) {
		return;
	}
	(void)snprintf(end, sizeof(end), "in %u", v->plan->n_months - 1);
	buf_printf(out, "\n  %-*s %8s %8s  %9s %9s %12s  %s\n", CHANGE_COLUMN, title, "machines",
	    end, "line", "at all", "line on", "full first");
	put_summary(v->plan, &own, out);
	for (unsigned i = 0; i < n; i++) {
		put_summary(v->plan, &all[i], out);
	}
}

void plan_text(const struct plan_view *v, struct buf *out)
{
	const struct plan *p = v->plan;

	buf_printf(out, "%s: ", p->input->name[0] == '\0' ? "plan" : p->input->name);
	plan_put_sentence(p, out);
	buf_append_str(out, ".\nAsked for: ");
	plan_put_assumptions(p, out);
	buf_append_str(out, ".\n");
	put_months(p, out);
	put_line(p, out);
	put_use(p, out);
	put_flow(p, out);
	put_summaries(v, "what if", v->changes, v->n_changes, out);
	put_summaries(v, "on other machines", v->shapes, v->n_shapes, out);
	if (v->dear.change != NULL) {
		put_summaries(v, "", &v->dear, 1, out);
	}
}
