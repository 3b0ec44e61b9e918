/*
 * With too much to do a target still does what it can, so one failed probe says about where the
 * limit is: as many users as it served. Probes a little below and a little above that are usually
 * the last ones. A target that collapses serves less than it could: the probe above is held, and
 * halving finds the way.
 */
#include "lab/line_search.h"

#include <math.h>

enum {
	VOID_MAX = 5, /* with something held below */
	VOID_ONLY_MAX = 3,
};

static const double near = 1.003, /* the same users again say nothing new */
    leap = 4, step = 2, back = 0.5,
		    apart_share = 0.33, /* of the width: twice that and the excess make it whole */
    excess_share = 0.3, excess_first = 0.25; /* while it is only looked for where it breaks */

void line_search_init(struct line_search *s, const struct line_search_plan *plan)
{
	*s = (struct line_search){ .plan = *plan };
	s->high = plan->known_failed;
	s->apart = plan->width * apart_share;
	s->guess = 0;
}

void line_search_interval(const struct line_search *s, double *ret_low, double *ret_high)
{
	*ret_low = s->sure;
	*ret_high = s->high;
}

static bool is_narrow(const struct line_search *s)
{
	double low = 0, high = 0;

	line_search_interval(s, &low, &high);
	/* Where chance does not let more be told, halving on is in vain. */
	double enough = fmax(s->plan.width, s->rough * 2.5);
	return low > 0 && high > 0 && high / low - 1 <= enough;
}

static double bounded(const struct line_search *s, double users)
{
	return floor(fmin(fmax(users, s->plan.least), s->plan.most));
}

/* Inside the interval, at the guess or in the middle. */
static double inside(const struct line_search *s)
{
	double below = s->guess * (1 - s->apart), above = s->guess * (1 + s->apart);

	if (s->guess > 0 && below > s->low * near && below < s->high) {
		return below;
	}
	if (s->guess > 0 && above > s->low * near && above * near < s->high) {
		return above;
	}
	return s->low > 0 ? sqrt(s->low * s->high) : s->high * back;
}

double line_search_next(const struct line_search *s, double *ret_excess)
{
	double users = s->plan.start;

	*ret_excess = s->high > 0 ? s->plan.width * excess_share : excess_first;

	if (s->over || s->n_probes >= s->plan.probes_max || is_narrow(s)) {
		return 0;
	}
	if (s->high > 0) {
		users = inside(s);
	} else if (s->low > 0) {
		users = s->guess > s->low ? s->guess : s->low * step;
	}
	users = bounded(s, users);
	/* The bounds, or users that cannot be halved, leave nothing to ask. */
	bool known = s->high > 0 ? users <= s->sure || users >= s->high : users <= s->low;
	return known ? 0 : users;
}

static void note_held(struct line_search *s, double users, double excess, bool eager)
{
	s->sure = fmax(s->sure, users * (1 - excess));
	if (s->high > 0 && excess > s->plan.width * excess_share) {
		s->rough = excess;
		s->apart = fmax(s->apart, excess / 2);
	}
	s->low = fmax(s->low, users);
	if (s->high <= 0) {
		s->guess = users * (eager ? leap : step);
	}
}

static void note_failed(struct line_search *s, double users, double served)
{
	s->high = s->high > 0 ? fmin(s->high, users) : users;
	double guess = users * fmax(served, 1 / (leap * leap));
	/* One that serves nearly everything is at the limit; nearer than the test can tell. */
	s->guess = fmin(guess, users * (1 - s->apart / 2));
	if (s->low > 0 && s->guess <= s->low) {
		s->guess = 0; /* it collapsed: no guess */
	}
}

/* Nothing to be said there even with patience: the limit is about there, and asked farther off. */
static void note_undecided(struct line_search *s, double users)
{
	s->apart *= s->undecided > 0 ? 1.5 : 1;
	s->undecided = s->guess = users;
	double below = users * (1 - s->apart), above = users * (1 + s->apart);
	if (below <= s->low && (s->high > 0 && above >= s->high)) {
		s->over = true;
	}
}

/*
 * The generator was the limit. Once may be another program's fault. Twice: so many are too many for
 * it, and the limit may still be below them.
 */
static void note_void(struct line_search *s, double users)
{
	s->over = ++s->n_void >= (s->low > 0 ? VOID_MAX : VOID_ONLY_MAX);
	if (s->n_void > 1 && s->high <= 0 && s->low > 0) {
		s->plan.most = fmin(s->plan.most, users);
		s->guess = sqrt(s->low * users);
	}
}

void line_search_note(struct line_search *s, double users, double excess, enum line_verdict verdict,
    double served, bool eager)
{
	s->n_probes++;
	switch (verdict) {
	case LINE_HELD:
		note_held(s, users, excess, eager);
		break;
	case LINE_FAILED:
		note_failed(s, users, served);
		break;
	case LINE_UNDECIDED:
		note_undecided(s, users);
		break;
	case LINE_VOID:
		note_void(s, users);
		break;
	case LINE_OPEN:
		s->over = true; /* it was interrupted */
		break;
	}
	/* Held above what once failed, or the other way round: chance, or a target that changes.
	 * What failed counts, and what is below it is asked again. */
	if (s->high > 0 && s->low >= s->high) {
		s->low = s->sure = 0;
	}
}
