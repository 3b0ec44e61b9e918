/*
 * The line of a target: how many active users it holds, what saturates first, what happens beyond,
 * what each activity costs. doc/LINE.md says what is meant by each. One probe after the other is a
 * load run; verdicts come from the pure parts (line_search, line_probe, line_beyond, line_demand).
 */
#ifndef PLIMSOLL_LAB_LINE_H
#define PLIMSOLL_LAB_LINE_H

#include "lab/grace.h"
#include "lab/line_beyond.h"
#include "lab/line_demand.h"
#include "lab/line_probe.h"
#include "lab/load.h"
#include "lab/machine.h"
#include "lab/target_watch.h"

enum {
	LINE_PROBES_MAX = 160,
	LINE_CAVEATS_MAX = 12,
};

enum line_phase {
	LINE_PHASE_CALM, /* whether the model works at all, and how long an activity takes */
	LINE_PHASE_SATURATION,
	LINE_PHASE_SLO,
	LINE_PHASE_BEYOND,
	LINE_PHASE_DEMANDS,
	LINE_PHASE_GRACE,
};

/* Makes the load of a probe, as load_run(). */
typedef enum err line_run_fn(void *arg, struct model *m, const struct load_plan *plan,
    struct load_result **ret, struct err_note *note);

struct line_plan {
	struct load_plan
	    load; /* users, length, shape and ticks are the search's; law is of the SLO's probes */
	struct line_slo slo[LINE_SLO_MAX];
	unsigned n_slo;
	double start_users, most_users; /* 0: five activities a second; a billion */
	double width;			/* of the saturation's interval */
	double step_s, mix_s; /* of the beyond and of each mix; step_s 0: by the timeout */
	double search_s;      /* of each search: then the interval is as narrow as it got */
	bool skip_beyond, skip_demands;
	struct grace_plan grace; /* grace.on: in place of beyond and demands */
	double known_users;	 /* > 0: saturation, which is not searched for then */
	line_run_fn *run;	 /* gets run_arg; NULL: load_run(), in this process */
	void *run_arg;
	unsigned generators;   /* that run has */
	struct target *target; /* borrowed; NULL: nothing is watched */
	struct {
		char role[TARGET_NAME_BYTES];
		double cores;
	} capacity[TARGET_ROLES_MAX]; /* of roles where it cannot be seen */
	unsigned n_capacity;
};

#define LINE_PLAN_DEFAULT                                                                          \
	((struct line_plan){ .load = LOAD_PLAN_DEFAULT,                                            \
	    .most_users = 1e9,                                                                     \
	    .width = 0.05,                                                                         \
	    .mix_s = 3,                                                                            \
	    .search_s = 600,                                                                       \
	    .grace = GRACE_PLAN_DEFAULT,                                                           \
	    .generators = 1 })

struct line_activity_count {
	uint64_t begun, done, refused, failed;
};

struct line_probe_record {
	enum line_phase phase;
	double users, begun_at_s, seconds, settled_s; /* settled_s: left out of the rates */
	bool even;
	enum line_verdict verdict; /* LINE_OPEN: nothing was asked */
	char cause[LINE_CAUSE_BYTES];
	char voids[2][LOAD_TEXT_BYTES];
	unsigned n_voids;
	double offered, done, refused, failed; /* a second */
	struct hdr latency;		       /* of activities that are done; owned */
	struct line_activity_count counts[MODEL_ACTIVITIES_MAX];
	double generator_cores;
	int64_t late_us; /* 99 of 100 requests left no later than so long behind their time */
	bool
	    generator_limited; /* it could not have offered more, or did not offer what it should */
	struct target_use use[TARGET_ROLES_MAX];
	bool has_use;
};

struct line_limit {
	bool looked_for, held, failed;
	double low, high; /* users */
};

/* A role at saturation. */
struct line_role {
	const char *name; /* borrowed of the target */
	struct target_use use;
	double capacity_cores;
	double share;	/* the most telling of processor, busy, disk: 1 is full */
	const char *by; /* which one it is */
};

struct line_result {
	const struct model *model; /* borrowed */
	struct line_plan plan;
	struct machine machine;
	double load_before,
	    steal; /* of the machine: at the begin; share of the time that others took */
	int64_t began_ms;
	double seconds;
	double share[MODEL_ACTIVITIES_MAX]; /* of the usual mix */
	double per_user_second;		    /* activities */
	struct line_limit saturation, slo;
	bool has_beyond;
	struct line_beyond beyond;
	struct line_probe_record probes[LINE_PROBES_MAX];
	unsigned n_probes;
	struct line_role roles[LINE_ROLES_MAX]; /* at saturation; the machine last if it is known */
	unsigned n_roles;
	int saturated, next;	    /* into roles; -1: none could be named */
	struct grace_result *grace; /* owned; NULL: not looked at */
	bool has_demands, has_prediction;
	struct line_demands demands; /* roles as above */
	struct line_prediction prediction;
	char caveats[LINE_CAVEATS_MAX][LOAD_TEXT_BYTES];
	unsigned n_caveats;
	char stopped[LOAD_TEXT_BYTES + 40]; /* why it ended before its end; empty: it did not */
	bool interrupted;
};

/*
 * Searches. Errors are what keeps it from beginning (the model does not work there, nobody
 * answers); what ends it later is in the result, with all that is known by then. A line of progress
 * each probe goes to standard error. *ret is the caller's.
 */
NODISCARD enum err line_run(
    struct model *m, const struct line_plan *plan, struct line_result **ret, struct err_note *note);
void line_result_free(struct line_result **r);

void line_report_text(const struct line_result *r, struct buf *out);
void line_report_json(const struct line_result *r, struct buf *out);

const char *line_phase_name(enum line_phase p);

#endif
