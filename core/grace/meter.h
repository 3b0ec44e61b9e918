/*
 * The measuring instruments of admission: standing delay and mean cost. No allocation, no clock of
 * their own.
 */
#ifndef PLIMSOLL_GRACE_METER_H
#define PLIMSOLL_GRACE_METER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Standing queue detection (CoDel): a queue is overloaded when the smallest delay seen in an
 * interval stays above the target. Two rotating windows; no allocation.
 */
struct delay_meter {
	int64_t target_us, interval_us;
	int64_t window_end_us;
	int64_t min_now_us, min_before_us; /* of the running and the finished window; -1: none */
};

void delay_meter_init(
    struct delay_meter *m, int64_t target_us, int64_t interval_us, int64_t now_us);
void delay_meter_record(struct delay_meter *m, int64_t delay_us, int64_t now_us);
/* Smallest delay of the last finished interval, microseconds; 0 when nothing waited. */
int64_t delay_meter_standing_us(struct delay_meter *m, int64_t now_us);
bool delay_meter_is_over(struct delay_meter *m, int64_t now_us);

/*
 * Expected wait of a bounded queue in front of workers: sum of the expected cost of what waits
 * plus what remains of what runs, over the number of workers. The mean cost per kind is an
 * exponential average of measured runs.
 */
struct cost_meter {
	int64_t mean_us;   /* of one job; starts with the row's first guess */
	int64_t mean_fine; /* the same in parts of a microsecond: many jobs take a few of them */
	int64_t samples;
};

void cost_meter_init(struct cost_meter *m, int64_t first_guess_us);
void cost_meter_record(struct cost_meter *m, int64_t us);

#endif
