/*
 * Who may sign up now, when more want to than compute can hash passwords for: a pure decision over
 * a clock and a few measurements. Whoever is refused gets a time slot, one behind the other at the
 * rate at which sign-ups can be worked off; whoever returns in a slot (signup_ticket.h) goes before
 * those who have none. So a storm becomes a queue that nobody has to stand in, and those who keep
 * returning are in by its size over the capacity.
 */
#ifndef PLIMSOLL_PAIRS_SIGNUP_GATE_H
#define PLIMSOLL_PAIRS_SIGNUP_GATE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	/* Longest expected wait at compute that a newcomer is let into, microseconds. */
	SIGNUP_NEWCOMER_US = 500 * 1000,
};

struct signup_gate {
	int64_t tail_us; /* when the last slot given out begins */
};

/* Measured by the web process. */
struct signup_load {
	int64_t wait_us; /* expected at compute */
	/*
	 * What one sign-up takes of a processor there, more than 0. Not how long it runs: when
	 * slots are given out all come at once, and take processors from the very hashing.
	 */
	int64_t job_us;
	unsigned lanes; /* processes of compute */
	unsigned webs;	/* processes that give out slots, each for its share */
};

/*
 * The wait at compute that a newcomer is let into now: next to none while others wait for their
 * slots.
 */
int64_t signup_gate_room_us(const struct signup_gate *g, int64_t now_us);

/*
 * May one more sign up? has_slot: it came back in its slot. False: *ret_slot_us is when its (next)
 * slot begins, on the same clock as now_us; 0: so far off that nobody should wait for it.
 */
bool signup_gate_ask(struct signup_gate *g, const struct signup_load *load, bool has_slot,
    int64_t now_us, int64_t *ret_slot_us);

#endif
