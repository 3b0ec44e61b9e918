/*
 * One page that can be mailed: style inline, plots as SVG, no script, no network. Readable in light
 * and dark, on a phone, printed.
 */
#include "core/base/enc.h"
#include "lab/load_report.h"

enum {
	WIDTH = 720,
	HEIGHT = 180,
	LEFT = 56,
	BOTTOM = 22,
};

static const char style[] =
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}table{border-collapse:collapse;font-size:.85rem}td,th{padding:.2rem .6rem;text-align:right;"
    "border-bottom:1px solid #8884}td:first-child,th:first-child{text-align:left}div{overflow-x:auto}"
    "svg{width:100%;height:auto}svg text{font:11px system-ui,sans-serif;fill:currentColor}"
    ".void{border-left:.4rem solid #c33;padding-left:1rem}.axis{stroke:#8886}polyline{fill:none;stroke-width:1.5}"
    "@media(max-width:600px){svg text{font-size:20px}}"
    ".a{stroke:#27c}.b{stroke:#c60}.ka{color:#27c}.kb{color:#c60}";

static void put_escaped(struct buf *out, const char *text)
{
	enc_html(out, slice_str(text));
}

/* A value of a second, for a line of a plot. */
typedef double second_fn(const struct load_second *s);

static double begun(const struct load_second *s)
{
	return s->begun / s->length_s;
}

static double done(const struct load_second *s)
{
	return s->done / s->length_s;
}

static double p50_ms(const struct load_second *s)
{
	return (double)s->p50_us / 1000;
}

static double p99_ms(const struct load_second *s)
{
	return (double)s->p99_us / 1000;
}

static double largest(const struct load_result *r, second_fn *a, second_fn *b)
{
	double top = 1;

	for (unsigned i = 0; i < r->n_seconds; i++) {
		double x = a(&r->seconds[i]), y = b(&r->seconds[i]);
		top = x > top ? x : top;
		top = y > top ? y : top;
	}
	return top;
}

static void put_line(
    const struct load_result *r, second_fn *value, double top, const char *class, struct buf *out)
{
	unsigned last = r->n_seconds > 1 ? r->n_seconds - 1 : 1;

	buf_printf(out, "<polyline class=\"%s\" points=\"", class);
	for (unsigned i = 0; i < r->n_seconds; i++) {
		double x = LEFT + (double)(WIDTH - LEFT) * i / last;
		double y = (HEIGHT - BOTTOM) * (1 - value(&r->seconds[i]) / top);
		buf_printf(out, "%.1f,%.1f ", x, y);
	}
	buf_append_str(out, "\"/>");
}

/* Two lines over the seconds of the run, from 0 to the largest value. */
static void put_plot(const struct load_result *r, const char *title, const char *name_a,
    second_fn *a, const char *name_b, second_fn *b, struct buf *out)
{
	double top = largest(r, a, b);

	buf_printf(out,
	    "<h2>%s</h2><p><b class=\"ka\">%s</b> &nbsp; <b class=\"kb\">%s</b></p>"
	    "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
	    title, name_a, name_b, WIDTH, HEIGHT, title);
	for (int i = 0; i <= 2; i++) {
		double y = (HEIGHT - BOTTOM) * (1 - i / 2.0);
		buf_printf(out,
		    "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
		    "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.4g</text>",
		    LEFT, WIDTH, y, y, LEFT - 6, y < 10 ? 10 : y, top * i / 2);
	}
	put_line(r, a, top, "a", out);
	put_line(r, b, top, "b", out);
	buf_printf(out,
	    "<text x=\"%d\" y=\"%d\">0 s</text><text x=\"%d\" y=\"%d\" text-anchor=\"end\">%u s</text></svg>\n",
	    LEFT, HEIGHT - 4, WIDTH, HEIGHT - 4, r->n_seconds);
}

static void put_cells(const char *const *names, unsigned n, struct buf *out)
{
	buf_append_str(out, "<div><table><tr>");
	for (unsigned i = 0; i < n; i++) {
		buf_printf(out, "<th>%s</th>", names[i]);
	}
	buf_append_str(out, "</tr>\n");
}

static void put_activities(const struct load_result *r, struct buf *out)
{
	static const char *const names[] = { "activity", "planned/s", "begun/s", "done", "refused",
		"failed", "p50 ms", "p90 ms", "p99 ms", "max ms" };

	buf_append_str(out, "<h2>Activities</h2>");
	put_cells(names, sizeof(names) / sizeof(names[0]), out);
	for (unsigned i = 0; i < r->n_activities; i++) {
		const struct load_activity *a = &r->activities[i];
		buf_append_str(out, "<tr><td>");
		put_escaped(out, a->name);
		buf_printf(out,
		    "</td><td>%.2f</td><td>%.2f</td><td>%llu</td><td>%llu</td><td>%llu</td>",
		    a->per_second, r->elapsed_s > 0 ? (double)a->begun / r->elapsed_s : 0,
		    (unsigned long long)a->done, (unsigned long long)a->refused,
		    (unsigned long long)a->failed);
		static const double points[] = { 0.5, 0.9, 0.99, 1 };
		for (unsigned k = 0; k < 4; k++) {
			buf_printf(out, "<td>%.1f</td>",
			    (double)hdr_quantile_us(&a->latency, points[k]) / 1000);
		}
		buf_append_str(out, "</tr>\n");
	}
	buf_append_str(out, "</table></div>\n");
}

static void put_steps(const struct load_result *r, struct buf *out)
{
	static const char *const names[] = { "step", "done", "refused", "failed", "latency p50 ms",
		"latency p99 ms", "service p50 ms", "service p99 ms" };

	buf_append_str(out, "<h2>Steps</h2>");
	put_cells(names, sizeof(names) / sizeof(names[0]), out);
	for (unsigned i = 0; i < r->n_activities; i++) {
		const struct load_activity *a = &r->activities[i];
		for (unsigned k = 0; k < a->n_steps; k++) {
			const struct load_step *s = &a->steps[k];
			buf_append_str(out, "<tr><td>");
			put_escaped(out, a->name);
			buf_append_str(out, ": ");
			put_escaped(out, s->name);
			buf_printf(out,
			    "</td><td>%llu</td><td>%llu</td><td>%llu</td><td>%.1f</td><td>%.1f</td><td>%.1f</td><td>%.1f</td></tr>\n",
			    (unsigned long long)s->done, (unsigned long long)s->refused,
			    (unsigned long long)s->failed,
			    (double)hdr_quantile_us(&s->latency, 0.5) / 1000,
			    (double)hdr_quantile_us(&s->latency, 0.99) / 1000,
			    (double)hdr_quantile_us(&s->service, 0.5) / 1000,
			    (double)hdr_quantile_us(&s->service, 0.99) / 1000);
		}
	}
	buf_append_str(out,
	    "</table></div><p>Latency counts from the moment a request should have been sent, "
	    "service from the moment it was.</p>\n");
}

static void put_target(const struct load_result *r, struct buf *out)
{
	static const char *const names[] = { "role", "processes", "cores used" };

	if (r->n_roles == 0 || r->watched_s <= 0) {
		return;
	}
	buf_append_str(out, "<h2>The target</h2>");
	put_cells(names, sizeof(names) / sizeof(names[0]), out);
	for (unsigned i = 0; i < r->n_roles; i++) {
		buf_append_str(out, "<tr><td>");
		put_escaped(out, r->roles[i].name);
		buf_printf(out, "</td><td>%u</td><td>%.3f</td></tr>\n", r->roles[i].processes,
		    r->roles[i].cpu_s / r->watched_s);
	}
	buf_append_str(out, "</table></div>\n");
}

static void put_population(const struct model *m, struct buf *out)
{
	buf_append_str(out, "<h2>The model</h2><p>");
	put_escaped(out, m->about);
	buf_append_str(out, "</p><ul>\n");
	for (unsigned i = 0; i < m->n_values; i++) {
		buf_append_str(out, "<li>");
		put_escaped(out, m->values[i].name);
		buf_printf(out, " = %.6g: ", m->values[i].value);
		put_escaped(out, m->values[i].why);
		buf_append_str(out, "</li>\n");
	}
	buf_append_str(out, "</ul>\n");
}

static void put_doubts(const struct load_result *r, struct buf *out)
{
	if (r->n_void > 0) {
		buf_append_str(out,
		    "<div class=\"void\"><h2>Void</h2><p>The generator itself was the limit; "
		    "these figures are its own as much as the target's.</p><ul>");
		for (unsigned i = 0; i < r->n_void; i++) {
			buf_append_str(out, "<li>");
			put_escaped(out, r->causes[i]);
			buf_append_str(out, "</li>");
		}
		buf_append_str(out, "</ul></div>\n");
	}
	if (r->n_failures > 0) {
		buf_append_str(out, "<h2>Failures</h2><ul>");
		for (unsigned i = 0; i < r->n_failures; i++) {
			buf_printf(
			    out, "<li>%llu times: ", (unsigned long long)r->failures[i].count);
			put_escaped(out, r->failures[i].text);
			buf_append_str(out, "</li>");
		}
		buf_append_str(out, "</ul>\n");
	}
}

void load_report_html(const struct load_result *r, struct buf *out)
{
	struct buf headline = buf_new(4096);

	load_report_headline(r, &headline);
	buf_printf(out,
	    "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
	    "content=\"width=device-width\"><title>Load of %s</title><style>%s</style></head><body>\n<h1>Load of %s</h1>\n<p>",
	    r->model->name, style, r->model->name);
	enc_html(out, buf_slice(&headline));
	buf_printf(out, ".%s</p>\n", r->interrupted ? " Interrupted: up to then." : "");
	put_doubts(r, out);
	if (r->n_seconds > 0) {
		put_plot(r, "Activities a second", "begun", begun, "done", done, out);
		put_plot(r, "Latency of activities, ms", "half of them", p50_ms, "99 of 100",
		    p99_ms, out);
	}
	put_activities(r, out);
	put_steps(r, out);
	put_target(r, out);
	buf_printf(out,
	    "<h2>The generator</h2><p>Requests left late by %.3f ms (p99); it used %.2f s of processor in %.1f s; "
	    "%llu connections.</p>\n",
	    (double)hdr_quantile_us(&r->lateness, 0.99) / 1000, r->cpu_s, r->elapsed_s,
	    (unsigned long long)r->connections);
	put_population(r->model, out);
	buf_append_str(out, "</body></html>\n");
	buf_free(&headline);
}
