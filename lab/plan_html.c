/*
 * A plan as one page.
 */
#include <math.h>
#include <stdlib.h>

#include "lab/plan_report.h"
#include "lab/plot.h"
#include "lab/report_parts.h"

enum {
	SENTENCE_BYTES = 4096
};

/* ---- plots ---- */

static void put_machines_plot(const struct plan *p, struct buf *out)
{
	static double month[PLAN_MONTHS_MAX + 1], units[PLAN_GROUPS_MAX][PLAN_MONTHS_MAX + 1];
	struct plot plot = {
		.title = "Machines needed", .x_quantity = QUANTITY_MONTH, .y_from_zero = true
	};

	for (unsigned g = 0; g < p->input->n_groups; g++) {
		for (unsigned k = 0; k < p->n_months; k++) {
			month[k] = p->months[k].month;
			units[g][k] = p->months[k].units[g] * p->input->groups[g].machines_each;
		}
		plot.series[plot.n_series++] =
		    (struct plot_series){ .name = p->input->groups[g].name,
			    .x = month,
			    .y = units[g],
			    .n = p->n_months,
			    .dots = p->n_months <= 40 };
	}
	plot_put(&plot, out);
}

/* Users over time, and what the machines of now bear. */
static void put_users_plot(const struct plan *p, struct buf *out)
{
	static double month[PLAN_MONTHS_MAX + 1], users[PLAN_MONTHS_MAX + 1];
	struct plot plot = { .title = "Active users, and what the machines of now bear",
		.x_quantity = QUANTITY_MONTH,
		.y_log = true,
		.n_series = 1 };

	for (unsigned k = 0; k < p->n_months; k++) {
		month[k] = p->months[k].month;
		users[k] = p->months[k].users;
	}
	plot.series[0] = (struct plot_series){
		.name = "users", .x = month, .y = users, .n = p->n_months, .dots = p->n_months <= 40
	};
	if (isfinite(p->line_users)) {
		plot.marks[plot.n_marks++] =
		    (struct plot_mark){ p->line_users, "the line, with what was asked for", true };
		plot.marks[plot.n_marks++] =
		    (struct plot_mark){ p->full_users, "all of it is used up", true };
	}
	plot_put(&plot, out);
}

/* Parts are roles, the first ones that a picture can tell apart. */
static unsigned name_parts(const struct plan *p, struct bars *b)
{
	unsigned n = p->input->n_roles < PLOT_SERIES_MAX ? p->input->n_roles : PLOT_SERIES_MAX;

	for (unsigned r = 0; r < n; r++) {
		b->parts[r] = p->input->roles[r].name;
	}
	b->n_parts = n;
	return n;
}

static void put_cost_bars(const struct plan *p, struct buf *out)
{
	static struct bar rows[PLAN_ACTIVITIES_MAX];
	struct bars b = {
		.title = "Processor time of one activity", .quantity = QUANTITY_MS, .rows = rows
	};
	unsigned n = name_parts(p, &b);

	for (unsigned i = 0; i < p->input->n_activities; i++) {
		const struct plan_activity *a = &p->input->activities[i];
		struct bar *row = &rows[b.n_rows++];
		*row = (struct bar){ .name = a->name };
		double sum = 0, high = 0;
		for (unsigned r = 0; r < p->input->n_roles; r++) {
			row->parts[r < n ? r : n - 1] += a->cpu_s[r] * 1000;
			sum += a->cpu_s[r] * 1000;
			high += a->cpu_high_s[r] * 1000;
		}
		if (high > sum * 1.0001) {
			row->low = sum;
			row->high = high;
		}
	}
	bars_put(&b, out);
}

static void put_cores_bars(const struct plan *p, struct buf *out)
{
	static struct bar rows[PLAN_ROLES_MAX];
	struct bars b = {
		.title = "Cores of each role at the peak, now", .n_parts = 1, .rows = rows
	};

	for (unsigned r = 0; r < p->input->n_roles; r++) {
		rows[b.n_rows++] = (struct bar){ .name = p->input->roles[r].name,
			.parts = { p->flow.cores[r] * p->options.peak } };
	}
	bars_put(&b, out);
}

