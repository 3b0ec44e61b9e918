/*
 * The drawing is 1000 by 1000 units whatever its size is; strokes do not scale with it. A dot is a
 * line of no length with a round end, which stays round.
 */
#include "lab/plot.h"

#include <math.h>
#include <string.h>

#include "core/base/enc.h"

enum {
	UNITS = 1000,
	X_TICKS = 7,
	X_TICKS_OF_MONTHS = 5, /* "Nov 2026" is long on a phone */
	Y_TICKS = 6,
};

struct drawing {
	const struct plot *plot;
	struct axis x, y;
	struct buf *out;
};

/* ---- the axes ---- */

struct range {
	double low, high; /* low > high: empty */
};

static void widen(struct range *r, double value, bool log)
{
	if (isfinite(value) && (!log || value > 0)) {
		r->low = fmin(r->low, value);
		r->high = fmax(r->high, value);
	}
}

static bool is_empty(const struct range *r)
{
	return r->low > r->high;
}

/* What there is to show in x and y. */
static void find_ranges(const struct plot *p, struct range *ret_x, struct range *ret_y)
{
	*ret_x = *ret_y = (struct range){ (double)INFINITY, -(double)INFINITY };
	for (unsigned i = 0; i < p->n_series; i++) {
		const struct plot_series *s = &p->series[i];
		for (unsigned k = 0; k < s->n; k++) {
			widen(ret_x, s->x[k], p->x_log);
			widen(ret_y, s->y[k], p->y_log);
			if (s->low != NULL) {
				widen(ret_y, s->low[k], p->y_log);
				widen(ret_y, s->high[k], p->y_log);
			}
		}
	}
	bool any = !is_empty(ret_x) && !is_empty(ret_y);
	for (unsigned i = 0; any && i < p->n_marks; i++) {
		const struct plot_mark *m = &p->marks[i];
		widen(m->level ? ret_y : ret_x, m->at, m->level ? p->y_log : p->x_log);
	}
}

/* From the left and from the top, in units of the drawing. */
static double x_of(const struct drawing *d, double value)
{
	return axis_place(&d->x, value) * UNITS;
}

static double y_of(const struct drawing *d, double value)
{
	return (1 - axis_place(&d->y, value)) * UNITS;
}

static unsigned x_ticks(const struct drawing *d)
{
	return d->plot->x_quantity == QUANTITY_MONTH ? X_TICKS_OF_MONTHS : X_TICKS;
}

static void put_grid(const struct drawing *d)
{
	double ticks[TICKS_MAX];
	unsigned n = axis_ticks(&d->y, Y_TICKS, ticks);

	for (unsigned i = 0; i < n; i++) {
		double y = y_of(d, ticks[i]);
		buf_printf(d->out, "<path class=\"grid\" d=\"M0 %.1fH%d\"/>", y, UNITS);
	}
	n = axis_ticks(&d->x, x_ticks(d), ticks);
	for (unsigned i = 0; i < n; i++) {
		double x = x_of(d, ticks[i]);
		buf_printf(d->out, "<path class=\"grid\" d=\"M%.1f 0V%d\"/>", x, UNITS);
	}
	buf_printf(d->out, "<path class=\"axis\" d=\"M0 0V%dH%d\"/>", UNITS, UNITS);
}

static void put_labels(const struct drawing *d)
{
	double ticks[TICKS_MAX];
	unsigned n = axis_ticks(&d->y, Y_TICKS, ticks);

	for (unsigned i = 0; i < n; i++) {
		buf_printf(d->out, "<span class=\"y\" style=\"bottom:%.1f%%\">",
		    axis_place(&d->y, ticks[i]) * 100);
		quantity_put(d->plot->y_quantity, ticks[i], d->out);
		buf_append_str(d->out, "</span>");
	}
	n = axis_ticks(&d->x, x_ticks(d), ticks);
	for (unsigned i = 0; i < n; i++) {
		buf_printf(d->out, "<span class=\"x\" style=\"left:%.1f%%\">",
		    axis_place(&d->x, ticks[i]) * 100);
		quantity_put(d->plot->x_quantity, ticks[i], d->out);
		buf_append_str(d->out, "</span>");
	}
	if (d->plot->x_name != NULL) {
		buf_append_str(d->out, "<span class=\"name\">");
		enc_html(d->out, slice_str(d->plot->x_name));
		buf_append_str(d->out, "</span>");
	}
}

/* ---- what is in it ---- */

static void put_line(const struct drawing *d, const struct plot_series *s, unsigned color)
{
	bool open = false;

	for (unsigned i = 0; i < s->n; i++) {
		double x = x_of(d, s->x[i]), y = y_of(d, s->y[i]);
		if (isnan(x) || isnan(y)) {
			buf_append_str(d->out, open ? "\"/>" : "");
			open = false;
			continue;
		}
		if (!open) {
			buf_printf(d->out, "<polyline class=\"c%u\" points=\"", color);
			open = true;
		}
		buf_printf(d->out, "%.1f,%.1f ", x, y);
	}
	buf_append_str(d->out, open ? "\"/>" : "");
}

