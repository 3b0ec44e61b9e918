/*
 * The page of a load run: what it comes to, plots, tables, the target, and what to know of model,
 * machine and generator.
 */
#include <math.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "lab/load_report.h"
#include "lab/load_sum.h"
#include "lab/load_use.h"
#include "lab/machine.h"
#include "lab/report.h"
#include "lab/plot.h"

static double ms_of(const struct hdr *h, double q)
{
	return (double)hdr_quantile_us(h, q) / 1000;
}

static unsigned long long number(uint64_t n)
{
	return (unsigned long long)n;
}

/* ---- the seconds ---- */

enum course {
	COURSE_BEGUN,
	COURSE_DONE,
	COURSE_REFUSED,
	COURSE_FAILED,
	COURSE_P50,
	COURSE_P99,
	COURSES,
};

/* NaN: nothing was done in that second, so there is no latency. */
static double value_of(const struct load_second *s, enum course what)
{
	double length = s->length_s > 0 ? s->length_s : 1;

	switch (what) {
	case COURSE_BEGUN:
		return s->begun / length;
	case COURSE_DONE:
		return s->done / length;
	case COURSE_REFUSED:
		return s->refused / length;
	case COURSE_FAILED:
		return s->failed / length;
	case COURSE_P50:
		return s->done > 0 ? (double)s->p50_us / 1000 : (double)NAN;
	case COURSE_P99:
		return s->done > 0 ? (double)s->p99_us / 1000 : (double)NAN;
	case COURSES:
		break;
	}
	return (double)NAN;
}

/* The seconds in columns, as plots want them. */
struct course_columns {
	double *time_s; /* owned, and the rest points into it */
	double *columns[COURSES];
	unsigned n;
};

static struct course_columns columns_of(const struct load_result *r)
{
	struct course_columns c = { .n = r->n_seconds };
	double at_s = 0;

	c.time_s = calloc((size_t)(COURSES + 1) * c.n, sizeof(*c.time_s));
	if (c.time_s == NULL) {
		c.n = 0;
		return c;
	}
	for (unsigned k = 0; k < COURSES; k++) {
		c.columns[k] = c.time_s + (size_t)(k + 1) * c.n;
	}
	for (unsigned i = 0; i < c.n; i++) {
		/* In the middle of the second that it is about. */
		c.time_s[i] = at_s + r->seconds[i].length_s / 2;
		at_s += r->seconds[i].length_s;
		for (unsigned k = 0; k < COURSES; k++) {
			c.columns[k][i] = value_of(&r->seconds[i], (enum course)k);
		}
	}
	return c;
}

static void add_course(
    struct plot *p, const struct course_columns *c, enum course what, const char *name)
{
	bool any = false;

	for (unsigned i = 0; i < c->n; i++) {
		any = any || c->columns[what][i] > 0;
	}
	if (any) {
		p->series[p->n_series++] = (struct plot_series){
			.name = name, .x = c->time_s, .y = c->columns[what], .n = c->n
		};
	}
}

static void put_courses(const struct load_result *r, struct buf *out)
{
	struct course_columns c = columns_of(r);
	struct plot rates = { .title = "Activities a second",
		.x_name = "time of the run",
		.x_quantity = QUANTITY_SECONDS,
		.x_from_zero = true,
		.y_from_zero = true };
	struct plot latency = { .title = "Latency of activities over time",
		.x_name = "time of the run",
		.x_quantity = QUANTITY_SECONDS,
		.x_from_zero = true,
		.y_quantity = QUANTITY_MS,
		.y_log = true };

	add_course(&rates, &c, COURSE_BEGUN, "begun");
	add_course(&rates, &c, COURSE_DONE, "done");
	add_course(&rates, &c, COURSE_REFUSED, "refused");
	add_course(&rates, &c, COURSE_FAILED, "failed");
	add_course(&latency, &c, COURSE_P50, "half within");
	add_course(&latency, &c, COURSE_P99, "99 of 100 within");
	plot_put(&rates, out);
	plot_put(&latency, out);
	free(c.time_s);
}

/* ---- latency by share ---- */

enum {
	RANKS = 40
};

