/*
 * The first third of each step is left out: queues fill then.
 */
#include "lab/line_beyond.h"

#include <math.h>
#include <string.h>

#include "lab/stats.h"

enum {
	LAST = LINE_STEPS - 1,
	HALF_MORE = 3, /* the step of 1.5 times saturation */
	GOOD_WINDOWS = 2,
};

static const double calm_load = 0.7, settle_share = 1.0 / 3, window_s = 1, window_least = 30,
		    good_share = 0.95, patience = 1.5, patience_s = 5, collapse_below = 0.9,
		    chance_most = 2.5, half_s = 0.5, error_least = 0.01;

/* clang-format off */
static const struct {
	bool down;
	double load;
} course[LINE_STEPS] = {
	{ false, calm_load }, { false, 1 }, { false, 1.25 }, { false, 1.5 }, { false, 2 },
	{ true, 1.25 }, { true, calm_load },
};
static const char *const shape_names[] = {
	[LINE_SHAPE_UNKNOWN] = "unknown", [LINE_SHAPE_PLATEAU] = "plateau",
	[LINE_SHAPE_COLLAPSE] = "collapse", [LINE_SHAPE_HYSTERESIS] = "hysteresis",
};
/* clang-format on */

const char *line_shape_name(enum line_shape s)
{
	return shape_names[s];
}

/* How long a backlog of all that the course offers too much would take at the calm load: the most
 * that line_beyond_tick() can ask for. */
static double longest_drain_s(const struct line_beyond *b)
{
	double too_much = 0;

	for (unsigned i = 0; i < LAST; i++) {
		too_much += fmax(course[i].load - 1, 0) * b->step_s;
	}
	return too_much / (1 - calm_load);
}

void line_beyond_init(struct line_beyond *b, double per_second, double step_s, bool has_limit)
{
	memset(b, 0, sizeof(*b));
	b->per_second = per_second;
	b->step_s = step_s;
	b->has_limit = has_limit;
	b->recovery_s = -1;
	for (unsigned i = 0; i < LINE_STEPS; i++) {
		b->steps[i].down = course[i].down;
		b->steps[i].load = course[i].load;
		b->parts[i] = (struct arrival_part){ .seconds = step_s, .factor = course[i].load };
	}
	b->parts[LAST].seconds = step_s + patience * longest_drain_s(b) + patience_s + 1;
}

double line_beyond_seconds(const struct line_beyond *b)
{
	return LAST * b->step_s + b->parts[LAST].seconds;
}

static double good(const struct line_beyond *b, const struct line_tick *t)
{
	return (double)(t->done - (b->has_limit ? t->slo[0].slow : 0));
}

static void end_step(struct line_beyond *b)
{
	struct line_step *s = &b->steps[b->at];
	double seconds = b->last.at_s - b->first.at_s;

	if (!b->counting || seconds <= 0) {
		return;
	}
	s->seconds = seconds;
	s->offered = (double)(b->last.begun - b->first.begun) / seconds;
	s->good = (good(b, &b->last) - good(b, &b->first)) / seconds;
	s->refused = (double)(b->last.refused - b->first.refused) / seconds;
	s->failed = (double)(b->last.failed - b->first.failed) / seconds;
	s->error = fmax(sqrt(stats_variance(b->halves, b->n_halves) / fmax(b->n_halves, 1)),
	    error_least * s->good);
}

static void end_half(struct line_beyond *b, const struct line_tick *now)
{
	double seconds = now->at_s - b->half.at_s;

	if (seconds < half_s) {
		return;
	}
	if (b->n_halves < LINE_HALVES_MAX) {
		b->halves[b->n_halves++] = (good(b, now) - good(b, &b->half)) / seconds;
	}
	b->half = *now;
}