static void put_interval(
    const struct drawing *d, const struct plot_series *s, unsigned i, unsigned color)
{
	double x = x_of(d, s->x[i]), low = y_of(d, s->low[i]), high = y_of(d, s->high[i]);

	if (!isnan(x) && !isnan(low) && !isnan(high)) {
		buf_printf(d->out, "<path class=\"span c%u\" d=\"M%.1f %.1fV%.1f\"/>", color, x,
		    low, high);
	}
}

/* A dot says its figures to a pointer that rests on it. */
static void put_dots(const struct drawing *d, const struct plot_series *s, unsigned color)
{
	for (unsigned i = 0; i < s->n; i++) {
		double x = x_of(d, s->x[i]), y = y_of(d, s->y[i]);
		if (isnan(x) || isnan(y)) {
			continue;
		}
		buf_printf(
		    d->out, "<path class=\"dot c%u\" d=\"M%.1f %.1fh0\"><title>", color, x, y);
		enc_html(d->out, slice_str(s->name));
		buf_append_str(d->out, ": ");
		quantity_put(d->plot->y_quantity, s->y[i], d->out);
		buf_append_str(d->out, " at ");
		quantity_put(d->plot->x_quantity, s->x[i], d->out);
		buf_append_str(d->out, "</title></path>");
	}
}

static void put_series(const struct drawing *d, unsigned number)
{
	const struct plot_series *s = &d->plot->series[number];

	put_line(d, s, number);
	for (unsigned i = 0; s->low != NULL && i < s->n; i++) {
		put_interval(d, s, i, number);
	}
	/* A point without neighbours has no line. */
	if (s->dots || s->n == 1) {
		put_dots(d, s, number);
	}
}

static void put_mark_line(const struct drawing *d, const struct plot_mark *m)
{
	double at = m->level ? y_of(d, m->at) : x_of(d, m->at);

	if (isnan(at)) {
		return;
	}
	if (m->level) {
		buf_printf(d->out, "<path class=\"markline\" d=\"M0 %.1fH%d\"/>", at, UNITS);
	} else {
		buf_printf(d->out, "<path class=\"markline\" d=\"M%.1f 0V%d\"/>", at, UNITS);
	}
}

static void put_mark_text(const struct drawing *d, const struct plot_mark *m)
{
	double place = axis_place(m->level ? &d->y : &d->x, m->at);

	if (isnan(place)) {
		return;
	}
	if (m->level) {
		buf_printf(d->out, "<span class=\"level\" style=\"bottom:%.1f%%\">", place * 100);
	} else {
		/* On the side where there is room. */
		buf_printf(d->out, "<span class=\"mark%s\" style=\"left:%.1f%%\">",
		    place < 0.5 ? " after" : "", place * 100);
	}
	enc_html(d->out, slice_str(m->text));
	buf_append_str(d->out, "</span>");
}

/* ---- around it ---- */

void plot_put_caption(const char *title, struct buf *out)
{
	buf_append_str(out, "<figure><figcaption><h3>");
	enc_html(out, slice_str(title));
	buf_append_str(out, "</h3>");
}

static void put_key(const struct plot *p, struct buf *out)
{
	buf_append_str(out, "<ul class=\"key\">");
	for (unsigned i = 0; i < p->n_series; i++) {
		buf_printf(out,
		    "<li><svg viewBox=\"0 0 10 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
		    "<polyline class=\"c%u\" points=\"0,2 10,2\"/></svg>",
		    i);
		enc_html(out, slice_str(p->series[i].name));
		buf_append_str(out, "</li>");
	}
	buf_append_str(out, "</ul>");
}

void plot_put(const struct plot *p, struct buf *out)
{
	struct range x, y;

	find_ranges(p, &x, &y);
	if (is_empty(&x) || is_empty(&y)) {
		return;
	}
	const struct drawing d = { p,
		axis_fit(p->x_quantity, p->x_log, p->x_from_zero, x.low, x.high),
		axis_fit(p->y_quantity, p->y_log, p->y_from_zero, y.low, y.high), out };
	plot_put_caption(p->title, out);
	/* One by the name of the plot itself needs none. */
	if (p->n_series > 1 || strcmp(p->series[0].name, p->title) != 0) {
		put_key(p, out);
	}
	buf_printf(out,
	    "</figcaption>\n<div class=\"area\"><svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\" "
	    "role=\"img\" aria-label=\"",
	    UNITS, UNITS);
	enc_html(out, slice_str(p->title));
	buf_append_str(out, "\">");
	put_grid(&d);
	for (unsigned i = 0; i < p->n_marks; i++) {
		put_mark_line(&d, &p->marks[i]);
	}
	for (unsigned i = 0; i < p->n_series; i++) {
		put_series(&d, i);
	}
	buf_append_str(out, "</svg>");
	put_labels(&d);
	for (unsigned i = 0; i < p->n_marks; i++) {
		put_mark_text(&d, &p->marks[i]);
	}
	buf_append_str(out, "</div></figure>\n");
}