/* Latency at 0 %, 50 %, ... 99.99 %, as far as two activities or more were slower. */
static unsigned ranks_of(const struct hdr *h, double *rank, double *ms)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RANKS; i++) {
		double r = pow(10, i * 4.0 / (RANKS - 1));
		if (h->count < 2 || r > (double)h->count / 2) {
			break;
		}
		rank[n] = r;
		ms[n++] = fmax(ms_of(h, 1 - 1 / r), 0.001);
	}
	return n;
}

static void put_shares(const struct load_result *r, struct buf *out)
{
	static double rank[PLOT_SERIES_MAX][RANKS], ms[PLOT_SERIES_MAX][RANKS];
	struct plot p = { .title = "Latency by share of the activities",
		.x_quantity = QUANTITY_RANK,
		.x_log = true,
		.y_quantity = QUANTITY_MS,
		.y_log = true,
		.x_name = "so many were faster" };

	for (unsigned i = 0; i < r->n_activities && p.n_series < PLOT_SERIES_MAX; i++) {
		unsigned k = p.n_series;
		unsigned n = ranks_of(&r->activities[i].latency, rank[k], ms[k]);
		if (n > 1) {
			p.series[p.n_series++] = (struct plot_series){
				.name = r->activities[i].name, .x = rank[k], .y = ms[k], .n = n
			};
		}
	}
	plot_put(&p, out);
}

/* ---- tables ---- */

static void cell_count(struct report_table *t, uint64_t n, bool bad)
{
	if (bad && n > 0) {
		report_cell_bad(t, "%llu", number(n));
	} else {
		report_cell(t, "%llu", number(n));
	}
}

static void put_activities(const struct load_result *r, struct buf *out)
{
	static const char *const columns[] = { "<activity", "planned/s", "begun/s", "done",
		"refused", "failed", "p50 ms", "p90 ms", "p99 ms", "max ms" };

	report_section(out, "Activities");
	struct report_table t =
	    report_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned i = 0; i < r->n_activities; i++) {
		const struct load_activity *a = &r->activities[i];
		report_cell(&t, "%s", a->name);
		report_cell(&t, "%.2f", a->per_second);
		report_cell(&t, "%.2f", r->elapsed_s > 0 ? (double)a->begun / r->elapsed_s : 0);
		cell_count(&t, a->done, false);
		cell_count(&t, a->refused, true);
		cell_count(&t, a->failed, true);
		static const double points[] = { 0.5, 0.9, 0.99, 1 };
		for (unsigned k = 0; k < 4; k++) {
			report_cell(&t, "%.1f", ms_of(&a->latency, points[k]));
		}
	}
	report_table_end(&t);
}

static void put_steps(const struct load_result *r, struct buf *out)
{
	static const char *const columns[] = { "<activity", "<step", "done", "refused", "failed",
		"latency p50 ms", "p99 ms", "service p50 ms", "p99 ms" };

	report_section(out, "Steps");
	struct report_table t =
	    report_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned i = 0; i < r->n_activities; i++) {
		const struct load_activity *a = &r->activities[i];
		for (unsigned k = 0; k < a->n_steps; k++) {
			const struct load_step *s = &a->steps[k];
			report_cell(&t, "%s", k == 0 ? a->name : "");
			report_cell(&t, "%s", s->name);
			cell_count(&t, s->done, false);
			cell_count(&t, s->refused, true);
			cell_count(&t, s->failed, true);
			report_cell(&t, "%.1f", ms_of(&s->latency, 0.5));
			report_cell(&t, "%.1f", ms_of(&s->latency, 0.99));
			report_cell(&t, "%.1f", ms_of(&s->service, 0.5));
			report_cell(&t, "%.1f", ms_of(&s->service, 0.99));
		}
	}
	report_table_end(&t);
	report_text(out,
	    "Latency counts from the moment a request should have been sent, service from "
	    "the moment it was.");
}

/* ---- target, model, machine ---- */

