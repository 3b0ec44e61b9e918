/*
 * The controller of one resource: something that work waits for and that has so many workers (the
 * loop itself, compute, the store, the signer, connections to a database server).
 *
 * Overload is a standing queue (CoDel): the shortest expected wait of an interval is above the
 * target; or a wait of several targets that has been too long for half of an interval, so that a
 * peak is met before the interval is over. From then on a budget is laid down each LEVEL_TICK_US: u
 * times the cost that the resource works off in that time. u follows the wait: it rises while the
 * wait is below what is aimed at and falls while it is above (PI), so no best latency is learnt
 * that could drift. Who is let in for the budget is the level's affair (level.h). While nobody has
 * to wait everybody is let in all the same: a worker that idles helps nobody.
 *
 * Costs are microseconds of one worker. Pure functions over a clock and what was measured.
 */
#ifndef PLIMSOLL_GRACE_RESOURCE_H
#define PLIMSOLL_GRACE_RESOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/grace/comeback.h"
#include "core/grace/level.h"
#include "core/grace/meter.h"

/*
 * The standing wait that is too long: this, or so many mean jobs where they are longer; but no more
 * than half of the wait at which it is full.
 */
struct resource_limits {
	int64_t target_us, target_max_us;
	unsigned target_jobs;
	/*
	 * Once a queue stands, half of it is enough: where a job is short against it no worker
	 * idles, and what is waited on the mean is about twice the shortest.
	 */
	bool aims_at_half;
};

/* What is measured now. */
struct resource_seen {
	int64_t wait_us; /* expected wait of a new call; INT64_MAX: it takes none */
	int64_t run_us;	 /* mean time of one lately; 0: not known */
	unsigned lanes;	 /* how many it does at a time; 0: one */
	unsigned askers; /* processes that share it, about as much each; 0: one */
	int64_t full_us; /* wait at which no call more is taken; 0: not known */
};

struct resource {
	struct resource_limits limits;
	unsigned tolerance; /* waits may be so many times as long; 1 */
	struct delay_meter wait;
	int64_t began_us, tick_end_us;
	int64_t wait_us; /* last seen */
	bool is_long;	 /* longer than the target, */
	int64_t long_us; /* since then */
	int64_t run_us;
	double full_us; /* lately; 0: not known */
	double lanes, askers;
	bool is_over; /* a queue stands: budgets count */
	unsigned calm_ticks;
	double u, error_before;
	double drain;			  /* cost worked off in a second while busy */
	double tick_served_us, served_us; /* cost done in the running tick and second */
	double good_before, good_2;	  /* cost done in the two seconds before */
	double u_before, u_2;		  /* at the ends of those */
	int64_t second_end_us;
	struct level level;
	struct comeback comeback;
};

void resource_init(struct resource *r, const struct resource_limits *limits, int64_t now_us);

/* What a request meets that asks now. Moves the controller on. */
void resource_look(struct resource *r, const struct resource_seen *seen, int64_t now_us);

/* Moves it on although nothing was measured. */
void resource_turn(struct resource *r, int64_t now_us);

/*
 * What one would meet that asks now, where that is not what has been met: not part of the standing
 * wait.
 */
void resource_expect(struct resource *r, int64_t wait_us);

/* Counts what is asked for: is there budget for it? Asked about each request once. */
bool resource_ask(struct resource *r, const struct level_ask *ask);
/* Is there budget for all that a user may ask for at a rank, later on? Nothing is counted. */
bool resource_has_room(const struct resource *r, enum shed_rank rank, uint64_t user);
/* It was done in time. */
void resource_served(struct resource *r, double cost_us);

/* Seconds until somebody who is refused should come back with that cost; 0: as soon as any. */
unsigned resource_come_back_s(struct resource *r, double cost_us, int64_t now_us);

/* The standing wait that is too long now, and the one that there is. */
int64_t resource_target_us(const struct resource *r);
int64_t resource_standing_us(struct resource *r, int64_t now_us);

/*
 * Load as a number for others, in thousandths: up to 1000 the cost offered over what it works off,
 * above it what is turned away; 1200 at most. Others ask for as much, it is
 * supposed.
 */
unsigned resource_load_permille(const struct resource *r);

#endif
