/*
 * The parts of a plan: plan.c (machines, users and dates), plan_limits.c (what may be full).
 * Private to them.
 */
#ifndef PLIMSOLL_LAB_PLAN_PRIV_H
#define PLIMSOLL_LAB_PLAN_PRIV_H

#include "lab/plan.h"

/* Figures a second of so many users of the input, as means of the day. */
struct plan_flow plan_flow_of(const struct plan_input *in, double users);

/* Fills p->limits, by its shapes and options. ERR_INVALID: a machine is full without any user. */
NODISCARD enum err plan_make_limits(struct plan *p, struct err_note *note);

#endif