/* Is the calm load held again? Looked at in windows of a second or thirty arrivals. */
static void look_for_recovery(struct line_beyond *b, const struct line_tick *now)
{
	double begun = (double)(now->begun - b->window.begun);

	if (now->at_s - b->window.at_s <
	    fmax(window_s, window_least / (b->per_second * calm_load))) {
		return;
	}
	double done = good(b, now) - good(b, &b->window);
	double failed = (double)(now->failed + now->refused - b->window.failed - b->window.refused);
	/* Evenly spaced arrivals; three standard deviations of what is on its way all the same. */
	bool is_good = done >= good_share * begun - 3 * sqrt(fmin(begun, b->calm_running + 1)) &&
		       failed <= (1 - good_share) * begun + 1;
	bool is_calm =
	    (double)now->running <= 1.5 * b->calm_running + 3 * sqrt(b->calm_running + 1) + 3;
	b->n_good_windows = is_good && is_calm ? b->n_good_windows + 1 : 0;
	if (b->n_good_windows == 1) {
		b->recovery_s = b->window.at_s - b->from_s;
	} else if (b->n_good_windows == 0) {
		b->recovery_s = -1;
	}
	b->window = *now;
}

static void next_step(struct line_beyond *b, const struct line_tick *now)
{
	end_step(b);
	if (b->at == 0) {
		b->lost = (double)(now->begun - now->done - now->refused);
	}
	b->at++;
	b->from_s += b->step_s;
	b->counting = false;
	b->window = *now;
	if (b->at == LAST) {
		double lost = (double)(now->begun - now->done - now->refused) - b->lost;
		b->drain_s =
		    fmin(fmax(lost, 0) / (b->per_second * (1 - calm_load)), longest_drain_s(b));
	}
}

bool line_beyond_tick(struct line_beyond *b, const struct line_tick *now)
{
	if (b->at >= LINE_STEPS) {
		return false;
	}
	if (b->at < LAST && now->at_s >= b->from_s + b->step_s) {
		next_step(b, now);
	}
	if (!b->counting && now->at_s >= b->from_s + b->step_s * settle_share) {
		b->counting = true;
		b->first = b->half = *now;
		b->n_halves = 0;
	}
	if (b->counting) {
		end_half(b, now);
	}
	if (b->at == 0 && b->counting) {
		b->calm_running = fmax(b->calm_running, (double)now->running);
	}
	b->last = *now;
	if (b->at == LAST) {
		look_for_recovery(b, now);
		double gone_s = now->at_s - b->from_s;
		bool is_back = b->n_good_windows >= GOOD_WINDOWS && gone_s >= b->step_s * 2 / 3;
		if (is_back || gone_s >= b->step_s + patience * b->drain_s + patience_s) {
			end_step(b);
			b->at = LINE_STEPS;
			return false;
		}
	}
	return true;
}

/* Over the loads that were passed both ways, by trapezia. */
static double area(const struct line_beyond *b)
{
	/* Pairs of the course: the calm load and 1.25, up and down. */
	double up_calm = b->steps[0].good, up_more = b->steps[2].good;
	double down_more = b->steps[5].good, down_calm = b->steps[LAST].good;

	double apart = (fabs(up_calm - down_calm) + fabs(up_more - down_more)) / 2;
	double all = (up_calm + up_more) / 2;
	return all > 0 ? apart / all : 0;
}

/* Is it less than it should be by more than chance? */
static bool is_collapsed(const struct line_step *best, const struct line_step *s)
{
	double error = sqrt(best->error * best->error + s->error * s->error);

	return collapse_below * best->good - s->good > chance_most * error;
}

void line_beyond_judge(struct line_beyond *b)
{
	const struct line_step *best = &b->steps[0];

	if (b->at < LINE_STEPS) {
		b->shape = LINE_SHAPE_UNKNOWN;
		return;
	}
	for (unsigned i = 0; i < LINE_STEPS && !b->steps[i].down; i++) {
		best = b->steps[i].good > best->good ? &b->steps[i] : best;
	}
	b->collapse_ratio = best->good > 0 ? b->steps[HALF_MORE].good / best->good : 0;
	b->collapsed = is_collapsed(best, &b->steps[HALF_MORE]);
	b->hysteresis_area = area(b);
	b->shape = b->n_good_windows < GOOD_WINDOWS ? LINE_SHAPE_HYSTERESIS
		   : b->collapsed		    ? LINE_SHAPE_COLLAPSE
						    : LINE_SHAPE_PLATEAU;
	if (b->shape == LINE_SHAPE_HYSTERESIS) {
		b->recovery_s = -1;
	}
}
