/*
 * The admission decision. Five questions, cheapest first:
 *
 *  1. Is the resource that this operation needs able to begin it in time? The expected wait there
 *     must fit the patience of its rank; a bound longer than people's patience is no bound
 *     (load-and-overload.md 4.4), so it is seconds at most, and the rest is refused at once. Once
 *     the queue there stands, its controller has a budget, and who is above the level is refused
 *     although he might still be begun in time (resource.h, level.h): the wait is short for those
 *     who are let in, and it is not chance that chooses them. A quarter of the calls that a
 *     resource takes at a time is kept for work already begun.
 *  2. The same of the loop itself, of which every request takes a part, but of what takes hardly
 *     more of it than a refusal. Beside its level ranks are cut off one after the other, the
 *     easiest to retry first, as the delay doubles: a peak is faster than any measure of it.
 *  3. Does somebody wait for a mail of it? While mails stand in the outbox for longer than a person
 *     looks into his mailbox, no more are promised than go out.
 *  4. Are there tasks left to run it in? The last eighth is kept for work already begun.
 *  5. Does it begin work of several requests? Then the store, where those that follow will go, must
 *     have room for them too, below its level and beside what has been promised to others: an
 *     activity that is cut in the middle has cost as much as one that is served
 *     (doc/decisions/0079).
 *
 * Refused clients are told to come back when the resource that refused them has spare capacity for
 * them (comeback.h). For the rest, and for work begun, it is a second or more, spread so that
 * refusing them again stays cheap (REFUSALS_PER_S at some 10 us each is a percent of a core), and
 * not later: those who still wait to return when a peak has ended are what keeps it from being
 * over. Figures and what else was tried: doc/decisions/0009, 0118, 0133; what
 * tolerance is for: 0137.
 */
#include "core/grace/admit.h"

#include <string.h>

#include "core/grace/needs.h"

enum {
	SECOND_US = 1000000,
	REFUSAL_WINDOW_US = SECOND_US,
	RETRY_AFTER_MAX_S = 60,
	REFUSALS_PER_S = 1000,
	/* The loop delay at which even the last rank is cut, as a multiple of the target. */
	LAST_CUT = 64,
	/* A burst may wait so long at a resource, or for so many jobs. */
	BURST_US = 500000,
	BURST_JOBS = 8,
	/*
	 * What waits at the store and what is promised: it has to be done within the patience of
	 * those it was promised to.
	 */
	PROMISED_MAX_US = 1600000,
	/*
	 * In the loop those who are in line may take so long, and less while a queue stands there:
	 * a peak is there before any tick has seen it. The line of ranks that have room while
	 * others are cut is long by chance alone.
	 */
	LOOP_BURST_US = 100000,
	LOOP_BURST_OVER_US = 5000,
	LOOP_BURST_ROOM_US = 20000,
	/*
	 * Reading the request is not counted in either: with it, this is some two and a half times
	 * what refusing takes.
	 */
	CHEAP_TIMES = 4,
	/* What a request takes where nobody has measured it yet. */
	LOOP_GUESS_US = 100,
	RUN_GUESS_US = 1000,
	/* People wait so long with their mailbox open; beyond the longer time they are gone. */
	MAIL_TARGET_US = 30 * SECOND_US,
	MAIL_WAIT_MAX_US = 120 * SECOND_US,
};

const char *const grace_refusal_names[GRACE_REFUSALS] = {
	[GRACE_COMPUTE] = "compute",
	[GRACE_STORE] = "store",
	[GRACE_SIGNER] = "signer",
	[GRACE_READ] = "read",
	[GRACE_COURIER] = "courier",
	[GRACE_LOOP] = "loop",
	[GRACE_TASKS] = "tasks",
};

/*
 * Compute's jobs are long, and a few callers that wait for their answers are no overload. The
 * store's wait is worked out from what there is to do, of which much is done in one commit: a short
 * one says little.
 */
static const struct resource_limits limits[GRACE_RESOURCES] = {
	[GRACE_COMPUTE] = { .target_us = 200000, .target_max_us = 500000, .target_jobs = 4 },
	[GRACE_STORE] = { .target_us = 100000, .target_max_us = 500000, .target_jobs = 3 },
	[GRACE_SIGNER] = { .target_us = 50000, .target_max_us = 500000, .target_jobs = 3 },
	[GRACE_READ] = { .target_us = 50000, .target_max_us = 500000, .target_jobs = 3 },
	[GRACE_COURIER] = { .target_us = MAIL_TARGET_US, .target_max_us = MAIL_TARGET_US },
	[GRACE_LOOP] = { .target_us = 5000, .target_max_us = 5000, .aims_at_half = true },
};

