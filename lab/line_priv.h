/*
 * The parts of a search for the line: line.c (its phases), line_limits.c (how many
 * users are held), line_after.c (costs, beyond), grace.c (far beyond), line_load.c (one probe as a
 * load run), line_roles.c (what the target used). Private to lab.
 */
#ifndef PLIMSOLL_LAB_LINE_PRIV_H
#define PLIMSOLL_LAB_LINE_PRIV_H

#include "lab/line.h"

enum {
	LINE_TICK_MS = 100,
	LINE_COURSE_MAX = 4096,
};

/* Counts of each activity at a tick, for the rows of demands. */
struct line_course {
	int64_t at_us;
	double work[MODEL_ACTIVITIES_MAX]; /* the middle of begun and done: work lies between */
	double refused;
};

struct line {
	struct model *model;
	struct line_plan plan;
	struct line_result *result;
	int64_t start_us;
	double settle_s; /* of a probe: until activities that began end as well */
	double calm_users, calm_running;
	int64_t calm_p50_us;
	struct line_row *rows; /* owned, LINE_ROWS_MAX */
	unsigned n_rows;
	struct line_course *course; /* owned, LINE_COURSE_MAX, of the probe that runs */
	unsigned n_course;
	char failure[LOAD_TEXT_BYTES]; /* of the newest run, the most frequent one; empty: none */
	bool is_over;		       /* interrupted, or the target is gone: no further probe */
};

/* What decides when a probe ends; false: it is over. */
typedef bool line_tick_fn(void *arg, const struct line_tick *now);

struct line_ask {
	enum line_phase phase;
	double users;
	bool even;
	const double *weights;		  /* or NULL */
	const struct arrival_part *parts; /* of n_parts; or NULL: a flat shape */
	unsigned n_parts;
	double seconds; /* at the most */
	double settle_s;
	line_tick_fn *tick; /* NULL: it is over when its seconds are */
	void *arg;
	const struct behaviour *retry; /* whose retry stands in place of the plan's; or NULL */
	double timeout_s;	       /* in place of the plan's; 0: the plan's */
	load_ended_fn *ended;	       /* or NULL; gets ended_arg, as refusal */
	load_refusal_fn *refusal;
	void *ended_arg;
	int64_t *ret_start_us; /* when arrivals began; or NULL */
};

/*
 * One load run; its record is the last of the result, without a verdict. NULL: there was none, and
 * the search is over (result->stopped says why) or note says that it could not begin.
 */
struct line_probe_record *line_ask(
    struct line *l, const struct line_ask *ask, struct err_note *note);

/* A line about a probe on standard error. */
void line_progress(const struct line *l, const struct line_probe_record *p);

/* The phases. The first one says how a run is to be settled; its errors are those of line_run(). */
NODISCARD enum err line_find_calm(struct line *l, struct err_note *note);
void line_find_saturation(struct line *l);
void line_find_slo_limit(struct line *l);
void line_measure_demands(struct line *l);
void line_look_beyond(struct line *l);
void line_look_at_grace(struct line *l); /* with saturation known */

/* SIGINT and SIGTERM end the search in order, from here on. */
void line_take_signals(void);

/* Rows of demands from the course of the newest run. */
void line_add_rows(struct line *l, const struct line_probe_record *p, unsigned group);

/* Names the role that saturated, from the probes of the search. */
void line_name_saturated(struct line *l);

/* Solves the rows so far; false: it cannot be. */
bool line_solve(struct line *l);
void line_predict(struct line *l);

/* Users that stand for saturation: its middle, or the most that were held where more were not
 * tried. */
double line_middle(const struct line_limit *limit);

/* Appends the members demands and predicted. */
struct json_writer;
void line_costs_put_json(const struct line_result *r, struct json_writer *w);

void line_caveat(struct line_result *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
