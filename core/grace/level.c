/*
 * See level.h.
 *
 * Size and shape are kept apart. How much a class offers has to be known within a tick or two, or
 * the cut would come when the peak is over, but what chance does to a tick of few must not cut
 * anybody; how it lies over the hash is the same for seconds, and needs that many requests to be
 * seen.
 *
 * A user who asks for several times what the others ask for is no reason to shut them out: of what
 * he asks for only as much as is theirs is counted and let in (hogs.h).
 */
#include "core/grace/level.h"

#include <string.h>

enum {
	SHAPE_TICKS = 32, /* over which the shape fades */
	/* Askers in a tick that make its size certain; fewer are averaged over more ticks. */
	CERTAIN = 16,
	SELDOM = 3, /* standard deviations of what comes independently */
	MANY = 64,  /* of which chance is a small part */
};

static const double size_quick = 0.8, size_chance = 0.25, size_slow = 1.0 / 16;

void level_init(struct level *l)
{
	memset(l, 0, sizeof(*l));
	for (unsigned i = 0; i < LEVEL_CLASSES; i++) {
		l->classes[i].rank = i < SHED_RANKS	? (enum shed_rank)i
				     : i < LEVEL_EXCESS ? SHED_FIRST
							: SHED_RANKS;
		l->classes[i].share = 1;
		l->classes[i].whole = LEVEL_CELLS;
	}
}

void level_set_reserve(struct level *l, unsigned reserve, double share)
{
	l->reserve[reserve - 1] = share;
}

/* Fibonacci hashing of what may be a small number or a hash already: it lies evenly. */
static uint64_t mix(uint64_t user)
{
	user ^= user >> 32;
	user *= UINT64_C(0x9e3779b97f4a7c15);
	return user ^ user >> 29;
}

static unsigned cell_of(uint64_t user)
{
	return (unsigned)(mix(user) % LEVEL_CELLS);
}

static unsigned class_of(const struct level_ask *ask)
{
	return ask->reserve > 0 ? SHED_RANKS + ask->reserve - 1 : ask->rank;
}

/* ---- what is offered ---- */

/* How much a tick says: little where it is no further from the mean than chance alone often is. */
static double weight_of(const struct level_class *c)
{
	double n = c->n > c->tick_n ? c->n : c->tick_n;
	double apart = (double)c->tick_n - c->n;
	bool may_be_chance = n < MANY && apart * apart <= SELDOM * SELDOM * c->n;
	double most = may_be_chance ? size_chance : size_quick;
	double weight = n / CERTAIN;

	return weight < size_slow ? size_slow : weight > most ? most : weight;
}

static void look_at_size(struct level_class *c)
{
	double weight = weight_of(c);

	c->n += ((double)c->tick_n - c->n) / 3;
	c->rate += (c->tick_cost - c->rate) * weight;
	c->tick_cost = 0;
	c->tick_n = 0;
	for (unsigned i = 0; i < LEVEL_CELLS; i++) {
		c->cells[i] *= 1 - 1.0F / SHAPE_TICKS;
	}
}

double level_offered_us(const struct level *l)
{
	double sum = 0;

	for (unsigned i = 0; i < LEVEL_CLASSES; i++) {
		sum += l->classes[i].rate;
	}
	return sum;
}

/* ---- the cut ---- */

static double least_of(double a, double b)
{
	return a < b ? a : b;
}

/* Gives to the classes of a rank what they want, or each its part of what is left. */
static void give(struct level *l, enum shed_rank rank, double granted[], double *left)
{
	double wanted = 0;

	for (unsigned i = 0; i < LEVEL_CLASSES; i++) {
		wanted += l->classes[i].rank == rank ? l->classes[i].rate - granted[i] : 0;
	}
	if (wanted <= 0) {
		return;
	}
	double part = least_of(1, *left / wanted);
	for (unsigned i = 0; i < LEVEL_CLASSES; i++) {
		if (l->classes[i].rank == rank) {
			double more = (l->classes[i].rate - granted[i]) * part;
			granted[i] += more;
			*left -= more;
		}
	}
}

/* How far the arc of a class goes: cells until its share is used up. */
static void lay_arc(struct level_class *c, unsigned first)
{
	double sum = 0;

	c->whole = LEVEL_CELLS;
	c->part = 0;
	if (c->share >= 1) {
		return;
	}
	for (unsigned i = 0; i < LEVEL_CELLS; i++) {
		sum += (double)c->cells[i];
	}
	if (sum <= 0) { /* of users nothing is known yet */
		c->whole = (unsigned)(c->share * LEVEL_CELLS);
		c->part = c->share * LEVEL_CELLS - c->whole;
		return;
	}
	double left = sum * c->share;
	for (unsigned i = 0; i < LEVEL_CELLS; i++) {
		double here = (double)c->cells[(first + i) % LEVEL_CELLS];
		if (here > left) {
			c->whole = i;
			c->part = left / here;
			return;
		}
		left -= here;
	}
}

