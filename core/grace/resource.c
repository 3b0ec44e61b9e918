/*
 * See resource.h. Gains are half of those of load-and-overload.md 4.3, for a target as long as a
 * tick, because what stands beyond the target is taken off the budget as well; a wait whose target
 * is shorter moves by several targets in a tick, so they shrink with it.
 *
 * What the resource works off is what it has done; it is learnt only while the queue stands,
 * because a resource that idles says nothing of what it could do. What the loop needs to refuse
 * others is no part of it.
 */
#include "core/grace/resource.h"

#include <string.h>

enum {
	SECOND_US = 1000000,
	INTERVAL_US = 100000,
	INTERVAL_JOBS = 2,
	STARTS_FOR_US =
	    10 * SECOND_US, /* slow start: so long the budget is small, then it doubles */
	GAP_TICKS = 10,	    /* a longer silence is the end of everything that was known */
	CALM_TICKS = 3,	    /* so long there is room for all, and it is over */
	FULL_TIMES = 8,	    /* a resource that takes nothing counts as so many targets */
	LONG_TIMES = 4,	    /* a wait of so many targets is more than chance */
};

static const double gain_p = 0.2, gain_i = 0.05;
static const double u_least = 0.05, u_most = 1.2, u_at_start = 0.3;
static const double error_least = -2;
/* What a resource is believed to do, of what its lanes can. */
static const double drain_least = 0.25, drain_most = 1.5;
static const double drain_weight = 1.0 / 16, full_weight = 1.0 / 64;
static const double good_less = 0.95, u_raise = 0.01;

static double between(double x, double least, double most)
{
	return x < least ? least : x > most ? most : x;
}

static double nominal(const struct resource *r)
{
	return r->lanes * SECOND_US;
}

void resource_init(struct resource *r, const struct resource_limits *limits, int64_t now_us)
{
	memset(r, 0, sizeof(*r));
	r->limits = *limits;
	r->tolerance = 1;
	r->began_us = now_us;
	r->tick_end_us = now_us + LEVEL_TICK_US;
	r->second_end_us = now_us + SECOND_US;
	r->lanes = r->askers = 1;
	r->u = 1;
	r->drain = SECOND_US;
	delay_meter_init(&r->wait, limits->target_us, INTERVAL_US, now_us);
	level_init(&r->level);
}

int64_t resource_target_us(const struct resource *r)
{
	int64_t jobs_us = r->run_us * r->limits.target_jobs;
	int64_t us = jobs_us > r->limits.target_us ? jobs_us : r->limits.target_us;
	int64_t half_us = (int64_t)r->full_us / 2;

	us = us > r->limits.target_max_us ? r->limits.target_max_us : us;
	us *= r->tolerance;
	return r->full_us > 0 && half_us < us ? half_us : us;
}

int64_t resource_standing_us(struct resource *r, int64_t now_us)
{
	return delay_meter_standing_us(&r->wait, now_us);
}

/* ---- a tick ---- */

/* Cold caches and unknown costs: a small budget first, doubled each second. */
static double most_of(const struct resource *r, int64_t now_us)
{
	double most = u_at_start;

	for (int64_t us = r->began_us + STARTS_FOR_US; us <= now_us && most < u_most;
	     us += SECOND_US) {
		most *= 2;
	}
	return most < u_most ? most : u_most;
}

static void learn_drain(struct resource *r, int64_t standing_us)
{
	double done = r->tick_served_us * SECOND_US / LEVEL_TICK_US;

	if (standing_us > 0) {
		r->drain += (done - r->drain) * drain_weight;
	}
	r->drain = between(r->drain, drain_least * nominal(r), drain_most * nominal(r));
}

/* u follows the wait to what is aimed at. */
static void steer(struct resource *r, int64_t standing_us, int64_t now_us)
{
	double target = (double)resource_target_us(r);
	double aim = r->limits.aims_at_half ? target / 2 : target;
	double error = between((aim - (double)standing_us) / target, error_least, 1);
	double gain = between(target / LEVEL_TICK_US, 0.02, 1);

	r->u += gain * (gain_p * (error - r->error_before) + gain_i * error);
	r->u = between(r->u, u_least, most_of(r, now_us));
	r->error_before = error;
}

/*
 * Two raises after which less work gets done: more of it at once is no help, as with locks that all
 * wait for. Back to where it was (after Protego).
 */
static void guard(struct resource *r, int64_t now_us)
{
	if (now_us < r->second_end_us) {
		return;
	}
	bool was_raised = r->u > r->u_before + u_raise && r->u_before > r->u_2 + u_raise;
	if (was_raised && r->served_us < r->good_2 * good_less) {
		r->u = r->u_2;
	}
	r->u_2 = r->u_before;
	r->u_before = r->u;
	r->good_2 = r->good_before;
	r->good_before = r->served_us;
	r->served_us = 0;
	r->second_end_us = now_us + SECOND_US;
}

static double offered_us(const struct resource *r)
{
	return level_offered_us(&r->level) * SECOND_US / LEVEL_TICK_US;
}

/* Of what the resource works off, as far as it is this process'. */
static double share_us(const struct resource *r)
{
	double most = nominal(r) / r->askers;

	return r->drain < most ? r->drain : most;
}

