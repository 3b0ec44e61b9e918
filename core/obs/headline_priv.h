/*
 * Inside of the headline figures: headline_window.c samples the block and computes, headline.c
 * keeps the rows and the history.
 */
#ifndef PLIMSOLL_OBS_HEADLINE_PRIV_H
#define PLIMSOLL_OBS_HEADLINE_PRIV_H

#include "core/obs/headline.h"

enum {
	HEADLINE_SAMPLES = HEADLINE_WINDOW_S + 1
};

/* What the block said at one moment; all but waits only grows. */
struct headline_raw {
	int64_t at_us;
	int64_t good, refused, errors;
	int64_t activities[HEADLINE_ACTIVITIES];
	struct role_use_look use;
	struct hist by_class[HEADLINE_CLASSES], commit;
};

/* An operation's rows in the block. */
struct headline_op_rows {
	unsigned cost_class;
	int64_t deadline_us;
	const struct metric_row *requests, *refused, *client_errors, *server_errors, *duration;
};

struct headline_activity {
	const struct activity *def;
	unsigned ops[ACTIVITY_OPS], n; /* indices of ops */
};

struct headline_window {
	const struct metrics *metrics;
	struct headline_op_rows *ops; /* owned */
	unsigned n_ops;
	struct headline_activity activities[HEADLINE_ACTIVITIES];
	unsigned n_activities;
	unsigned cores;
	const struct metric_row *commit, *oldest_mail; /* NULL: there is none */
	struct role_use use;
	struct headline_raw samples[HEADLINE_SAMPLES];
	uint64_t n; /* samples taken */
};

/* The figures of the window that ends with the newest sample. */
struct headline_figures {
	double single[HEADLINE_COUNT]; /* of figures with one value */
	double activities[HEADLINE_ACTIVITIES];
	double p50[HEADLINE_CLASSES], p99[HEADLINE_CLASSES];
	const char *fullest;
};

NODISCARD enum err headline_window_open(
    struct headline_window *w, const struct headline_source *source);
void headline_window_close(struct headline_window *w);
void headline_window_sample(struct headline_window *w, int64_t now_us);
void headline_window_figures(
    const struct headline_window *w, int64_t wall_ms, struct headline_figures *ret);

/* The newest sample; there is one. */
const struct headline_raw *headline_window_newest(const struct headline_window *w);

/* For the texts: point number p of the history (1..), value of row i. */
uint64_t headline_points(const struct headline *h);
double headline_point(const struct headline *h, uint64_t p, unsigned i);

#endif
