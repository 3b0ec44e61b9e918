/*
 * A plan for people (text, page) and machines (JSON), with what single changes would do to it.
 */
#ifndef PLIMSOLL_LAB_PLAN_REPORT_H
#define PLIMSOLL_LAB_PLAN_REPORT_H

#include "core/base/buf.h"
#include "lab/plan.h"

enum {
	PLAN_CHANGES_MAX = 16,
	PLAN_DATE_BYTES = 32,
};

/* What a plan comes to; change NULL: as it is. Borrowed texts. */
struct plan_summary {
	const char *change;
	double machines_now, machines_end, price_now, price_end;
	double line_users, full_users, line_months;
	bool possible; /* to the end */
	char first[PLAN_TEXT_BYTES];
};

struct plan_summary plan_sum_up(const struct plan *p, const char *change);

struct plan_view {
	const struct plan *plan;
	struct plan_summary changes[PLAN_CHANGES_MAX];
	unsigned n_changes;
	struct plan_summary shapes[PLAN_SHAPES_MAX]; /* with machines of other shapes */
	unsigned n_shapes;
	struct plan_summary
	    dear; /* with costs at the upper ends of their intervals; change NULL: none */
};

void plan_text(const struct plan_view *v, struct buf *out);
void plan_json(const struct plan_view *v, struct buf *out);
void plan_html(const struct plan_view *v, struct buf *out);

/* "1M active users need 6 machines now and 48 in 12 months; ..." */
void plan_put_sentence(const struct plan *p, struct buf *out);
/* What was asked for: growth, peak, headroom, ... */
void plan_put_assumptions(const struct plan *p, struct buf *out);

/* "26 Nov 2026", so many months behind start; "never" for what is not within a hundred years. */
void plan_put_date(const struct plan *p, double months, struct buf *out);
/* 12 * year + month from 0, days as a part of it, of "2026-11" or "2026-11-26". False: it is no
 * date. */
bool plan_read_month(const char *text, double *ret);

#endif