/* ---- tables ---- */

static void cell_date(struct report_table *t, const struct plan *p, double months)
{
	struct buf text = buf_new(64);

	plan_put_date(p, months, &text);
	report_cell(t, "%.*s", SLICE_ARG(buf_slice(&text)));
	buf_free(&text);
}

static void put_months_table(const struct plan *p, struct buf *out)
{
	const char *columns[PLAN_GROUPS_MAX + 4] = { "<month", "users" };
	unsigned n = 2, groups = p->input->n_groups;

	for (unsigned g = 0; g < groups; g++) {
		columns[n++] = p->input->groups[g].name;
	}
	columns[n++] = "machines";
	if (p->months[0].price > 0) {
		columns[n++] = p->currency;
	}
	struct report_table t = report_table_begin(out, columns, n);
	for (unsigned k = 0; k < p->n_months; k++) {
		const struct plan_month *m = &p->months[k];
		report_cell_quantity(&t, QUANTITY_MONTH, floor(m->month + 1e-9));
		report_cell_quantity(&t, QUANTITY_NUMBER, m->users);
		for (unsigned g = 0; g < groups; g++) {
			(m->possible[g] ? report_cell : report_cell_bad)(
			    &t, m->possible[g] ? "%.0f" : "not with %.0f", m->units[g]);
		}
		report_cell(&t, "%.0f", m->machines);
		if (p->months[0].price > 0) {
			report_cell(&t, "%.2f", m->price);
		}
	}
	report_table_end(&t);
}

static void put_summaries(const struct plan_view *v, const char *title, const char *column,
    const struct plan_summary *all, unsigned n, struct buf *out)
{
	const struct plan *p = v->plan;
	const char *const columns[] = { column, "machines now", "at the end", "line, users",
		"reached on", "at all, users", "<full first" };
	const struct plan_summary own = plan_sum_up(p, "as it is");

	if (n == 0) {
		return;
	}
	report_section(out, title);
	struct report_table t = report_table_begin(out, columns, 7);
	for (unsigned i = 0; i <= n; i++) {
		const struct plan_summary *s = i == 0 ? &own : &all[i - 1];
		report_cell(&t, "%s", s->change);
		report_cell(&t, "%.0f", s->machines_now);
		(s->possible ? report_cell : report_cell_bad)(
		    &t, s->possible ? "%.0f" : "not with %.0f", s->machines_end);
		report_cell_quantity(&t, QUANTITY_NUMBER, s->line_users);
		cell_date(&t, p, s->line_months);
		report_cell_quantity(&t, QUANTITY_NUMBER, s->full_users);
		report_cell(&t, "%s", s->first);
	}
	report_table_end(&t);
}

static void put_limits(const struct plan *p, struct buf *out)
{
	static const char *const columns[] = { "<what may be full", "used at the peak, now",
		"full at, users" };

	report_section(out, "What is full when");
	struct report_table t = report_table_begin(out, columns, 3);
	for (unsigned i = 0; i < p->n_limits; i++) {
		const struct plan_limit *l = &p->limits[i];
		char text[PLAN_TEXT_BYTES];
		double use = plan_use(p, l, p->options.users, p->have[l->group]);
		plan_limit_text(p, l, text);
		report_cell(&t, "%s", text);
		if (use > 1) {
			report_cell_bad(&t, "%.0f %%", use * 100);
		} else {
			report_cell(&t, "%.1f %%", use * 100);
		}
		report_cell_quantity(&t, QUANTITY_NUMBER, p->options.users / use);
	}
	report_table_end(&t);
}

