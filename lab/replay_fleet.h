/*
 * A replay by several processes.
 */
#ifndef PLIMSOLL_LAB_REPLAY_FLEET_H
#define PLIMSOLL_LAB_REPLAY_FLEET_H

#include "lab/replay.h"

/* As replay_run(). ERR_INVALID: there are fewer clients than processes. Nothing may have a thread
 * yet. */
NODISCARD enum err replay_fleet_run(const struct access_log *log,
    const struct replay_schedule *schedule, const struct replay_plan *plan, unsigned processes,
    struct replay_result **ret, struct err_note *note);

#endif
