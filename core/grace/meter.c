/*
 * The two measuring instruments of admission.
 *
 * A queue that is long for a moment is a burst and harmless; one whose *shortest* delay stays high
 * for a whole interval is standing, and every request behind it waits for nothing (Nichols and
 * Jacobson, "Controlling Queue Delay", 2012). So the meter keeps the minimum per interval, in two
 * rotating windows, and an idle interval counts as no delay.
 */
#include "core/grace/meter.h"

enum {
	COST_WEIGHT = 16, /* a new sample counts 1/16 once the meter has warmed up */
	FINE = 256,	  /* parts of a microsecond */
};

void delay_meter_init(struct delay_meter *m, int64_t target_us, int64_t interval_us, int64_t now_us)
{
	*m = (struct delay_meter){
		.target_us = target_us,
		.interval_us = interval_us,
		.window_end_us = now_us + interval_us,
		.min_now_us = -1,
		.min_before_us = -1,
	};
}

static void turn(struct delay_meter *m, int64_t now_us)
{
	if (now_us < m->window_end_us) {
		return;
	}
	bool missed_whole_window = now_us >= m->window_end_us + m->interval_us;
	m->min_before_us = missed_whole_window ? -1 : m->min_now_us;
	m->min_now_us = -1;
	m->window_end_us = now_us + m->interval_us;
}

void delay_meter_record(struct delay_meter *m, int64_t delay_us, int64_t now_us)
{
	turn(m, now_us);
	if (m->min_now_us < 0 || delay_us < m->min_now_us) {
		m->min_now_us = delay_us;
	}
}

int64_t delay_meter_standing_us(struct delay_meter *m, int64_t now_us)
{
	turn(m, now_us);
	if (m->min_before_us < 0) {
		return 0;
	}
	/* A short delay in the running window already proves that the queue is not standing. */
	if (m->min_now_us >= 0 && m->min_now_us < m->min_before_us) {
		return m->min_now_us;
	}
	return m->min_before_us;
}

bool delay_meter_is_over(struct delay_meter *m, int64_t now_us)
{
	return delay_meter_standing_us(m, now_us) > m->target_us;
}

void cost_meter_init(struct cost_meter *m, int64_t first_guess_us)
{
	*m = (struct cost_meter){ .mean_us = first_guess_us, .mean_fine = first_guess_us * FINE };
}

void cost_meter_record(struct cost_meter *m, int64_t us)
{
	m->samples++;
	/* The first samples weigh more, so that a wrong first guess is gone after a few jobs. */
	int64_t weight = m->samples < COST_WEIGHT ? m->samples : COST_WEIGHT;
	m->mean_fine += (us * FINE - m->mean_fine) / weight;
	m->mean_us = m->mean_fine / FINE;
}