static void put_flow(const struct plan *p, struct buf *out)
{
	static const char *const columns[] = { "<a second", "mean", "at the peak" };
	const struct plan_flow *f = &p->flow;
	const struct {
		const char *name;
		double value;
		enum quantity quantity;
	} rows[] = { { "activities", f->activities, QUANTITY_NUMBER },
		{ "mails", f->mails, QUANTITY_NUMBER }, { "bytes in", f->bytes_in, QUANTITY_BYTES },
		{ "bytes out", f->bytes_out, QUANTITY_BYTES },
		{ "bytes that stay on disk", f->disk, QUANTITY_BYTES } };

	report_section(out, "Traffic, mails, disk");
	struct report_table t = report_table_begin(out, columns, 3);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		report_cell(&t, "%s", rows[i].name);
		report_cell_quantity(&t, rows[i].quantity, rows[i].value);
		report_cell_quantity(&t, rows[i].quantity, rows[i].value * p->options.peak);
	}
	for (unsigned c = 0; c < p->input->n_counts; c++) {
		report_cell(&t, "%s", p->input->counts[c]);
		report_cell_quantity(&t, QUANTITY_NUMBER, f->counts[c]);
		report_cell_quantity(&t, QUANTITY_NUMBER, f->counts[c] * p->options.peak);
	}
	report_table_end(&t);
	struct buf text = buf_new(256);
	quantity_put(QUANTITY_BYTES, p->months[0].egress, &text);
	buf_append_str(&text, " go out in a month; ");
	quantity_put(QUANTITY_BYTES, p->months[0].disk, &text);
	buf_append_str(&text, " lie on disks now and ");
	quantity_put(QUANTITY_BYTES, p->months[p->n_months - 1].disk, &text);
	buf_append_str(&text, " at the end.");
	report_text(out, "%.*s", SLICE_ARG(buf_slice(&text)));
	buf_free(&text);
}

static void put_caveats(const struct plan *p, struct buf *out)
{
	report_section(out, "To bear in mind");
	report_list_begin(out);
	report_list_item(out,
	    "Costs are taken to be the same at every load and to add up over machines; a "
	    "cache that no longer fits or a lock can make them larger.");
	report_list_item(out,
	    "A core of a machine counts as its shape's speed times the one that the costs "
	    "were measured on.");
	if (p->options.sites > 1) {
		report_list_item(
		    out, "Traffic between sites, and what copies of data cost, are not in it.");
	}
	for (unsigned r = 0; r < p->input->n_roles; r++) {
		const struct plan_role *role = &p->input->roles[r];
		if (role->machines > 0) {
			report_list_item(out,
			    "%s runs on %.0f machine%s at most: more of them do not help it, and those "
			    "that may fail need a copy of it that stands by.",
			    role->name, role->machines, role->machines == 1 ? "" : "s");
		}
	}
	report_list_end(out);
}

static const char *text_of(struct buf *b)
{
	buf_append_str(b, ".");
	buf_append_char(b, '\0');
	return b->failed ? "" : b->data;
}

void plan_html(const struct plan_view *v, struct buf *out)
{
	const struct plan *p = v->plan;
	struct buf title = buf_new(SENTENCE_BYTES), sentence = buf_new(SENTENCE_BYTES),
		   asked = buf_new(SENTENCE_BYTES);

	buf_printf(&title, "Plan: %s", p->input->name[0] == '\0' ? "machines" : p->input->name);
	buf_append_char(&title, '\0');
	plan_put_sentence(p, &sentence);
	buf_append_str(&asked, "Asked for: ");
	plan_put_assumptions(p, &asked);
	report_begin(out, title.failed ? "Plan" : title.data, text_of(&sentence));
	report_text(out, "%s", text_of(&asked));
	if (!plan_sum_up(p, NULL).possible) {
		report_verdict(out, REPORT_BAD,
		    "Before the end a role is full that cannot run on more machines.");
	}
	put_users_plot(p, out);
	put_machines_plot(p, out);
	put_months_table(p, out);
	put_limits(p, out);
	put_cores_bars(p, out);
	put_cost_bars(p, out);
	put_flow(p, out);
	put_summaries(v, "What if", "<change", v->changes, v->n_changes, out);
	put_summaries(v, "On other machines", "<shape", v->shapes, v->n_shapes, out);
	put_summaries(v, "If the costs are at the upper ends of their intervals", "<costs",
	    &v->dear, v->dear.change != NULL ? 1 : 0, out);
	put_caveats(p, out);
	report_end(out);
	buf_free(&title);
	buf_free(&sentence);
	buf_free(&asked);
}
