/*
 * A comparison as text, JSON and page.
 */
#include <stdio.h>

#include "lab/diff.h"
#include "lab/quantity.h"
#include "lab/report.h"
#include "lab/result_json.h"

static const char *const what_texts[] = { [DIFF_P50] = "p50",
	[DIFF_P90] = "p90",
	[DIFF_P99] = "p99",
	[DIFF_ERRORS] = "errors",
	[DIFF_COST] = "CPU" };
static const char *const verdict_names[] = { [DIFF_UNKNOWN] = "unknown",
	[DIFF_SAME] = "same",
	[DIFF_BETTER] = "better",
	[DIFF_WORSE] = "worse" };
static const char *const verdict_texts[] = { [DIFF_UNKNOWN] = "too little to tell",
	[DIFF_SAME] = "no difference shown",
	[DIFF_BETTER] = "better",
	[DIFF_WORSE] = "WORSE" };

static void put_value(const struct diff_row *row, double value, struct buf *out)
{
	if (row->what == DIFF_ERRORS) {
		quantity_put(QUANTITY_SHARE, value, out);
	} else {
		quantity_put(QUANTITY_MS, value / 1000, out);
	}
}

static void put_percent(double value, struct buf *out)
{
	buf_printf(out, "%+.1f", value * 100);
}

/* "+12.0 % (+8.1 to +15.9)"; of errors in points. */
static void put_change(const struct diff_row *row, struct buf *out)
{
	double base = row->what == DIFF_ERRORS ? 0 : 1;

	put_percent(row->change.value - base, out);
	buf_append_str(out, row->what == DIFF_ERRORS ? " points" : " %");
	if (row->change.known) {
		buf_append_str(out, " (");
		put_percent(row->change.low - base, out);
		buf_append_str(out, " to ");
		put_percent(row->change.high - base, out);
		buf_append_char(out, ')');
	}
}

struct row_texts {
	struct buf a, b, change;
};

static struct row_texts texts_of(const struct diff_row *row)
{
	struct row_texts t = { buf_new(64), buf_new(64), buf_new(128) };

	put_value(row, row->a.value, &t.a);
	put_value(row, row->b.value, &t.b);
	put_change(row, &t.change);
	return t;
}

static void free_texts(struct row_texts *t)
{
	buf_free(&t->a);
	buf_free(&t->b);
	buf_free(&t->change);
}

static const char closing[] = "All comparisons together are wrong once in a hundred times at most, "
			      "as far as what is in the runs can tell. Two runs of the same thing "
			      "differ by more: let them take turns, and look at several.";

void diff_text(const struct diff *d, struct buf *out)
{
	buf_printf(
	    out, "  %-24s %-7s %12s %12s  %-30s %s\n", "activity", "", "A", "B", "change", "");
	for (unsigned i = 0; i < d->n_rows; i++) {
		const struct diff_row *row = &d->rows[i];
		struct row_texts t = texts_of(row);
		buf_printf(out, "  %-24s %-7s %12.*s %12.*s  %-30.*s %s\n", row->activity,
		    what_texts[row->what], SLICE_ARG(buf_slice(&t.a)), SLICE_ARG(buf_slice(&t.b)),
		    SLICE_ARG(buf_slice(&t.change)), verdict_texts[row->verdict]);
		free_texts(&t);
	}
	for (unsigned i = 0; i < d->n_notes; i++) {
		buf_printf(out, "%s%s\n", i == 0 ? "\n" : "", d->notes[i]);
	}
	buf_printf(out, "\n%s\n", closing);
}

void diff_json(const struct diff *d, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	result_put_text(&w, "format", "plimsoll-diff");
	result_put_flag(&w, "worse", d->worse);
	json_put_name(&w, SLICE("rows"));
	json_begin_array(&w);
	for (unsigned i = 0; i < d->n_rows; i++) {
		const struct diff_row *row = &d->rows[i];
		json_begin_object(&w);
		result_put_text(&w, "activity", row->activity);
		result_put_text(&w, "what", what_texts[row->what]);
		result_put_interval(&w, "a", &row->a);
		result_put_interval(&w, "b", &row->b);
		result_put_interval(&w, "change", &row->change);
		result_put_text(&w, "verdict", verdict_names[row->verdict]);
		json_end_object(&w);
	}
	json_end_array(&w);
	json_put_name(&w, SLICE("notes"));
	json_begin_array(&w);
	for (unsigned i = 0; i < d->n_notes; i++) {
		json_put_string(&w, slice_str(d->notes[i]));
	}
	json_end_array(&w);
	json_end_object(&w);
	buf_append_char(out, '\n');
}

void diff_html(const struct diff *d, const char *a, const char *b, struct buf *out)
{
	static const char *const columns[] = { "<activity", "<", "A", "B", "change", "<" };
	char headline[512];

	(void)snprintf(headline, sizeof(headline), "A is %.200s, B is %.200s.", a, b);
	report_begin(out, "Two load runs compared", headline);
	report_verdict(out, d->worse ? REPORT_BAD : REPORT_GOOD, "%s",
	    d->worse ? "B is worse in what is marked."
		     : "B is worse in nothing that these runs show.");
	if (d->n_notes > 0) {
		report_list_begin(out);
		for (unsigned i = 0; i < d->n_notes; i++) {
			report_list_item(out, "%s", d->notes[i]);
		}
		report_list_end(out);
	}
	struct report_table table = report_table_begin(out, columns, 6);
	for (unsigned i = 0; i < d->n_rows; i++) {
		const struct diff_row *row = &d->rows[i];
		struct row_texts t = texts_of(row);
		report_cell(&table, "%s", row->activity);
		report_cell(&table, "%s", what_texts[row->what]);
		report_cell(&table, "%.*s", SLICE_ARG(buf_slice(&t.a)));
		report_cell(&table, "%.*s", SLICE_ARG(buf_slice(&t.b)));
		report_cell(&table, "%.*s", SLICE_ARG(buf_slice(&t.change)));
		(row->verdict == DIFF_WORSE ? report_cell_bad : report_cell)(
		    &table, "%s", verdict_texts[row->verdict]);
		free_texts(&t);
	}
	report_table_end(&table);
	report_text(out, "%s", closing);
	report_end(out);
}
