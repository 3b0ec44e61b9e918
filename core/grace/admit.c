/*
 * The admission decision, first form. Four questions, cheapest first:
 *
 *  1. Is the resource that this operation needs able to begin it in time? The expected wait there
 *     must fit the patience of its rank; a bound longer than people's patience is no bound
 *     (load-and-overload.md 4.4), so it is seconds at most, and the rest is refused at once. In
 *     front of compute that bound is for bursts: once the queue there has been standing for an
 *     interval, a long one serves nobody better, and it is held at half a second (two jobs, where
 *     those are longer) until it has been all but empty again. A quarter of the calls that a
 *     resource takes at a time is kept for work already begun.
 *  2. Does the loop itself have a standing queue? Then ranks are cut off one after the other, the
 *     easiest to retry first, as the delay doubles.
 *  3. Are there tasks left to run it in? The last eighth is kept for work already begun.
 *  4. Does it begin work of several requests? Then the store, where those that follow will go, must
 *     have room for them too, beside what has been promised to others: an activity that is cut in
 *     the middle has cost as much as one that is served (doc/decisions/0079).
 *
 * Refused clients are told to come back after a second or more, spread so that refusing them again
 * stays cheap (REFUSALS_PER_S at some 20 us each is half a percent of a core), and not later: those
 * who still wait to return when a peak has ended are what keeps it from being over. Figures and
 * what else was tried: doc/decisions/0009.
 */
#include "core/grace/admit.h"

enum {
	LOOP_TARGET_US = 5000,
	LOOP_INTERVAL_US = 100000,
	REFUSAL_WINDOW_US = 1000000,
	/* The standing queue at compute: at least this long counts, and for so long. */
	COMPUTE_TARGET_US = 500000,
	COMPUTE_INTERVAL_US = 500000,
	RETRY_AFTER_MAX_S = 60,
	REFUSALS_PER_S = 250,
	/* The loop delay at which even the last rank is cut, as a multiple of the target. */
	LAST_CUT = 64,
	/* Of the calls that a resource takes, in thousandths: the rest is for work begun. */
	USED_MOST = 750,
	/*
	 * What waits at the store and what is promised: it has to be done within the patience of
	 * those it was promised to.
	 */
	PROMISED_MAX_US = 1600000,
};

/* The longest wait in front of a resource that an operation of a rank is let into. */
static int64_t patience_us(enum shed_rank rank)
{
	return rank <= SHED_LAST ? 2000000 : 1000000;
}

void grace_init(struct grace *g, uint64_t seed, int64_t now_us)
{
	*g =
	    (struct grace){ .window_end_us = now_us + REFUSAL_WINDOW_US, .random_state = seed | 1 };
	delay_meter_init(&g->loop_delay, LOOP_TARGET_US, LOOP_INTERVAL_US, now_us);
	delay_meter_init(&g->compute_wait, COMPUTE_TARGET_US, COMPUTE_INTERVAL_US, now_us);
	promised_init(&g->promised, now_us);
}

static void turn(struct grace *g, int64_t now_us)
{
	if (now_us < g->window_end_us) {
		return;
	}
	bool missed_whole_window = now_us >= g->window_end_us + REFUSAL_WINDOW_US;
	g->refused_before = missed_whole_window ? 0 : g->refused_now;
	g->refused_now = 0;
	g->window_end_us = now_us + REFUSAL_WINDOW_US;
}

/* xorshift64*: good enough to spread clients, and repeatable under a seed. */
static uint64_t next_random(struct grace *g)
{
	g->random_state ^= g->random_state >> 12;
	g->random_state ^= g->random_state << 25;
	g->random_state ^= g->random_state >> 27;
	return g->random_state * 0x2545f4914f6cdd1d;
}

unsigned grace_retry_after_s(struct grace *g, int64_t now_us)
{
	turn(g, now_us);
	g->refused_now++;
	int64_t refused = g->refused_before > g->refused_now ? g->refused_before : g->refused_now;
	int64_t spread_s = refused / REFUSALS_PER_S;
	if (spread_s > RETRY_AFTER_MAX_S - 1) {
		spread_s = RETRY_AFTER_MAX_S - 1;
	}
	return 1 + (unsigned)(next_random(g) % ((uint64_t)spread_s + 1));
}

static int64_t wait_at_resource(const struct grace_load *load, enum cost_class cost)
{
	switch (cost) {
	case COST_COMPUTE:
		return load->compute_wait_us;
	case COST_WRITE:
		return load->store_wait_us;
	case COST_SIGN:
		return load->signer_wait_us;
	case COST_READ:
		return load->read_wait_us;
	case COST_HEALTH:
	case COST_MEMORY:
	case COST_STREAM:
	case COST_CLASSES:
		break;
	}
	return 0;
}

