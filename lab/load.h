/*
 * A load run: activities of a model begin by an open-loop schedule, each for a user who is not at
 * something else, and ask the target. What is kept of it is here; how it is shown in load_report.h.
 *
 * Two times of each step: service, from the moment the request was handed to the connection (which
 * may have had to connect) to the whole answer; and latency, from the moment at which it should
 * have been sent: for the first step of an activity its arrival, for others the end of the wait
 * before. An activity's latency is from its arrival to its end. So a target that stalls is charged
 * with everything that arrived meanwhile, and so is the generator if it is late, which the lateness
 * shows.
 */
#ifndef PLIMSOLL_LAB_LOAD_H
#define PLIMSOLL_LAB_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "lab/arrivals.h"
#include "lab/gaps.h"
#include "lab/behaviour.h"
#include "lab/hdr.h"
#include "lab/model.h"
#include "lab/slo.h"
#include "lab/target_watch.h"
#include "lab/user_api.h"

enum {
	LOAD_STEPS_MAX = 24,	/* of an activity; further ones count as "more" */
	LOAD_FAILURES_MAX = 12, /* different texts that are kept */
	LOAD_TEXT_BYTES = 200,
	LOAD_CAUSES_MAX = 8,
	LOAD_SECONDS_MAX = 7200, /* of the course that is kept for plots */
	LOAD_ROLES_MAX = TARGET_ROLES_MAX,
	LOAD_LIMITS_MAX = 4,
	LOAD_PARTS_MAX = 64,
};

/* The two ends of what is measured, for whoever looks at the target then. */
enum load_moment {
	LOAD_BEGINS, /* behind the preparing of users */
	LOAD_ENDS,
};
typedef void load_moment_fn(void *arg, enum load_moment moment);

/* A latency beyond which activities are counted at ticks. */
struct load_limit {
	int activity; /* or -1: all of them */
	int64_t us;   /* 0: nothing is counted */
};

struct load_counts {
	uint64_t due, away, begun, done, refused, failed, gave_up;
};

/* Where a run is, counted behind the warm-up. */
struct load_tick {
	double at_s;	  /* < 0: warming up */
	unsigned running; /* whatever is not over, of the warm-up too */
	unsigned n_activities;
	struct load_counts activities[MODEL_ACTIVITIES_MAX];
	uint64_t slow[LOAD_LIMITS_MAX]; /* done, and later than that limit of the plan */
};
/* False ends the run: nothing new begins, what runs has its time. */
typedef bool load_tick_fn(void *arg, const struct load_tick *now);

/* How an activity ended. */
enum load_outcome {
	RUN_DONE,
	RUN_REFUSED,
	RUN_FAILED,
	RUN_GAVE_UP,
	RUN_ABORTED, /* it was under way when the run was over */
	RUN_MISSED,  /* it was due and did not begin: nobody was free, or stayed away */
};

/* One that was due, told once, at its end; for whoever keeps more than sums. */
struct load_ended {
	unsigned activity;
	uint64_t user;
	enum load_outcome how;
	int64_t due_us;	    /* since arrivals began */
	int64_t took_us;    /* from then to its end */
	int64_t slowest_us; /* of its steps that were answered right, from when they should have
			       been sent; tries before are part of it */
	bool admitted;	    /* the step of the model's admits was answered right */
};
typedef void load_ended_fn(void *arg, const struct load_ended *e);

/* A 503, so long after its try was sent; at_us: of that moment, since arrivals began. */
typedef void load_refusal_fn(void *arg, int64_t at_us, int64_t took_us);

/* What is to become of a run whose stop_fd has something to read. */
enum load_stop {
	LOAD_GO_ON,
	LOAD_STOP_SOFTLY, /* nothing new begins, what runs has its time */
	LOAD_STOP_NOW,	  /* as by Ctrl-C */
};
typedef enum load_stop load_stop_fn(void *arg);

struct load_result;

/* What happened in a second of the run. */
struct load_second {
	uint32_t begun, done, refused, failed, gave_up;
	double length_s;	/* about one; the first and the last are shorter */
	int64_t p50_us, p99_us; /* latency of the activities done in it */
};

/* The same as it is told when it is over. */
struct load_now {
	struct load_second second;
	const struct hdr *latency; /* of the activities done in it */
	double at_s, left_s;	   /* since activities begin; until none does any more */
	unsigned running;
	uint64_t warmed, to_warm; /* users prepared, while they are: to_warm > 0 */
	bool warming_up;	  /* not counted yet */
	bool kept;		  /* in the course of the result */
};
typedef void load_second_fn(void *arg, const struct load_now *now);

