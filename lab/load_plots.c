/*
 * The plots of a run: over its seconds, by share of the activities, of the target's roles.
 */
#include <math.h>
#include <stdlib.h>

#include "lab/load_page.h"
#include "lab/plot.h"

static double ms_of(const struct hdr *h, double q)
{
	return (double)hdr_quantile_us(h, q) / 1000;
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

void load_page_put_courses(const struct load_result *r, struct buf *out)
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

void load_page_put_shares(const struct load_result *r, struct buf *out)
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

/* ---- the target ---- */

/* Cores of each role between two looks; those that used next to nothing are left out. */
void load_page_put_use_course(const struct load_result *r, struct buf *out)
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
