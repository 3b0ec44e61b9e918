/*
 * Replaying an access log: what of it, when, and by how many clients. The requests of a client go
 * in their order, one at a time unless it may have several connections; latency counts from the
 * moment at which a request was due, as in load.h, so a target that is slow is charged with what
 * waited behind it.
 */
#ifndef PLIMSOLL_LAB_REPLAY_H
#define PLIMSOLL_LAB_REPLAY_H

#include "lab/access_log.h"
#include "lab/load.h"

enum replay_times {
	REPLAY_ORIGINAL, /* as the log has them; where it has whole seconds, anywhere in them */
	REPLAY_POISSON,	 /* in the log's order, at random with its mean rate */
	REPLAY_FAST,	 /* each client at once behind its last answer: a closed loop */
};

enum {
	REPLAY_PARALLEL_MOST = 8,
	REPLAY_CLIENTS_USUAL = 64, /* where the log names none */
};

struct replay_plan {
	const char *log;       /* its name, for reports */
	struct load_plan load; /* target, timeout, seed; the rest is not used */
	enum replay_times times;
	double speed;		   /* 2: twice as fast */
	double per_second;	   /* > 0: the mean rate, in place of speed */
	unsigned clients;	   /* 0: those of the log */
	unsigned parallel;	   /* connections of a client */
	const char *methods;	   /* "GET,HEAD", "all" */
	const char *path;	   /* "/symbols/" begins so, or with * and ? anywhere; NULL: all */
	const char *status;	   /* "200,404,3xx" of the log; NULL: all */
	const char *since, *until; /* times, or seconds from the first request; NULL */
	uint64_t most;		   /* requests, 0: all */
	bool shuffle;		   /* in random order: for lists of paths */
};

#define REPLAY_PLAN_DEFAULT                                                                        \
	((struct replay_plan){                                                                     \
	    .load = LOAD_PLAN_DEFAULT, .speed = 1, .parallel = 1, .methods = "GET,HEAD" })

/* What is to be sent: numbers of records, by which client, and when, from the start on, rising. */
struct replay_schedule {
	uint32_t *records, *clients; /* owned, also the moments */
	int64_t *due_us;
	size_t n;
	uint32_t n_clients;
	uint64_t left_out; /* by the filters */
	double length_s;
};

/* ERR_INVALID, in words: a filter that cannot be, nothing left, no times where they are needed. */
NODISCARD enum err replay_schedule_make(const struct access_log *log,
    const struct replay_plan *plan, struct replay_schedule *ret, struct err_note *note);
void replay_schedule_free(struct replay_schedule *s);

/* How answers compare: found (2xx, 3xx), missing (403, 404, 410), other (4xx, 5xx). */
struct replay_counts {
	uint64_t hits, misses, others, none;	   /* none: no answer */
	uint64_t log_hits, log_misses, log_others; /* of the same requests, as the log has them */
	uint64_t changed;			   /* those whose kind is another than the log's */
	uint64_t clients;			   /* that asked */
};

struct replay_result {
	const char *log; /* borrowed */
	struct load_result *load;
	struct replay_counts counts;
	struct model model; /* only its name, for reports */
};

NODISCARD enum err replay_run(const struct access_log *log, const struct replay_schedule *schedule,
    const struct replay_plan *plan, struct replay_result **ret, struct err_note *note);
void replay_result_free(struct replay_result **r);

/* What the log had and what came, for people; as one page; as a JSON object. */
void replay_report_text(const struct access_log *log, const struct replay_schedule *s,
    const struct replay_result *r, struct buf *out);
void replay_report_html(const struct access_log *log, const struct replay_schedule *s,
    const struct replay_result *r, struct buf *out);
void replay_report_json(const struct access_log *log, const struct replay_schedule *s,
    const struct replay_result *r, struct buf *out);

#endif
