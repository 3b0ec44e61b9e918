/*
 * The headline figures: twelve at most, the same whatever the processes behind them are, with the
 * same names in Prometheus, statsd, /status, the live page and doc/METRICS.md. All that is said
 * about one stands in its row of headline_defs.
 *
 * The admin role samples the counters of the metrics block once a second; rates and quantiles are
 * those of the last HEADLINE_WINDOW_S seconds. Every HEADLINE_POINT_S seconds they become a point
 * of the history, which is bounded.
 */
#ifndef PLIMSOLL_OBS_HEADLINE_H
#define PLIMSOLL_OBS_HEADLINE_H

#include <stdbool.h>

#include "core/base/json.h"
#include "core/obs/activity.h"
#include "core/obs/metric.h"
#include "core/obs/role_use.h"

enum {
	HEADLINE_WINDOW_S = 10,
	HEADLINE_POINT_S = 2,
	HEADLINE_POINTS = 450, /* 15 minutes */
	HEADLINE_ACTIVITIES = 32,
	HEADLINE_CLASSES = 8,
	HEADLINE_ROWS = 64,
};

enum headline_id {
	HEADLINE_LINE_SHARE,
	HEADLINE_ACTIVE_USERS,
	HEADLINE_ACTIVITIES_RATE,
	HEADLINE_GOODPUT,
	HEADLINE_REFUSED,
	HEADLINE_ERRORS,
	HEADLINE_P50,
	HEADLINE_P99,
	HEADLINE_QUEUE_WAIT,
	HEADLINE_COMMIT_P99,
	HEADLINE_MAIL_DELAY,
	HEADLINE_CORES_BUSY,
	HEADLINE_COUNT
};

enum headline_by { /* a figure has one value, or one per */
	HEADLINE_SINGLE,
	HEADLINE_BY_ACTIVITY,
	HEADLINE_BY_CLASS
};

struct headline_def {
	const char *name, *title, *unit;
	enum headline_by by;
	bool counted;	      /* a rate of something that is counted */
	const char *help;     /* what it says, one line */
	const char *computed; /* how it is computed, and what it does not say */
	const char *act;      /* when to do something */
};

extern const struct headline_def headline_defs[HEADLINE_COUNT];

/* The label of a figure: "activity", "class", or NULL. */
const char *headline_label(enum headline_by by);

/* An operation whose requests count. */
struct headline_op {
	const char *name;
	unsigned cost_class;
	int64_t deadline_us; /* a later answer is not in time */
};

struct headline_source {
	const struct metrics *metrics;
	const struct headline_op *ops; /* copied */
	unsigned n_ops;
	const char *const *classes; /* names; NULL: not shown */
	unsigned n_classes;
	const struct activity *const *activities;
	unsigned n_activities;
	unsigned cores; /* that we may use */
};

struct headline;

/* Strings of the source are kept, the arrays are not. ERR_MEMORY. */
NODISCARD enum err headline_new(const struct headline_source *source, struct headline **ret);
void headline_free(struct headline **h);

/* Call it once a second. */
void headline_sample(struct headline *h, int64_t now_us, int64_t wall_ms);

/* A value: figure, label value (NULL: single), its index is 0..headline_n()-1. */
struct headline_row {
	const struct headline_def *def;
	const char *label_value;
};
unsigned headline_n(const struct headline *h);
struct headline_row headline_row(const struct headline *h, unsigned i);

/* NAN: there is none now (no request of that class in the window). */
double headline_value(const struct headline *h, unsigned i);

/* What of a counted row has been counted since the process that counts began. */
int64_t headline_total(const struct headline *h, unsigned i);

/* What is fullest now, and gives line_share: the name of a role, or "processors". */
const char *headline_fullest(const struct headline *h);

/* How much of each role is in use, as of the last sample; there has been one. */
const struct role_use_look *headline_look(const struct headline *h);

/* ---- texts ---- */

/* As families of Prometheus, behind those of metrics_write_prometheus(). */
void headline_write_prometheus(const struct headline *h, struct buf *out);

/* {NAME: value} or {NAME: {LABEL: value}}, null where there is none. */
void headline_put_json(const struct headline *h, struct json_writer *w);

/*
 * The history behind point number since, as {"seq", "every_s", "points": {NAME or NAME.LABEL:
 * [values, oldest first]}}. seq is the number of the newest one, to be asked behind next time.
 */
void headline_put_history(const struct headline *h, uint64_t since, struct json_writer *w);

/* The table of doc/METRICS.md. */
void headline_write_reference(struct buf *out);

/* A number as all texts show it; "null" for NAN. */
void headline_put_number(struct buf *out, double value);

#endif