/*
 * Of a tick. What stands beyond the target is worked off with a quarter of the time at most: those
 * who come first, whom a flood of others does not concern, are not to be out for it.
 */
static double budget_us(const struct resource *r, int64_t standing_us)
{
	double most = r->u * r->drain * LEVEL_TICK_US / SECOND_US;
	double excess_us = (double)(standing_us - resource_target_us(r)) * r->drain / SECOND_US;

	return most - between(excess_us / 4, 0, most / 4);
}

static void begin_overload(struct resource *r, int64_t now_us)
{
	r->is_over = true;
	r->u = between(1, u_least, most_of(r, now_us));
	r->error_before = 0;
}

static void tick(struct resource *r, int64_t now_us)
{
	int64_t standing_us = resource_standing_us(r, now_us);
	int64_t target_us = resource_target_us(r);

	learn_drain(r, standing_us);
	level_tick(&r->level, now_us);
	bool grows = r->wait_us > target_us && offered_us(r) > r->drain;
	if (!r->is_over && (standing_us > target_us || grows)) {
		begin_overload(r, now_us);
	}
	if (r->is_over) {
		steer(r, standing_us, now_us);
		guard(r, now_us);
	} else {
		comeback_calm(&r->comeback, offered_us(r), share_us(r));
	}
	double budget = budget_us(r, standing_us);
	level_lay(&r->level, &(struct level_room){ .budget_us = budget,
				 .usual_us = r->drain * LEVEL_TICK_US / SECOND_US,
				 .standing_us = r->drain * (double)standing_us / SECOND_US });
	bool is_calm = standing_us < target_us / 8 && level_offered_us(&r->level) <= budget;
	r->calm_ticks = is_calm ? r->calm_ticks + 1 : 0;
	r->is_over = r->is_over && r->calm_ticks < CALM_TICKS;
	r->tick_served_us = 0;
}

void resource_turn(struct resource *r, int64_t now_us)
{
	for (unsigned i = 0; i < GAP_TICKS && now_us >= r->tick_end_us; i++) {
		tick(r, r->tick_end_us);
		r->tick_end_us += LEVEL_TICK_US;
	}
	if (now_us >= r->tick_end_us) {
		r->tick_end_us = now_us + LEVEL_TICK_US;
		r->is_over = false;
	}
}

/* A wait that has become so long, and has been too long for half of an interval, will stand. */
static void watch_peak(struct resource *r, int64_t now_us)
{
	int64_t target_us = resource_target_us(r);

	if (r->wait_us <= target_us) {
		r->is_long = false;
		return;
	}
	r->long_us = r->is_long ? r->long_us : now_us;
	r->is_long = true;
	if (!r->is_over && r->wait_us > LONG_TIMES * target_us &&
	    now_us - r->long_us >= r->wait.interval_us / 2) {
		begin_overload(r, now_us);
	}
}

void resource_look(struct resource *r, const struct resource_seen *seen, int64_t now_us)
{
	int64_t full_us = FULL_TIMES * resource_target_us(r);
	unsigned lanes = seen->lanes > 0 ? seen->lanes : 1;

	r->run_us = seen->run_us;
	if (seen->full_us > 0) {
		double before = r->full_us > 0 ? r->full_us : (double)seen->full_us;
		r->full_us = before + ((double)seen->full_us - before) * full_weight;
	}
	r->askers = seen->askers > 0 ? seen->askers : 1;
	if (r->lanes != lanes) {
		r->drain = r->drain / r->lanes * lanes;
		r->lanes = lanes;
	}
	r->wait.target_us = resource_target_us(r);
	r->wait.interval_us = INTERVAL_JOBS * r->run_us;
	if (r->wait.interval_us < INTERVAL_US) {
		r->wait.interval_us = INTERVAL_US;
	}
	resource_turn(r, now_us);
	r->wait_us = seen->wait_us < full_us ? seen->wait_us : full_us;
	delay_meter_record(&r->wait, r->wait_us, now_us);
	watch_peak(r, now_us);
}

/* ---- requests ---- */

void resource_expect(struct resource *r, int64_t wait_us)
{
	r->wait_us = wait_us;
}

bool resource_ask(struct resource *r, const struct level_ask *ask)
{
	bool is_in = level_ask(&r->level, ask);

	/* A worker that would idle while the call is on its way has room for it. */
	return is_in || !r->is_over || r->wait_us <= r->run_us / 2;
}

bool resource_has_room(const struct resource *r, enum shed_rank rank, uint64_t user)
{
	return !r->is_over || level_has_room(&r->level, rank, user);
}

void resource_served(struct resource *r, double cost_us)
{
	r->tick_served_us += cost_us;
	r->served_us += cost_us;
}

unsigned resource_come_back_s(struct resource *r, double cost_us, int64_t now_us)
{
	return comeback_book(&r->comeback, offered_us(r), share_us(r), cost_us, now_us);
}

unsigned resource_load_permille(const struct resource *r)
{
	double load = offered_us(r) / (r->is_over ? r->u * r->drain : nominal(r) / r->askers);

	if (!r->is_over && load > 1) {
		load = 1;
	}
	return (unsigned)(between(load, 0, 1.2) * 1000);
}
