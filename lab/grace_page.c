/*
 * The section of grace on the page of a line: goodput up and down, how long the served and the
 * refused wait, the way back.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lab/grace.h"
#include "lab/plot.h"
#include "lab/report_parts.h"
#include "lab/result_json.h"

enum {
	WORD_BYTES = 16
};

struct way {
	double offered[GRACE_LOADS_MAX], good[GRACE_LOADS_MAX];
	double served[GRACE_LOADS_MAX], refused[GRACE_LOADS_MAX]; /* p99, ms */
	unsigned n;
};

static double p99_ms(const struct json *step, const char *what)
{
	return result_get_real(json_member(step, what), "p99_us") / 1000;
}

static bool is_down(const struct json *step)
{
	char text[WORD_BYTES];

	result_get_text(json_member(step, "direction"), text, sizeof(text));
	return strcmp(text, "down") == 0;
}

/* The steps of one direction by rising load. */
static void read_way(const struct json *steps, bool down, struct way *w)
{
	size_t n = json_count(steps);

	for (size_t k = 0; k < n && w->n < GRACE_LOADS_MAX; k++) {
		const struct json *s = json_element(steps, down ? n - 1 - k : k);
		if (is_down(s) != down) {
			continue;
		}
		w->offered[w->n] = result_get_real(s, "offered_per_second");
		w->good[w->n] = result_get_real(s, "good_per_second");
		w->served[w->n] = p99_ms(s, "served");
		w->refused[w->n++] = p99_ms(s, "refusals");
	}
}

static void add_series(struct plot *p, const char *name, const struct way *w, const double *y)
{
	p->series[p->n_series++] =
	    (struct plot_series){ .name = name, .x = w->offered, .y = y, .n = w->n, .dots = true };
}

static void put_curve(const struct json *curve, struct buf *out)
{
	const struct json *steps = json_member(curve, "steps");
	struct way up = { .n = 0 }, down = { .n = 0 };
	struct plot good = { .title = "Goodput over what is offered, activities a second",
		.x_name = "offered a second",
		.x_from_zero = true,
		.y_from_zero = true };
	struct plot waits = { .title = "99 of 100 within, over what is offered",
		.x_name = "offered a second",
		.x_from_zero = true,
		.y_log = true,
		.y_quantity = QUANTITY_MS };

	read_way(steps, false, &up);
	read_way(steps, true, &down);
	add_series(&good, "up", &up, up.good);
	add_series(&good, "and down", &down, down.good);
	plot_put(&good, out);
	add_series(&waits, "served, up", &up, up.served);
	add_series(&waits, "served, down", &down, down.served);
	add_series(&waits, "refusals, up", &up, up.refused);
	add_series(&waits, "refusals, down", &down, down.refused);
	plot_put(&waits, out);
	report_text(out,
	    "Good is an activity whose steps were all right, each within %.3g s. The way down lies %.1f %% from the way up.",
	    result_get_real(curve, "deadline_ms") / 1000,
	    result_get_real(curve, "hysteresis_area") * 100);
}

static void put_rows(const struct json *curve, struct buf *out)
{
	static const char *const columns[] = { "<way", "load", "offered/s", "good/s", "of peak %",
		"refused", "failed", "late", "p99 ms", "refusal p99 ms", "Jain", "if even" };
	const struct json *steps = json_member(curve, "steps");
	struct report_table t = report_table_begin(out, columns, 12);

	for (size_t i = 0; i < json_count(steps); i++) {
		const struct json *s = json_element(steps, i);
		report_cell(&t, "%s", is_down(s) ? "down" : "up");
		report_cell(&t, "%.4g", result_get_real(s, "load"));
		report_cell_real(&t, result_get_real(s, "offered_per_second"), 1);
		report_cell_real(&t, result_get_real(s, "good_per_second"), 1);
		report_cell_real(&t, result_get_real(s, "good_of_peak") * 100, 1);
		report_cell_count(&t, result_get_count(s, "refused"), false);
		report_cell_count(
		    &t, result_get_count(s, "failed") + result_get_count(s, "missed"), true);
		report_cell_count(&t, result_get_count(s, "late"), true);
		report_cell_real(&t, p99_ms(s, "served"), 1);
		report_cell_real(&t, p99_ms(s, "refusals"), 1);
		report_cell_real(&t, result_get_real(s, "jain"), 3);
		report_cell_real(&t, result_get_real(s, "jain_even"), 3);
	}
	report_table_end(&t);
}

static void put_response(const struct json *response, struct buf *out)
{
	double settled = result_get_real(response, "settled_ms"),
	       bound = result_get_real(response, "bound_us") / 1000;

	if (isfinite(settled)) {
		report_text(out,
		    "From %.2g to %.2g times saturation at once: behind %.0f ms those who are served wait less than %.1f ms again.",
		    result_get_real(response, "from_load"), result_get_real(response, "to_load"),
		    settled, bound);
	} else {
		report_verdict(out, REPORT_BAD,
		    "From %.2g to %.2g times saturation at once: those who are served do not come back below %.1f ms.",
		    result_get_real(response, "from_load"), result_get_real(response, "to_load"),
		    bound);
	}
}

static void put_seconds(const struct json *seconds, struct buf *out)
{
	size_t n = json_count(seconds);
	double *x = calloc(3 * n + 1, sizeof(*x)), *due = x + n, *good = due + n;
	struct plot p = { .title = "Peaks: due and good, by the second in which it was due",
		.x_name = "s",
		.y_from_zero = true };

	if (x == NULL) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		const struct json *s = json_element(seconds, i);
		x[i] = (double)i;
		due[i] = result_get_real(s, "due");
		good[i] = result_get_real(s, "good");
	}
	p.series[p.n_series++] =
	    (struct plot_series){ .name = "due", .x = x, .y = due, .n = (unsigned)n };
	p.series[p.n_series++] =
	    (struct plot_series){ .name = "good", .x = x, .y = good, .n = (unsigned)n };
	plot_put(&p, out);
	free(x);
}

static void put_recovery(const struct json *recovery, struct buf *out)
{
	uint64_t peaks = result_get_count(recovery, "peaks"),
		 recovered = result_get_count(recovery, "recovered");
	double longest = result_get_real(recovery, "longest_seconds");

	report_verdict(out, recovered == peaks ? REPORT_GOOD : REPORT_BAD,
	    "%llu of %llu peaks of %.3g times saturation, by clients who try again, were over behind them; it took %.0f s at the longest.",
	    (unsigned long long)recovered, (unsigned long long)peaks,
	    result_get_real(recovery, "peak_load"), isfinite(longest) ? longest : 0);
	put_seconds(json_member(recovery, "seconds"), out);
}

static bool is_known(const struct json *v)
{
	return v != NULL && json_kind(v) == JSON_KIND_OBJECT;
}

void grace_page_put(const struct json *grace, struct buf *out)
{
	if (!is_known(grace)) {
		return;
	}
	const struct json *curve = json_member(grace, "curve"),
			  *response = json_member(grace, "response"),
			  *recovery = json_member(grace, "recovery");
	report_section(out, "Far beyond the line");
	if (is_known(curve)) {
		put_curve(curve, out);
		put_rows(curve, out);
	}
	if (is_known(response)) {
		put_response(response, out);
	}
	if (is_known(recovery)) {
		put_recovery(recovery, out);
	}
}