struct load_plan {
	const char *url;	 /* http(s)://HOST[:PORT], no path */
	const char *authorities; /* file of certificates to trust, or NULL: the machine's */
	bool insecure;		 /* any certificate */
	const char *from;	 /* source addresses, see lab/from.h; NULL: the machine chooses */
	const struct model_preset *preset; /* or NULL */
	double users, warm_users;	   /* warm_users > 0: only so many act, prepared before */
	double length_s, warm_up_s, timeout_s;
	uint64_t seed;
	enum arrival_law law;
	enum arrival_shape shape;
	double spike, burst_s; /* of SHAPE_SPIKE and ARRIVAL_BURST */
	/* In place of what the model says of its clients, where has_ is set; patience_s >= 0. */
	bool has_retry, has_connection, has_patience, has_resume;
	struct behaviour behaviour;
	load_moment_fn *at_moment; /* or NULL; gets moment_arg */
	void *moment_arg;
	load_tick_fn *at_tick; /* or NULL; gets tick_arg, every tick_ms while activities begin */
	void *tick_arg;
	unsigned tick_ms;
	struct load_limit limits[LOAD_LIMITS_MAX]; /* that ticks count by */
	unsigned n_limits;
	bool has_weights;
	double weights[MODEL_ACTIVITIES_MAX];	   /* factors for the rate of each activity */
	struct arrival_part parts[LOAD_PARTS_MAX]; /* of SHAPE_PARTS; they begin with the warm-up */
	unsigned n_parts;
	const struct slo *slos; /* what it has to keep; borrowed, as long as the result */
	unsigned n_slos;
	/* Of counted activities, in this process only; or NULL; get ended_arg. */
	load_ended_fn *at_ended;
	load_refusal_fn *at_refusal;
	void *ended_arg;
	load_second_fn *at_second; /* or NULL; gets second_arg */
	void *second_arg;
	/* One of several generators of a run has its share of users and rate: number of of, of > 0.
	 */
	unsigned share, of;
	int stop_fd; /* > 0: in place of signals, what can be read from it ends the run, as on_stop
			says */
	load_stop_fn *on_stop; /* gets stop_arg */
	void *stop_arg;
};

#define LOAD_PLAN_DEFAULT                                                                          \
	((struct load_plan){ .users = 10000,                                                       \
	    .length_s = 60,                                                                        \
	    .timeout_s = 10,                                                                       \
	    .seed = 1,                                                                             \
	    .spike = 10,                                                                           \
	    .burst_s = 1,                                                                          \
	    .of = 1 })

struct load_step {
	char name[STEP_NAME_BYTES];
	uint64_t sent, done, refused, failed, gave_up, retried; /* refused: 503 */
	struct hdr latency, service;
};

struct load_activity {
	const char *name;
	double per_second;
	/*
	 * Of those that began behind the warm-up. due = begun + no_user + no_room + away (the user
	 * had been told to stay away). gave_up: the user's patience ended.
	 */
	uint64_t due, begun, done, refused, failed, gave_up, no_user, no_room, away, unfinished;
	struct hdr latency; /* of those that are done */
	struct load_step steps[LOAD_STEPS_MAX];
	unsigned n_steps;
};

struct load_failure {
	char text[LOAD_TEXT_BYTES];
	uint64_t count;
};

/* What the processes of a role of the target used between the moments. */
struct load_role {
	char name[TARGET_NAME_BYTES];
	double cpu_s;
	struct target_use use; /* a second, all of it */
};

/* Its use so far, each role of the result at its place; at a moment of the run. */
struct load_use {
	double at_s, cpu_s[LOAD_ROLES_MAX];
};

struct load_result {
	const struct model *model; /* borrowed */
	struct load_plan plan;
	struct load_activity activities[MODEL_ACTIVITIES_MAX];
	unsigned n_activities;
	struct load_failure failures[LOAD_FAILURES_MAX];
	unsigned n_failures;
	struct hdr lateness, service; /* of all requests */
	struct hdr first_lateness;    /* of the first request of each activity */
	struct gaps gaps;	      /* between first requests, against the law */
	double elapsed_s, cpu_s, warm_s;
	double kept_waiting_s; /* this program was ready to run and others did */
	uint64_t connections, bytes_in, bytes_out;
	uint64_t handshakes, resumed; /* of TLS; and those of them that resumed a session */
	uint64_t own_faults, no_descriptor, no_port; /* own: these two, and for lack of memory */
	uint64_t warmed, warm_failed; /* users prepared; those of them who could not be */
	size_t script_bytes;
	unsigned running_max, generators;	       /* generators: how many made the load */
	char causes[LOAD_CAUSES_MAX][LOAD_TEXT_BYTES]; /* why the run is void */
	unsigned n_void;
	struct load_second *seconds; /* owned */
	unsigned n_seconds;
	struct load_role roles[LOAD_ROLES_MAX]; /* by whoever looked, n_roles 0: nobody */
	unsigned n_roles;
	struct load_use *uses; /* owned; by whoever looked */
	unsigned n_uses;
	double watched_s; /* between the moments: longer than elapsed_s */
	bool interrupted;
};

/*
 * Runs the load until its time is over or a signal ends it. Errors are what keeps it from beginning
 * (ERR_INVALID: the plan, ERR_PEER_GONE: nobody answers); failures of requests are results. *ret is
 * the caller's, also freed by it.
 */
NODISCARD enum err load_run(
    struct model *m, const struct load_plan *plan, struct load_result **ret, struct err_note *note);
/* An empty one, for a run of that model by that plan; ERR_MEMORY. */
NODISCARD enum err load_result_new(
    const struct model *m, const struct load_plan *plan, struct load_result **ret);
void load_result_free(struct load_result **r);

/* Puts one more cause for which the run is void, if there is room. */
void load_result_add_cause(struct load_result *r, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Counts a text of a failure, which may be there already. */
void load_result_add_failure(struct load_result *r, const char *text, uint64_t count);

/*
 * Up to which second of the counted ones the target answered: behind it activities failed, and none
 * was done. INFINITY: to the end.
 */
double load_result_answered_until_s(const struct load_result *r);

/* Something was done, nothing failed; refusals are answers of a target under load. */
bool load_result_succeeded(const struct load_result *r);

#endif