/* Cores of each role between two looks; those that used next to nothing are left out. */
static void put_use_course(const struct load_result *r, struct buf *out)
{
	struct plot p = { .title = "Cores used by each role over time",
		.x_name = "time of the run",
		.x_quantity = QUANTITY_SECONDS,
		.x_from_zero = true,
		.y_from_zero = true };
	unsigned n = r->n_uses > 1 ? r->n_uses - 1 : 0;
	double *columns = calloc((size_t)(PLOT_SERIES_MAX + 1) * n + 1, sizeof(*columns));

	for (unsigned i = 0; columns != NULL && i < n; i++) {
		columns[i] = (r->uses[i].at_s + r->uses[i + 1].at_s) / 2;
	}
	for (unsigned k = 0; columns != NULL && k < r->n_roles && p.n_series < PLOT_SERIES_MAX;
	     k++) {
		double *cores = columns + (size_t)(p.n_series + 1) * n;
		if (r->roles[k].cpu_s < 0.002 * r->watched_s) {
			continue;
		}
		for (unsigned i = 0; i < n; i++) {
			double length_s = r->uses[i + 1].at_s - r->uses[i].at_s;
			cores[i] = length_s > 0
				       ? (r->uses[i + 1].cpu_s[k] - r->uses[i].cpu_s[k]) / length_s
				       : (double)NAN;
		}
		p.series[p.n_series++] = (struct plot_series){
			.name = r->roles[k].name, .x = columns, .y = cores, .n = n
		};
	}
	plot_put(&p, out);
	free(columns);
}

static void put_target(const struct load_result *r, struct buf *out)
{
	struct bar rows[LOAD_ROLES_MAX];
	struct bars b = { .title = "Cores used by each role", .n_parts = 1, .rows = rows };
	const struct interval cost = load_use_cost_us(r);
	double cpu_s = 0;

	if (r->n_roles == 0 || r->watched_s <= 0) {
		return;
	}
	for (unsigned i = 0; i < r->n_roles; i++) {
		rows[b.n_rows++] =
		    (struct bar){ r->roles[i].name, { r->roles[i].cpu_s / r->watched_s }, 0, 0 };
		cpu_s += r->roles[i].cpu_s;
	}
	report_section(out, "The target");
	bars_put(&b, out);
	put_use_course(r, out);
	report_text(out, "Together %.2f cores.", cpu_s / r->watched_s);
	if (cost.value > 0) {
		struct buf interval = buf_new(128);
		if (cost.known) {
			buf_printf(
			    &interval, " (95 %%: %.3f to %.3f)", cost.low / 1000, cost.high / 1000);
		}
		report_text(out,
		    "An activity of this mix took %.3f ms of processor%.*s. What each kind costs in "
		    "each role, plimsoll line finds out.",
		    cost.value / 1000, SLICE_ARG(buf_slice(&interval)));
		buf_free(&interval);
	}
}

static void put_model(const struct load_result *r, struct buf *out)
{
	static const char *const columns[] = { "<number", "value", "<why" };
	static const char *const activity_columns[] = { "<activity", "a day and user", "<why" };
	const struct model *m = r->model;

	report_section(out, "The model");
	report_text(out, "%s: %s.%s%s", m->name, m->about,
	    r->plan.preset == NULL ? "" : " Rates are the published ones of preset ",
	    r->plan.preset == NULL ? "" : r->plan.preset->name);
	if (m->n_values > 0) {
		struct report_table t = report_table_begin(out, columns, 3);
		for (unsigned i = 0; i < m->n_values; i++) {
			report_cell(&t, "%s", m->values[i].name);
			report_cell(&t, "%.4g", m->values[i].value);
			report_cell(&t, "%s", m->values[i].why);
		}
		report_table_end(&t);
	}
	struct report_table t = report_table_begin(out, activity_columns, 3);
	for (unsigned i = 0; i < m->n_activities; i++) {
		double rate = model_rate(m, r->plan.preset, i, 1);
		report_cell(&t, "%s", m->activities[i].name);
		report_cell(&t, "%.4g", rate * MODEL_DAY_S);
		report_cell(&t, "%s", m->activities[i].why);
	}
	report_table_end(&t);
}