void level_tick(struct level *l, int64_t now_us)
{
	double n = 0;

	for (unsigned i = 0; i < LEVEL_CLASSES; i++) {
		look_at_size(&l->classes[i]);
		n += l->classes[i].n;
	}
	hogs_tick(&l->hogs, n > 0 ? level_offered_us(l) / n : 0, l->usual_us);
	l->first = (unsigned)(now_us % LEVEL_TURN_US * LEVEL_CELLS / LEVEL_TURN_US);
}

/* What reserves have before ranks. */
static void give_reserves(struct level *l, double budget_us, double granted[], double *left)
{
	for (unsigned i = 0; i < LEVEL_RESERVES; i++) {
		unsigned at = SHED_RANKS + i;
		double kept = least_of(l->reserve[i] * budget_us, *left);
		kept = least_of(kept, l->classes[at].rate - granted[at]);
		granted[at] += kept;
		*left -= kept;
	}
}

/* To hogs, of what is left, what is worked off beside all that others have and that stands. */
static void give_excess(
    struct level *l, const struct level_room *room, double granted[], double *left)
{
	double others_us = room->budget_us - *left;
	double spare_us = room->usual_us - room->standing_us - others_us;

	*left = least_of(*left, spare_us > 0 ? spare_us : 0);
	give(l, SHED_RANKS, granted, left);
}

void level_lay(struct level *l, const struct level_room *room)
{
	double granted[LEVEL_CLASSES] = { 0 }, budget_us = room->budget_us, left = budget_us;

	/* What a tick has left, or had too much, the next one has more or less. */
	l->let_us -= l->budget_us;
	l->let_us = l->let_us < -budget_us ? -budget_us : l->let_us;
	l->let_us = l->let_us > budget_us ? budget_us : l->let_us;
	l->budget_us = budget_us;
	l->usual_us = room->usual_us;
	give(l, SHED_NEVER, granted, &left);
	give(l, SHED_LAST, granted, &left);
	give_reserves(l, budget_us, granted, &left);
	for (unsigned rank = SHED_LATE; rank < SHED_RANKS; rank++) {
		give(l, (enum shed_rank)rank, granted, &left);
	}
	give_excess(l, room, granted, &left);
	for (unsigned i = 0; i < LEVEL_CLASSES; i++) {
		struct level_class *c = &l->classes[i];
		bool is_cut = c->rate - granted[i] > c->rate / 1000;
		c->share = is_cut ? granted[i] / c->rate : 1;
		lay_arc(c, l->first);
	}
}

/* ---- requests ---- */

static bool next_in_turn(double *owed, double share)
{
	*owed += share;
	if (*owed >= 1) {
		*owed -= 1;
		return true;
	}
	return false;
}

/* Is it one of a hog's requests beyond others' measure? */
static bool is_excess(struct level *l, const struct level_ask *ask)
{
	double share = ask->user == 0 ? 1 : hogs_count(&l->hogs, ask->user, ask->cost_us);

	return ask->rank > SHED_LAST && share < 1 && !next_in_turn(&l->hogs_owed, share);
}

/* The class in which it counts. */
static struct level_class *count(struct level *l, const struct level_ask *ask)
{
	bool excess = is_excess(l, ask);
	struct level_class *c = &l->classes[excess ? (unsigned)LEVEL_EXCESS : class_of(ask)];

	if (ask->user != 0) {
		c->cells[cell_of(ask->user)] += (float)ask->cost_us;
	}
	c->tick_cost += ask->cost_us;
	c->tick_n++;
	if (!excess) {
		c->rank = ask->rank;
	}
	return c;
}

static unsigned place_of(const struct level *l, uint64_t user)
{
	return (cell_of(user) + LEVEL_CELLS - l->first) % LEVEL_CELLS;
}

static bool is_below(struct level *l, struct level_class *c, const struct level_ask *ask)
{
	if (ask->rank <= SHED_LAST || c->share >= 1) {
		return true;
	}
	if (l->let_us >= l->budget_us) {
		return false;
	}
	unsigned at = place_of(l, ask->user);
	return at < c->whole || (at == c->whole && next_in_turn(&c->owed, c->part));
}

bool level_ask(struct level *l, const struct level_ask *ask)
{
	bool is_in = is_below(l, count(l, ask), ask);

	l->let_us += is_in ? ask->cost_us : 0;
	return is_in;
}

bool level_has_room(const struct level *l, enum shed_rank rank, uint64_t user)
{
	unsigned at = place_of(l, user);

	for (unsigned i = 0; i < LEVEL_CLASSES; i++) {
		const struct level_class *c = &l->classes[i];
		bool may_be_cut = c->rank > SHED_LAST && c->rank <= rank;
		if (may_be_cut && c->share < 1 && at >= c->whole) {
			return false;
		}
	}
	return true;
}

enum shed_rank level_cut(const struct level *l, double *ret_share)
{
	enum shed_rank first = SHED_RANKS;

	*ret_share = 1;
	for (unsigned i = 0; i < LEVEL_CLASSES; i++) {
		const struct level_class *c = &l->classes[i];
		if (c->share < 1 && c->rank < first) {
			first = c->rank;
			*ret_share = c->share;
		}
	}
	return first;
}