void grace_init(struct grace *g, uint64_t seed, int64_t now_us)
{
	memset(g, 0, sizeof(*g)); /* too large to be copied from the stack */
	g->window_end_us = now_us + REFUSAL_WINDOW_US;
	g->random_state = seed | 1;
	for (unsigned i = 0; i < GRACE_RESOURCES; i++) {
		resource_init(&g->resources[i], &limits[i], now_us);
	}
	promised_init(&g->promised, now_us);
	grace_set_tolerance(g, 1);
}

void grace_set_reserve(struct grace *g, unsigned reserve, double share)
{
	for (unsigned i = 0; i < GRACE_RESOURCES; i++) {
		level_set_reserve(&g->resources[i].level, reserve, share);
	}
}

void grace_set_tolerance(struct grace *g, unsigned times)
{
	g->tolerance = times;
	for (unsigned i = 0; i < GRACE_RESOURCES; i++) {
		g->resources[i].tolerance = i == GRACE_COURIER ? 1 : times; /* no processors */
	}
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

/* ---- what is asked of a resource ---- */

static struct level_ask level_ask_of(const struct grace_ask *ask, int64_t cost_us, int64_t guess_us)
{
	return (struct level_ask){ .rank = ask->rank,
		.reserve = ask->reserve,
		.user = ask->user,
		.cost_us = (double)(cost_us > 0 ? cost_us : guess_us) };
}

static struct level_ask ask_of_resource(
    const struct grace *g, const struct grace_ask *ask, enum grace_refusal which)
{
	return which == GRACE_LOOP ? level_ask_of(ask, ask->loop_us, LOOP_GUESS_US)
				   : level_ask_of(ask, g->resources[which].run_us, RUN_GUESS_US);
}

/* ---- the questions ---- */

/* The longest wait in front of a resource that an operation of a rank is let into. */
static int64_t patience_us(const struct grace *g, enum shed_rank rank)
{
	return (rank <= SHED_LAST ? 2 * SECOND_US : SECOND_US) * (int64_t)g->tolerance;
}

/* The bound at compute: for a burst, and for what the level lets in at a bad moment. */
static int64_t burst_us(const struct grace *g, enum shed_rank rank)
{
	int64_t jobs_us = BURST_JOBS * g->resources[GRACE_COMPUTE].run_us;
	int64_t us = (jobs_us > BURST_US ? jobs_us : BURST_US) * (int64_t)g->tolerance;
	int64_t most_us = patience_us(g, rank);

	return rank <= SHED_LATE || us > most_us ? most_us : us;
}

/* Whoever may have the last place hears from the wait that it is taken. */
static bool has_place(unsigned used, enum shed_rank rank)
{
	return rank <= SHED_LAST || used < NEEDS_USED_MOST;
}

static bool passes(struct grace *g, const struct grace_ask *ask, enum grace_refusal which)
{
	struct level_ask level_ask = ask_of_resource(g, ask, which);

	return ask->again || resource_ask(&g->resources[which], &level_ask);
}

static bool fits_resource(
    struct grace *g, const struct grace_load *load, const struct grace_ask *ask, int64_t now_us)
{
	struct grace_need need;

	if (!grace_needs(load, ask->cost, &need)) {
		g->refused_for = GRACE_LOOP; /* if its budget is used up */
		return ask->budget_us > 0;
	}
	int64_t wait_us = need.seen.wait_us;
	g->refused_for = need.which;
	resource_look(&g->resources[need.which], &need.seen, now_us);
	int64_t bound_us =
	    need.which == GRACE_COMPUTE ? burst_us(g, ask->rank) : patience_us(g, ask->rank);
	bool is_in = passes(g, ask, need.which);
	return is_in && wait_us <= bound_us && wait_us < ask->budget_us &&
	       has_place(need.used, ask->rank);
}

/* Where mails do not go out at all, more of them are no help to anybody. */
static bool fits_courier(struct grace *g, const struct grace_ask *ask)
{
	const struct resource *r = &g->resources[GRACE_COURIER];

	return !ask->mails || (passes(g, ask, GRACE_COURIER) && r->wait_us <= MAIL_WAIT_MAX_US) ||
	       ask->rank <= SHED_LAST;
}

static bool is_beginning(const struct grace_ask *ask)
{
	return ask->begins && ask->rank > SHED_LAST;
}

/* The store, for the steps that will follow. */
static bool fits_steps(
    struct grace *g, const struct grace_load *load, uint64_t user, int64_t now_us)
{
	const enum shed_rank alone = SHED_LATE;

	if (load->store_wait_us > patience_us(g, alone) || !has_place(load->store_used, alone) ||
	    !resource_has_room(&g->resources[GRACE_STORE], alone, user)) {
		return false;
	}
	int64_t webs = load->webs > 0 ? load->webs : 1;
	int64_t promised_us = promised_steps(&g->promised, now_us) * load->store_run_us * webs;
	return load->store_wait_us + promised_us <= PROMISED_MAX_US * (int64_t)g->tolerance;
}

/* The multiple of the target delay up to which a rank is still let in. */
static int64_t cut_of(enum shed_rank rank)
{
	return LAST_CUT >> (rank - SHED_LAST);
}

int64_t grace_line_us(const struct grace *g, enum shed_rank rank)
{
	const struct resource *loop = &g->resources[GRACE_LOOP];
	double unused;

	if (rank <= SHED_LAST) {
		return INT64_MAX;
	}
	if (!loop->is_over) {
		return LOOP_BURST_US * (int64_t)g->tolerance;
	}
	enum shed_rank cut = level_cut(&loop->level, &unused);
	bool has_room = cut < SHED_RANKS && rank < cut;
	return (has_room ? LOOP_BURST_ROOM_US : LOOP_BURST_OVER_US) * (int64_t)g->tolerance;
}

/*
 * What needs the loop alone, and takes hardly more of it than saying no: to refuse it would make
 * room for nobody.
 */
static bool is_cheap_as_a_no(const struct grace_load *load, const struct grace_ask *ask)
{
	struct grace_need unused;

	return ask->loop_us > 0 && ask->loop_us <= CHEAP_TIMES * load->refusal_us &&
	       !grace_needs(load, ask->cost, &unused);
}

static bool fits_loop(struct grace *g, const struct grace_load *load, const struct grace_ask *ask)
{
	int64_t cut = cut_of(ask->rank);
	struct grace_ask counted = *ask;

	if (is_cheap_as_a_no(load, ask)) {
		counted.rank = SHED_LAST;
	}
	resource_expect(&g->resources[GRACE_LOOP], ask->loop_wait_us);
	bool is_in = passes(g, &counted, GRACE_LOOP);
	bool may_join = !ask->joins || ask->line_us <= grace_line_us(g, ask->rank);

	return is_in && may_join &&
	       load->loop_delay_us <=
		   (cut < 1 ? 1 : cut) * resource_target_us(&g->resources[GRACE_LOOP]);
}

static bool fits_tasks(const struct grace_load *load, enum shed_rank rank)
{
	unsigned reserve = rank <= SHED_LAST ? 0 : load->tasks_max / 8;

	return load->tasks_max == 0 || load->tasks + reserve < load->tasks_max;
}

static unsigned come_back_s(struct grace *g, const struct grace_ask *ask, int64_t now_us)
{
	unsigned soon_s = grace_retry_after_s(g, now_us);
	enum grace_refusal which = g->refused_for;

	if (which >= GRACE_TASKS || ask->rank <= SHED_LAST) {
		return soon_s;
	}
	double cost_us = ask_of_resource(g, ask, which).cost_us;
	unsigned s = resource_come_back_s(&g->resources[which], cost_us, now_us);
	return s > 0 ? s : soon_s;
}

bool grace_admit(struct grace *g, const struct grace_load *load, const struct grace_ask *ask,
    int64_t now_us, unsigned *ret_retry_after_s)
{
	if (ask->rank == SHED_NEVER) {
		return true;
	}
	if (ask->is_step && !ask->again) {
		promised_step(&g->promised, now_us); /* it came, whatever becomes of it */
	}
	if (!fits_resource(g, load, ask, now_us)) {
		/* it has said which */
	} else if (!fits_loop(g, load, ask)) {
		g->refused_for = GRACE_LOOP;
	} else if (!fits_courier(g, ask)) {
		g->refused_for = GRACE_COURIER;
	} else if (!fits_tasks(load, ask->rank)) {
		g->refused_for = GRACE_TASKS;
	} else if (is_beginning(ask) && !ask->again && !fits_steps(g, load, ask->user, now_us)) {
		g->refused_for = GRACE_STORE;
	} else {
		if (is_beginning(ask) && !ask->again) {
			promised_begin(&g->promised, now_us);
		}
		return true;
	}
	*ret_retry_after_s = come_back_s(g, ask, now_us);
	return false;
}

/* Whatever the database is: what a file is asked for counts nowhere else. False: the loop alone. */
static bool resource_of(enum cost_class cost, enum grace_refusal *ret)
{
	static const struct grace_load some = { .read_lanes = 1 };
	struct grace_need need;
	bool is_there = grace_needs(&some, cost, &need);

	*ret = is_there ? need.which : GRACE_LOOP;
	return is_there;
}

bool grace_wants_user(const struct grace *g, enum cost_class cost, bool begins)
{
	enum grace_refusal which;

	return g->resources[GRACE_LOOP].is_over || g->resources[GRACE_COURIER].is_over ||
	       (begins && g->resources[GRACE_STORE].is_over) ||
	       (resource_of(cost, &which) && g->resources[which].is_over);
}

void grace_served(struct grace *g, const struct grace_ask *ask)
{
	enum grace_refusal which;

	if (resource_of(ask->cost, &which)) {
		resource_served(&g->resources[which], ask_of_resource(g, ask, which).cost_us);
	}
	resource_served(&g->resources[GRACE_LOOP], ask_of_resource(g, ask, GRACE_LOOP).cost_us);
}
