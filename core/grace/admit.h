/*
 * Admission, first form: pure functions over a clock and a few measurements; no sockets, no loop.
 * The web role measures (queue delay per class, loop lag, expected wait at compute, store and
 * signer), asks before the body is read, and answers a refusal at once with a Retry-After that
 * spreads the retries over the capacity that is left.
 */
#ifndef PLIMSOLL_GRACE_ADMIT_H
#define PLIMSOLL_GRACE_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/grace/cost.h"
#include "core/grace/promised.h"

/*
 * Standing queue detection (CoDel): a queue is overloaded when the smallest delay seen in an
 * interval stays above the target. Two rotating windows; no allocation.
 */
struct delay_meter {
	int64_t target_us, interval_us;
	int64_t window_end_us;
	int64_t min_now_us, min_before_us; /* of the running and the finished window; -1: none */
};

void delay_meter_init(
    struct delay_meter *m, int64_t target_us, int64_t interval_us, int64_t now_us);
void delay_meter_record(struct delay_meter *m, int64_t delay_us, int64_t now_us);
/* Smallest delay of the last finished interval, microseconds; 0 when nothing waited. */
int64_t delay_meter_standing_us(struct delay_meter *m, int64_t now_us);
bool delay_meter_is_over(struct delay_meter *m, int64_t now_us);

/*
 * Expected wait of a bounded queue in front of workers: sum of the expected cost of what waits
 * plus what remains of what runs, over the number of workers. The mean cost per kind is an
 * exponential average of measured runs.
 */
struct cost_meter {
	int64_t mean_us; /* of one job; starts with the row's first guess */
	int64_t samples;
};

void cost_meter_init(struct cost_meter *m, int64_t first_guess_us);
void cost_meter_record(struct cost_meter *m, int64_t us);

/* What the admission decision looks at; filled by the web role each loop round. */
struct grace_load {
	int64_t loop_delay_us; /* standing delay of requests in the web process' class queues */
	int64_t compute_wait_us, store_wait_us, signer_wait_us; /* expected wait of a new call */
	int64_t read_wait_us;	/* for a connection to a database server */
	int64_t compute_run_us; /* mean time of a job there lately */
	int64_t store_run_us;	/* of a call to the store, over how many it does at a time */
	/* How many of the calls that they take at a time are under way, in thousandths. */
	unsigned compute_used, store_used, signer_used;
	unsigned webs; /* processes that let in beginnings, each for its share; 0: one */
	unsigned tasks, tasks_max;
};

/* Why admission said no. */
enum grace_refusal {
	GRACE_COMPUTE, /* the expected wait there is too long */
	GRACE_STORE,
	GRACE_SIGNER,
	GRACE_LOOP,  /* requests stand in the web process' own queues */
	GRACE_TASKS, /* too few tasks left */
	GRACE_REFUSALS
};

/* What is asked for. */
struct grace_ask {
	enum cost_class cost;
	enum shed_rank rank;
	/*
	 * It is the first of several requests, and later ones write: let in only where those have
	 * room as well. One of SHED_LAST goes on with something.
	 */
	bool begins;
	bool is_step;	   /* one of those later ones */
	int64_t budget_us; /* until when it has to be answered, from now */
};

struct grace {
	enum grace_refusal refused_for; /* the last refusal */
	struct promised promised;
	struct delay_meter loop_delay;
	struct delay_meter compute_wait; /* expected waits that arrivals have met */
	bool compute_stands;   /* compute's queue has not been empty for a whole interval */
	int64_t window_end_us; /* of the refusal count below, 1 s windows */
	int64_t refused_now, refused_before;
	uint64_t random_state; /* xorshift, for spreading Retry-After */
};

void grace_init(struct grace *g, uint64_t seed, int64_t now_us);

/*
 * May it begin? Refused: *ret_retry_after_s is set to what the client should be told (1..60 s,
 * spread).
 */
bool grace_admit(struct grace *g, const struct grace_load *load, const struct grace_ask *ask,
    int64_t now_us, unsigned *ret_retry_after_s);

/* Seconds to tell a client that was refused later on (by a full queue further back). */
unsigned grace_retry_after_s(struct grace *g, int64_t now_us);

#endif
