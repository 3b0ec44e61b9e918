/*
 * Sign-up first: everyday actions may fail, a new member may not. When sign-ups begin to wait for
 * compute, what can be done again later gives way to them, in an order, long before one of them is
 * put off (signup_gate.h). Pure decisions over what was measured.
 *
 * What needs compute itself (a login) gives way at its part of the waiting room that newcomers
 * have. What does not (reading old pages, uploads, new sessions, signals) takes nothing from those
 * who hash but the processor: it gives way only where this web process uses more of one than its
 * share. Messages, hugs and whatever goes on with something begun give way never.
 */
#ifndef PLIMSOLL_PAIRS_SIGNUP_FIRST_H
#define PLIMSOLL_PAIRS_SIGNUP_FIRST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/grace/cost.h"

struct signup_first {
	unsigned
	    reserve; /* percent of a processor that is kept for sign-ups while they wait; 0: off */
	int64_t looked_us, busy_us;
	unsigned busy; /* percent of its time that the loop was busy, lately */
};

/* Moves the measure on: busy_us is what the loop has been busy for, so far. Any distance. */
void signup_first_look(struct signup_first *f, int64_t busy_us, int64_t now_us);

/*
 * Has a request of that rank to give way, with so long an expected wait at compute and that room
 * for newcomers (signup_gate_room_us())? computes: it would wait there, too.
 */
bool signup_first_sheds(const struct signup_first *f, enum shed_rank rank, bool computes,
    int64_t wait_us, int64_t room_us);

#endif