static unsigned used_at_resource(const struct grace_load *load, enum cost_class cost)
{
	return cost == COST_COMPUTE ? load->compute_used
	       : cost == COST_WRITE ? load->store_used
	       : cost == COST_SIGN  ? load->signer_used
				    : 0;
}

/* The resource that wait_at_resource() looked at; classes without one never wait for it. */
static enum grace_refusal resource_of(enum cost_class cost)
{
	return cost == COST_COMPUTE ? GRACE_COMPUTE
	       : cost == COST_WRITE ? GRACE_STORE
	       : cost == COST_SIGN  ? GRACE_SIGNER
				    : GRACE_LOOP; /* its budget is used up */
}

/*
 * The bound in front of compute. Held at the target the shortest wait stays just below it, so the
 * end of standing needs a much lower one, or the bound would swing.
 */
static int64_t compute_bound_us(
    struct grace *g, const struct grace_load *load, enum shed_rank rank, int64_t now_us)
{
	int64_t two_jobs_us = 2 * load->compute_run_us;
	int64_t target_us = two_jobs_us > COMPUTE_TARGET_US ? two_jobs_us : COMPUTE_TARGET_US;

	delay_meter_record(&g->compute_wait, load->compute_wait_us, now_us);
	int64_t standing_us = delay_meter_standing_us(&g->compute_wait, now_us);
	if (standing_us > target_us) {
		g->compute_stands = true;
	} else if (standing_us < target_us / 8) {
		g->compute_stands = false;
	}
	if (!g->compute_stands) {
		return patience_us(rank);
	}
	return rank <= SHED_LAST ? 2 * target_us : target_us;
}

/* Whoever may have the last place hears from the wait that it is taken. */
static bool has_place(const struct grace_load *load, enum cost_class cost, enum shed_rank rank)
{
	return rank <= SHED_LAST || used_at_resource(load, cost) < USED_MOST;
}

static bool fits_resource(
    struct grace *g, const struct grace_load *load, const struct grace_ask *ask, int64_t now_us)
{
	int64_t wait_us = wait_at_resource(load, ask->cost);
	int64_t bound_us = ask->cost == COST_COMPUTE ? compute_bound_us(g, load, ask->rank, now_us)
						     : patience_us(ask->rank);

	return wait_us <= bound_us && wait_us < ask->budget_us &&
	       has_place(load, ask->cost, ask->rank);
}

static bool is_beginning(const struct grace_ask *ask)
{
	return ask->begins && ask->rank > SHED_LAST;
}

/* The store, for the steps that will follow. */
static bool fits_steps(struct grace *g, const struct grace_load *load, int64_t now_us)
{
	const enum shed_rank alone = SHED_LATE;

	if (load->store_wait_us > patience_us(alone) || !has_place(load, COST_WRITE, alone)) {
		return false;
	}
	int64_t webs = load->webs > 0 ? load->webs : 1;
	int64_t promised_us = promised_steps(&g->promised, now_us) * load->store_run_us * webs;
	return load->store_wait_us + promised_us <= PROMISED_MAX_US;
}

/* The multiple of the target delay up to which a rank is still let in. */
static int64_t cut_of(enum shed_rank rank)
{
	return LAST_CUT >> (rank - SHED_LAST);
}

static bool fits_loop(const struct grace_load *load, enum shed_rank rank)
{
	int64_t cut = cut_of(rank);

	return load->loop_delay_us <= (cut < 1 ? 1 : cut) * LOOP_TARGET_US;
}

static bool fits_tasks(const struct grace_load *load, enum shed_rank rank)
{
	unsigned reserve = rank <= SHED_LAST ? 0 : load->tasks_max / 8;

	return load->tasks_max == 0 || load->tasks + reserve < load->tasks_max;
}

bool grace_admit(struct grace *g, const struct grace_load *load, const struct grace_ask *ask,
    int64_t now_us, unsigned *ret_retry_after_s)
{
	if (ask->rank == SHED_NEVER) {
		return true;
	}
	if (ask->is_step) {
		promised_step(&g->promised, now_us); /* it came, whatever becomes of it */
	}
	if (!fits_resource(g, load, ask, now_us)) {
		g->refused_for = resource_of(ask->cost);
	} else if (!fits_loop(load, ask->rank)) {
		g->refused_for = GRACE_LOOP;
	} else if (!fits_tasks(load, ask->rank)) {
		g->refused_for = GRACE_TASKS;
	} else if (is_beginning(ask) && !fits_steps(g, load, now_us)) {
		g->refused_for = GRACE_STORE;
	} else {
		if (is_beginning(ask)) {
			promised_begin(&g->promised, now_us);
		}
		return true;
	}
	*ret_retry_after_s = grace_retry_after_s(g, now_us);
	return false;
}
