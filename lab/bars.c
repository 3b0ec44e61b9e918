/*
 * Rows of bars, as wide as the longest of them, or as what is full.
 */
#include <math.h>

#include "core/base/enc.h"
#include "lab/plot.h"

enum {
	UNITS = 1000
};

static double length_of(const struct bars *b, const struct bar *row)
{
	double sum = 0;

	for (unsigned i = 0; i < b->n_parts; i++) {
		sum += row->parts[i];
	}
	return sum;
}

static double full_width(const struct bars *b)
{
	double longest = b->full;

	for (unsigned i = 0; i < b->n_rows; i++) {
		longest = fmax(longest, fmax(length_of(b, &b->rows[i]), b->rows[i].high));
	}
	return longest > 0 ? longest : 1;
}

static void put_row(const struct bars *b, const struct bar *row, double full, struct buf *out)
{
	double at = 0;

	buf_append_str(out, "<span>");
	enc_html(out, slice_str(row->name));
	buf_printf(out,
	    "</span><svg viewBox=\"0 0 %d 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
	    "<rect class=\"track\" width=\"%d\" height=\"10\"/>",
	    UNITS, UNITS);
	for (unsigned i = 0; i < b->n_parts; i++) {
		double width = row->parts[i] / full * UNITS;
		if (width > 0) {
			buf_printf(out,
			    "<rect class=\"f%u\" x=\"%.1f\" width=\"%.1f\" height=\"10\"/>", i, at,
			    width);
			at += width;
		}
	}
	if (row->high > 0) {
		buf_printf(out, "<path class=\"interval\" d=\"M%.1f 5H%.1f\"/>",
		    row->low / full * UNITS, row->high / full * UNITS);
	}
	buf_append_str(out, "</svg><span>");
	quantity_put(b->quantity, length_of(b, row), out);
	buf_append_str(out, "</span>\n");
}

void bars_put(const struct bars *b, struct buf *out)
{
	double full = full_width(b);

	if (b->n_rows == 0) {
		return;
	}
	plot_put_caption(b->title, out);
	if (b->n_parts > 1) {
		buf_append_str(out, "<ul class=\"key\">");
		for (unsigned i = 0; i < b->n_parts; i++) {
			buf_printf(out,
			    "<li><svg viewBox=\"0 0 10 4\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
			    "<rect class=\"f%u\" width=\"10\" height=\"4\"/></svg>",
			    i);
			enc_html(out, slice_str(b->parts[i]));
			buf_append_str(out, "</li>");
		}
		buf_append_str(out, "</ul>");
	}
	buf_append_str(out, "</figcaption>\n<div class=\"bars\">");
	for (unsigned i = 0; i < b->n_rows; i++) {
		put_row(b, &b->rows[i], full, out);
	}
	buf_append_str(out, "</div></figure>\n");
}
