/*
 * See promised.h. Sums fade by a 64th with each window, so what is learnt is that of the last
 * quarter of a minute; before anything is known an activity has one step. Only windows behind the
 * horizon count, since what began in the others has had no time for its steps.
 */
#include "core/grace/promised.h"

enum {
	FADES_IN = 64,	     /* windows */
	STEPS_EACH_MAX = 64, /* more is no activity but a flood of steps nobody began */
	GUESSED = 32	     /* so many activities of one step are taken for seen */
};

void promised_init(struct promised *p, int64_t now_us)
{
	*p = (struct promised){ .window_end_us = now_us + PROMISED_WINDOW_US };
}

static void next_window(struct promised *p)
{
	const double keeps = 1 - 1.0 / FADES_IN;

	p->at = (p->at + 1) % PROMISED_WINDOWS;
	p->begun_lately = p->begun_lately * keeps + p->begun[p->at];
	p->steps_lately = p->steps_lately * keeps + p->steps[p->at];
	p->begun[p->at] = p->steps[p->at] = 0;
	p->window_end_us += PROMISED_WINDOW_US;
}

static void turn(struct promised *p, int64_t now_us)
{
	for (unsigned i = 0; i < PROMISED_WINDOWS && now_us >= p->window_end_us; i++) {
		next_window(p);
	}
	if (now_us >= p->window_end_us) {
		p->window_end_us = now_us + PROMISED_WINDOW_US; /* after a long silence */
	}
}

void promised_begin(struct promised *p, int64_t now_us)
{
	turn(p, now_us);
	p->begun[p->at]++;
}

void promised_step(struct promised *p, int64_t now_us)
{
	turn(p, now_us);
	p->steps[p->at]++;
}

static double steps_each(const struct promised *p)
{
	double each = (p->steps_lately + GUESSED) / (p->begun_lately + GUESSED);

	return each < STEPS_EACH_MAX ? each : STEPS_EACH_MAX;
}

int64_t promised_steps(struct promised *p, int64_t now_us)
{
	uint64_t begun = 0, steps = 0;

	turn(p, now_us);
	for (unsigned i = 0; i < PROMISED_WINDOWS; i++) {
		begun += p->begun[i];
		steps += p->steps[i];
	}
	double left = steps_each(p) * (double)begun - (double)steps;
	return left > 0 ? (int64_t)left : 0;
}
