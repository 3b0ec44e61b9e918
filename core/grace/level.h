/*
 * The level: who is let in where not all can be. What is offered to a resource is counted by class
 * and by a hash of the user, and a cut is laid where the cost that it lets in comes to the budget
 * (DAGOR; load-and-overload.md 4.3). So a user is in or out, and not hit at random by each of his
 * requests; the arc of the hash that is let in turns round once in LEVEL_TURN_US, so that nobody is
 * out for longer than that.
 *
 * By class: work already begun is always in, whatever has a reserve gets that much before others,
 * then rank after rank as far as the budget goes. By user, in the class in which the cut lies: only
 * those are let in whose hash lies in the arc. Of users who ask for far more than others, what is
 * beyond others' measure goes behind everything else, and only where nothing stands: else hogs
 * would keep the queue at its target, and what chance brings of others would be cut.
 *
 * Costs are microseconds of one worker; a tick is LEVEL_TICK_US. Pure functions.
 */
#ifndef PLIMSOLL_GRACE_LEVEL_H
#define PLIMSOLL_GRACE_LEVEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/grace/cost.h"
#include "core/grace/hogs.h"

enum {
	LEVEL_TICK_US = 100000,
	LEVEL_TURN_US = 20000000, /* the arc goes round once in it */
	LEVEL_CELLS = 128,	  /* of the hash */
	LEVEL_RESERVES = 4,
	LEVEL_EXCESS = SHED_RANKS + LEVEL_RESERVES, /* what hogs ask for beyond others */
	LEVEL_CLASSES,
};

/* Who asks: hash of the user (any bits), his class, and what it will cost. */
struct level_ask {
	enum shed_rank rank;
	unsigned reserve; /* 1..LEVEL_RESERVES: the one it draws on; 0: none */
	uint64_t user;	  /* 0: nobody has looked, since nobody is cut */
	double cost_us;
};

/* What there is room for, in a tick. */
struct level_room {
	double budget_us;   /* so much cost may be let in */
	double usual_us;    /* what that is where nothing stands */
	double standing_us; /* cost of the work that stands all the time */
};

struct level_class {
	float cells[LEVEL_CELLS]; /* offered cost, fading over seconds: the shape */
	double tick_cost;	  /* of the running tick, and how many asked */
	unsigned tick_n;
	double rate, n; /* cost and askers of a tick, lately: the size */
	double share;	/* of its cost that is let in: 0..1 */
	unsigned whole; /* so many cells from the arc's beginning are let in whole */
	double part;	/* and this much of the next one */
	double owed;	/* of that one, so far */
	enum shed_rank rank;
};

struct level {
	struct level_class classes[LEVEL_CLASSES]; /* by rank, those with reserves, excess */
	struct hogs hogs;
	double hogs_owed;		/* of what is others' measure, so far */
	double budget_us, usual_us;	/* of a tick, as last laid */
	double let_us;			/* of it used in the running tick */
	double reserve[LEVEL_RESERVES]; /* shares of the budget, 0..1; the first is number 1 */
	unsigned first;			/* cell where the arc begins */
};

void level_init(struct level *l);

/* Of the budget, so much is kept for the reserve of that number; 0..1. */
void level_set_reserve(struct level *l, unsigned reserve, double share);

/*
 * Counts what is asked for, whatever becomes of it. Is it below the cut? Of those in the cut's own
 * cell one after the other, in proportion; of a class that is cut nobody once the budget is used,
 * by what came sooner in the tick than was laid for.
 */
bool level_ask(struct level *l, const struct level_ask *ask);

/*
 * Would all of that user's requests of a rank be let in, as the cut lies now? Nothing is counted:
 * for those who would ask for more later on.
 */
bool level_has_room(const struct level *l, enum shed_rank rank, uint64_t user);

/*
 * A tick is over: takes in what was offered. now_us: of the monotonic clock, by which all processes
 * turn alike.
 */
void level_tick(struct level *l, int64_t now_us);
/* Lays the cut for the next tick. */
void level_lay(struct level *l, const struct level_room *room);

/* Cost that was offered in a tick, lately. */
double level_offered_us(const struct level *l);

/* The rank in which the cut lies and the share of it that is let in; SHED_RANKS: nobody is cut. */
enum shed_rank level_cut(const struct level *l, double *ret_share);

#endif
