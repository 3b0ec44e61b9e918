/*
 * A timer wheel for the many coarse clocks of connections (header deadline, body rate, idle):
 * arming, moving and disarming are O(1) and cost no heap. Resolution 100 ms, horizon 409.6 s
 * (longer ones are re-armed by the wheel). Timers fire late by up to one tick, never early.
 */
#ifndef PLIMSOLL_EV_WHEEL_H
#define PLIMSOLL_EV_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/list.h"

enum {
	WHEEL_SLOTS = 4096,
	WHEEL_TICK_US = 100000
};

struct wheel_timer {
	struct list node;
	int64_t due_us; /* monotonic; meaningful while armed */
};

/* Called for each timer that is due, already disarmed; may arm or disarm any timer. */
typedef void wheel_fn(struct wheel_timer *t, void *arg);

struct wheel {
	struct list slots[WHEEL_SLOTS];
	int64_t tick; /* the last tick run: now_us / WHEEL_TICK_US */
};

void wheel_init(struct wheel *w, int64_t now_us);
void wheel_timer_init(struct wheel_timer *t);
void wheel_arm(struct wheel *w, struct wheel_timer *t, int64_t due_us);
void wheel_disarm(struct wheel_timer *t);
bool wheel_is_armed(const struct wheel_timer *t);

/* Fires everything due at now_us. Call it every WHEEL_TICK_US. */
void wheel_run(struct wheel *w, int64_t now_us, wheel_fn *fn, void *arg);

#endif
