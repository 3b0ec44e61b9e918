/*
 * Plots of a page: lines and dots over an axis, and rows of bars. SVG stretched to the width there
 * is, with the letters beside it as HTML, so that they keep their size on a phone and on paper.
 * Lines differ by dashes too, not by colour alone.
 */
#ifndef PLIMSOLL_LAB_PLOT_H
#define PLIMSOLL_LAB_PLOT_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "lab/quantity.h"

enum {
	PLOT_SERIES_MAX = 8,
	PLOT_MARKS_MAX = 4,
};

/* Points by rising x; a point whose y cannot be shown (NaN; 0 on a log axis) is a gap. Borrowed. */
struct plot_series {
	const char *name;
	const double *x, *y;
	const double *low, *high; /* interval of each y, or NULL */
	unsigned n;
	bool dots; /* shows the points, not only the line between them */
};

/* A line across the plot with words: at a place of x, or (level) at a height of y. */
struct plot_mark {
	double at;
	const char *text;
	bool level;
};

struct plot {
	const char *title, *x_name; /* x_name: below the axis, or NULL */
	enum quantity x_quantity, y_quantity;
	bool x_log, y_log, x_from_zero, y_from_zero;
	struct plot_series series[PLOT_SERIES_MAX];
	unsigned n_series;
	struct plot_mark marks[PLOT_MARKS_MAX];
	unsigned n_marks;
};

/* Appends the figure. A plot without a point that can be shown is left out. */
void plot_put(const struct plot *p, struct buf *out);

/* A row: its parts stand one behind the other (n_parts of struct bars); borrowed. */
struct bar {
	const char *name;
	double parts[PLOT_SERIES_MAX];
	double low, high; /* interval of their sum; both 0: none */
};

struct bars {
	const char *title;
	enum quantity quantity;
	const char *parts[PLOT_SERIES_MAX]; /* their names, shown where there are several */
	unsigned n_parts;		    /* at least 1 */
	double full;			    /* what the whole width is; 0: the longest row */
	const struct bar *rows;
	unsigned n_rows;
};

void bars_put(const struct bars *b, struct buf *out);

/* Begins the figure of either, up to its title. */
void plot_put_caption(const char *title, struct buf *out);

#endif
