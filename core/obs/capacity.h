/*
 * How far it is to the line, in users and in months. Use and rate are proportional (the utilisation
 * law: use = rate x demand), so what is fullest is full at rate / use. That is reckoned at the peak
 * of the last day, because machines are bought for the peak: the fullest window of those of each
 * hour. Months follow from the growth that the operator expects.
 *
 * The same windows say when to warn: use beyond a threshold that is well before the line, where
 * nobody is refused yet. Pure functions over looks; one is expected each second.
 */
#ifndef PLIMSOLL_OBS_CAPACITY_H
#define PLIMSOLL_OBS_CAPACITY_H

#include "core/base/json.h"
#include "core/obs/role_use.h"

enum {
	CAPACITY_WINDOW_MAX_S = 600,
	CAPACITY_HOURS = 24,
};

struct capacity_options {
	unsigned cores;	   /* that we may use */
	unsigned window_s; /* 1..CAPACITY_WINDOW_MAX_S */
	double warn_at;	   /* share of the line, 0..1 */
	double growth;	   /* per month, 0.2 is 20 %; 0: no months are told */
};

struct capacity_figures {
	double share;		 /* use of what is fullest in the last window, 0..1 */
	const char *fullest;	 /* "": no window yet */
	double role[ROLE_COUNT]; /* use of each role in it; NAN: none runs */
	bool near;		 /* beyond warn_at, and not yet well below again */
	double peak_share;	 /* NAN until the first window has passed, as all that follows */
	const char *peak_fullest;
	int64_t peak_ms;   /* when: calendar, its end */
	double peak_users; /* active-user equivalent then */
	double line_users; /* so many would be at the line; NAN: too little to tell from */
	double months;	   /* until growth gets there; NAN likewise */
};

struct capacity;

/* ERR_MEMORY. */
NODISCARD enum err capacity_new(const struct capacity_options *o, struct capacity **ret);
void capacity_free(struct capacity **c);

/* Other thresholds from now on; the window stays. */
void capacity_reload(struct capacity *c, double warn_at, double growth);

/* Once a second: the newest look, and the active-user equivalent now (0: not known). */
void capacity_add(
    struct capacity *c, const struct role_use_look *look, double users, int64_t wall_ms);

const struct capacity_figures *capacity_figures(const struct capacity *c);

/* ---- texts ---- */

/* As families of Prometheus; what is not known is left out. */
void capacity_write_prometheus(const struct capacity *c, struct buf *out);

/* {share, fullest, near, warn_at, window_s, roles: {ROLE: share}, peak_share, ...}. */
void capacity_put_json(const struct capacity *c, struct json_writer *w);

/* The table of doc/METRICS.md. */
void capacity_write_reference(struct buf *out);

#endif
