/*
 * A generator that is led: it gets plan and model, makes its share of the load when it is told to,
 * and gives its result back; and so on with the next plan.
 */
#ifndef PLIMSOLL_LAB_FLEET_WORKER_H
#define PLIMSOLL_LAB_FLEET_WORKER_H

#include "core/base/err.h"
#include "lab/fleet.h"

/*
 * Does jobs from fd, on which the leader is known, until it closes that. from: source addresses of
 * this machine in place of the plan's, or NULL. What went wrong is told to the leader too.
 */
NODISCARD enum err fleet_work(int fd, const char *from, struct err_note *note);

/* The same for what fn does, once. */
NODISCARD enum err fleet_work_on(
    int fd, fleet_work_fn *fn, void *arg, unsigned number, struct err_note *note);

/* For such a function: lets a run by that plan begin and end as the leader says, and tell it its
 * seconds; then its result, before it (not empty) what there is beside. */
void fleet_worker_hook(struct fleet_worker *w, struct load_plan *plan);
NODISCARD enum err fleet_worker_result(
    struct fleet_worker *w, const struct load_result *r, struct slice own);

#endif
