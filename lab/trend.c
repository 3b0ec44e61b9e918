/*
 * The judgement; how it is shown is in trend_report.c.
 */
#include "lab/trend.h"

#include <string.h>

bool trend_compares(const struct record *newest, const struct record *r)
{
	return !r->is_void && strcmp(r->kind, newest->kind) == 0 &&
	       strcmp(r->model, newest->model) == 0 && strcmp(r->preset, newest->preset) == 0 &&
	       machine_is_like(&r->machine, &newest->machine);
}

static const struct record_cost *cost_of(const struct record *r, const char *activity)
{
	for (unsigned i = 0; i < r->n_costs; i++) {
		if (strcmp(r->costs[i].activity, activity) == 0) {
			return &r->costs[i];
		}
	}
	return NULL;
}

static enum trend_verdict compare(
    const struct interval *now, const struct interval *expected, unsigned n_earlier)
{
	if (n_earlier == 0 || !expected->known || (n_earlier < 3 && !now->known)) {
		return TREND_UNKNOWN;
	}
	if (n_earlier < 3) {
		return now->low > expected->high   ? TREND_GREW
		       : now->high < expected->low ? TREND_SHRANK
						   : TREND_SAME;
	}
	/* Not known: low and high are the value. */
	if (now->value > expected->high && now->low > expected->value) {
		return TREND_GREW;
	}
	return now->value < expected->low && now->high < expected->value ? TREND_SHRANK
									 : TREND_SAME;
}

static void judge_row(const struct trend *t, struct trend_row *row)
{
	double earlier[TREND_EARLIER_MAX];
	struct interval last = { .known = false };

	for (const struct record *r = t->newest; r-- > t->records;) {
		const struct record_cost *cost =
		    trend_compares(t->newest, r) ? cost_of(r, row->activity) : NULL;
		if (cost == NULL) {
			continue;
		}
		last = row->n_earlier == 0 ? cost->us : last;
		earlier[row->n_earlier++] = cost->us.value;
		if (row->n_earlier == TREND_EARLIER_MAX) {
			break;
		}
	}
	row->expected = row->n_earlier < 3 ? last : interval_next(earlier, row->n_earlier, 0.95);
	row->verdict = compare(&row->now, &row->expected, row->n_earlier);
}

struct trend trend_judge(const struct record *records, size_t n)
{
	struct trend t = { .records = records, .n_records = n };

	for (size_t i = n; i-- > 0 && t.newest == NULL;) {
		t.newest = records[i].is_void ? NULL : &records[i];
	}
	for (size_t i = 0; t.newest != NULL && i < n; i++) {
		t.n_like += trend_compares(t.newest, &records[i]) ? 1 : 0;
	}
	for (unsigned i = 0; t.newest != NULL && i < t.newest->n_costs; i++) {
		struct trend_row *row = &t.rows[t.n_rows++];
		row->activity = t.newest->costs[i].activity;
		row->now = t.newest->costs[i].us;
		judge_row(&t, row);
		t.grew = t.grew || row->verdict == TREND_GREW;
	}
	return t;
}
