/*
 * A trend as text, JSON and page.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lab/plot.h"
#include "lab/report.h"
#include "lab/result_json.h"
#include "lab/trend.h"

enum {
	DATE_BYTES = 32
};

static const char *verdict_text(enum trend_verdict v)
{
	static const char *const texts[] = { [TREND_UNKNOWN] = "not known",
		[TREND_SAME] = "as before",
		[TREND_GREW] = "GREW",
		[TREND_SHRANK] = "shrank" };

	return texts[v];
}

static void put_date(int64_t at_ms, char out[DATE_BYTES])
{
	const time_t at_s = (time_t)(at_ms / 1000);
	struct tm tm;

	if (gmtime_r(&at_s, &tm) == NULL || strftime(out, DATE_BYTES, "%F %H:%M", &tm) == 0) {
		out[0] = '\0';
	}
}

static void put_interval(struct buf *out, const struct interval *us)
{
	if (us->known) {
		buf_printf(out, "%.3f to %.3f", fmax(0, us->low) / 1000, us->high / 1000);
	} else {
		buf_append_str(out, "-");
	}
}

/* "12 runs of persona, the newest of 2026-11-26 12:00, commit abc" */
static void put_headline(const struct trend *t, struct buf *out)
{
	char date[DATE_BYTES];

	if (t->newest == NULL) {
		buf_append_str(out, "there is no run that counts");
		return;
	}
	put_date(t->newest->at_ms, date);
	buf_printf(out,
	    "%zu of %zu runs may be compared (%s of %s%s%s, %u cores of %s); the newest is of %s",
	    t->n_like, t->n_records, t->newest->kind, t->newest->model,
	    t->newest->preset[0] == '\0' ? "" : ", preset ", t->newest->preset,
	    t->newest->machine.cores, t->newest->machine.cpu, date);
	if (t->newest->commit[0] != '\0') {
		buf_printf(out, ", commit %s", t->newest->commit);
	}
}

void trend_text(const struct trend *t, struct buf *out)
{
	put_headline(t, out);
	buf_printf(out, "\n\n  %-24s %12s %22s %22s  %s\n", "activity", "ms of CPU", "95 %",
	    "expected (95 %)", "");
	for (unsigned i = 0; i < t->n_rows; i++) {
		const struct trend_row *row = &t->rows[i];
		struct buf now = buf_new(64), expected = buf_new(64);
		put_interval(&now, &row->now);
		put_interval(&expected, &row->expected);
		buf_printf(out, "  %-24s %12.3f %22.*s %22.*s  %s\n", row->activity,
		    row->now.value / 1000, SLICE_ARG(buf_slice(&now)),
		    SLICE_ARG(buf_slice(&expected)), verdict_text(row->verdict));
		buf_free(&now);
		buf_free(&expected);
	}
	if (t->newest != NULL && t->n_rows == 0) {
		buf_append_str(out,
		    "  nothing is known of what an activity cost: the target was not watched (--admin)\n");
	}
}

/* ---- JSON ---- */

void trend_json(const struct trend *t, struct buf *out)
{
	static const char *const names[] = { [TREND_UNKNOWN] = "unknown",
		[TREND_SAME] = "same",
		[TREND_GREW] = "grew",
		[TREND_SHRANK] = "shrank" };
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	result_put_text(&w, "format", "plimsoll-trend");
	result_put_flag(&w, "grew", t->grew);
	result_put_count(&w, "compared", t->n_like);
	json_put_name(&w, SLICE("activities"));
	json_begin_array(&w);
	for (unsigned i = 0; i < t->n_rows; i++) {
		json_begin_object(&w);
		result_put_text(&w, "name", t->rows[i].activity);
		result_put_interval(&w, "cpu_us", &t->rows[i].now);
		result_put_interval(&w, "expected_us", &t->rows[i].expected);
		result_put_count(&w, "earlier", t->rows[i].n_earlier);
		result_put_text(&w, "verdict", names[t->rows[i].verdict]);
		json_end_object(&w);
	}
	json_end_array(&w);
	json_end_object(&w);
	buf_append_char(out, '\n');
}

/* ---- page ---- */

enum {
	POINTS_MAX = 400 /* the last so many */
};