static void put_generator(const struct load_result *r, struct buf *out)
{
	const struct machine m = machine_read();
	double wall_s = r->elapsed_s + r->plan.warm_up_s;

	report_section(out, "The generator and its machine");
	report_text(out, "%u cores of %s, %.1f GB of memory, %s.", m.cores,
	    m.cpu[0] == '\0' ? "an unnamed processor" : m.cpu, (double)m.memory_bytes / 1e9,
	    m.kernel);
	report_text(out,
	    "Requests left late by %.3f ms (p50), %.3f ms (p99), at most %.3f ms. It used %.0f %% of a "
	    "core, made %llu connections, and had at most %u activities at once.",
	    ms_of(&r->lateness, 0.5), ms_of(&r->lateness, 0.99), (double)r->lateness.max_us / 1000,
	    wall_s > 0 ? r->cpu_s / wall_s * 100 : 0, number(r->connections), r->running_max);
}

/* ---- what to know ---- */

static void put_doubts(const struct load_result *r, struct buf *out)
{
	if (r->n_void > 0) {
		report_verdict(out, REPORT_BAD,
		    "Void: the generator itself was the limit; these figures are its own as much "
		    "as the target's.");
		report_list_begin(out);
		for (unsigned i = 0; i < r->n_void; i++) {
			report_list_item(out, "%s", r->causes[i]);
		}
		report_list_end(out);
	}
	if (r->n_failures > 0) {
		report_verdict(out, REPORT_BAD, "Failures:");
		report_list_begin(out);
		for (unsigned i = 0; i < r->n_failures; i++) {
			report_list_item(out, "%llu times: %s", number(r->failures[i].count),
			    r->failures[i].text);
		}
		report_list_end(out);
	}
}

static void put_slos(const struct load_result *r, struct buf *out)
{
	static const char *const columns[] = { "<threshold", "measured", "<" };

	if (r->plan.n_slos == 0) {
		return;
	}
	bool met = slo_all_met(r);
	report_verdict(out, met ? REPORT_GOOD : REPORT_BAD,
	    met ? "All thresholds were met." : "Thresholds were missed.");
	struct report_table t = report_table_begin(out, columns, 3);
	for (unsigned i = 0; i < r->plan.n_slos; i++) {
		const struct slo *s = &r->plan.slos[i];
		struct slo_result result = slo_judge_run(s, r);
		struct buf value = buf_new(64);
		slo_put_value(s, &result, &value);
		report_cell(&t, "%s", s->text);
		report_cell(&t, "%.*s", SLICE_ARG(buf_slice(&value)));
		(result.met ? report_cell : report_cell_bad)(&t, result.met ? "met" : "missed");
		buf_free(&value);
	}
	report_table_end(&t);
}

static void put_caveats(const struct load_result *r, struct buf *out)
{
	char texts[LOAD_CAVEATS_MAX][LOAD_TEXT_BYTES];
	unsigned n = load_sum_caveats(r, texts);

	report_section(out, "To bear in mind");
	report_list_begin(out);
	for (unsigned i = 0; i < n; i++) {
		report_list_item(out, "%s", texts[i]);
	}
	report_list_end(out);
}

/* A sentence that a function writes, as a text. */
static const char *sentence(const struct load_result *r,
    void (*write)(const struct load_result *, struct buf *), const char *end, struct buf *out)
{
	write(r, out);
	buf_append_str(out, end);
	buf_append_char(out, '\0');
	return out->failed ? "" : out->data;
}

void load_report_html(const struct load_result *r, struct buf *out)
{
	struct buf title = buf_new(4096), lead = buf_new(4096), how = buf_new(4096);

	buf_printf(&title, "Load of %s", r->model->name);
	buf_append_char(&title, '\0');
	report_begin(
	    out, title.failed ? "Load" : title.data, sentence(r, load_sum_sentence, ".", &lead));
	report_text(out, "%s", sentence(r, load_report_headline, ".", &how));
	put_doubts(r, out);
	put_slos(r, out);
	put_courses(r, out);
	put_shares(r, out);
	put_activities(r, out);
	put_steps(r, out);
	put_target(r, out);
	put_caveats(r, out);
	put_model(r, out);
	put_generator(r, out);
	report_end(out);
	buf_free(&title);
	buf_free(&lead);
	buf_free(&how);
}
