/*
 * A server as a queue in virtual time: workers of a known rate, and faults that can be planted. For
 * tests of the search, which can so be run thousands of times, and whose truth is known.
 */
#ifndef PLIMSOLL_LAB_QUEUE_SIM_H
#define PLIMSOLL_LAB_QUEUE_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "lab/chance.h"
#include "lab/line_probe.h"

enum {
	QUEUE_SIM_WORKERS_MAX = 32,
	QUEUE_SIM_WAITING_MAX = 1 << 16,
};

enum queue_sim_law {
	QUEUE_SIM_FIXED,
	QUEUE_SIM_EXPONENTIAL,
	QUEUE_SIM_MIXED, /* one in twenty takes ten times as long as the others */
};

struct queue_sim_plan {
	double service_s; /* mean, of one worker */
	unsigned workers;
	enum queue_sim_law law;
	unsigned waiting_max; /* more are refused; 0: the maximum above */
	double patience_s; /* then a client is gone and has failed; the work is done all the same */
	double slower;	   /* service takes (1 + slower * waiting) times as long: a lock */
	unsigned trap_at;  /* so many waiting make it trap_factor times slower until all is done */
	double trap_factor;
	double stop_share; /* of the time it does not begin anything: 50 ms each, at random */
};

struct queue_sim {
	struct queue_sim_plan plan;
	struct chance chance;
	double now_s, next_stop_s, stopped_until_s;
	double queue[QUEUE_SIM_WAITING_MAX]; /* times of arrival */
	uint64_t head, tail, expired;	     /* expired: first that has not lost its patience */
	double done_at[QUEUE_SIM_WORKERS_MAX], began[QUEUE_SIM_WORKERS_MAX]; /* 0: idle */
	bool trapped;
	struct line_tick counts; /* at_s from the begin of the run */
};

/* Requests a second that it can do when nothing is planted. */
double queue_sim_capacity(const struct queue_sim_plan *plan);

void queue_sim_init(struct queue_sim *q, const struct queue_sim_plan *plan, uint64_t seed);

/* Called at each tenth of a second; false: the run ends. */
typedef bool queue_sim_tick_fn(void *arg, const struct line_tick *now);

/*
 * Arrivals at a rate for so long: even (three streams, as activities are) or random. Counts begin
 * at 0; what waits stays. slo: whose limits are counted as slow; n_slo may be 0.
 */
void queue_sim_run(struct queue_sim *q, double per_second, bool even, double seconds,
    const struct line_slo *slo, unsigned n_slo, queue_sim_tick_fn *tick, void *arg);

/* Nobody comes until all is done, or for so long. */
void queue_sim_drain(struct queue_sim *q, double seconds);

#endif