static void put_plot(const struct trend *t, const struct trend_row *row, struct buf *out)
{
	static double x[POINTS_MAX], y[POINTS_MAX], low[POINTS_MAX], high[POINTS_MAX];
	struct plot p = { .title = row->activity,
		.x_name = "run",
		.y_quantity = QUANTITY_MS,
		.y_from_zero = true,
		.n_series = 1 };
	unsigned n = 0;

	for (size_t i = 0; i < t->n_records && n < POINTS_MAX; i++) {
		const struct record *r = &t->records[i];
		for (unsigned k = 0; trend_compares(t->newest, r) && k < r->n_costs; k++) {
			const struct record_cost *c = &r->costs[k];
			if (strcmp(c->activity, row->activity) == 0) {
				x[n] = n + 1;
				y[n] = c->us.value / 1000;
				low[n] = c->us.low / 1000;
				high[n] = c->us.high / 1000;
				n++;
				break;
			}
		}
	}
	p.series[0] = (struct plot_series){ row->activity, x, y, low, high, n, true };
	if (row->expected.known) {
		p.marks[p.n_marks++] = (struct plot_mark){ row->expected.high / 1000,
			"as much was expected at most", true };
	}
	plot_put(&p, out);
}

static void put_rows(const struct trend *t, struct buf *out)
{
	static const char *const columns[] = { "<activity", "ms of processor", "95 %",
		"expected (95 %)", "earlier runs", "<" };

	struct report_table table =
	    report_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	for (unsigned i = 0; i < t->n_rows; i++) {
		const struct trend_row *row = &t->rows[i];
		struct buf now = buf_new(64), expected = buf_new(64);
		put_interval(&now, &row->now);
		put_interval(&expected, &row->expected);
		report_cell(&table, "%s", row->activity);
		report_cell(&table, "%.3f", row->now.value / 1000);
		report_cell(&table, "%.*s", SLICE_ARG(buf_slice(&now)));
		report_cell(&table, "%.*s", SLICE_ARG(buf_slice(&expected)));
		report_cell(&table, "%u", row->n_earlier);
		(row->verdict == TREND_GREW ? report_cell_bad : report_cell)(
		    &table, "%s", verdict_text(row->verdict));
		buf_free(&now);
		buf_free(&expected);
	}
	report_table_end(&table);
}

static void put_runs(const struct trend *t, struct buf *out)
{
	static const char *const columns[] = { "<when", "<commit", "<of", "<machine", "<" };

	report_section(out, "Runs");
	struct report_table table =
	    report_table_begin(out, columns, sizeof(columns) / sizeof(columns[0]));
	size_t from = t->n_records > POINTS_MAX ? t->n_records - POINTS_MAX : 0;
	for (size_t i = t->n_records; i-- > from;) {
		const struct record *r = &t->records[i];
		char date[DATE_BYTES];
		put_date(r->at_ms, date);
		report_cell(&table, "%s", date);
		report_cell(&table, "%s", r->commit);
		report_cell(&table, "%s of %s %s", r->kind, r->model, r->preset);
		report_cell(&table, "%u cores of %s", r->machine.cores, r->machine.cpu);
		report_cell(&table, "%s",
		    r->is_void			   ? "void or cut short: not compared"
		    : trend_compares(t->newest, r) ? ""
						   : "of another kind or machine: not compared");
	}
	report_table_end(&table);
}

void trend_html(const struct trend *t, const char *file, struct buf *out)
{
	struct buf headline = buf_new(4096);

	buf_printf(&headline, "%s: ", file);
	put_headline(t, &headline);
	buf_append_str(&headline, ".");
	buf_append_char(&headline, '\0');
	report_begin(out, "What activities cost, over time", headline.failed ? "" : headline.data);
	if (t->newest != NULL) {
		report_verdict(out, t->grew ? REPORT_BAD : REPORT_GOOD, "%s",
		    t->grew ? "An activity costs more than the runs before let expect."
			    : "No activity costs more than the runs before let expect.");
		put_rows(t, out);
		for (unsigned i = 0; i < t->n_rows; i++) {
			put_plot(t, &t->rows[i], out);
		}
		put_runs(t, out);
	}
	report_end(out);
	buf_free(&headline);
}
