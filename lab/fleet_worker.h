/*
 * A generator that is led: it gets plan and model, makes its share of the load when it is told to,
 * and gives its result back.
 */
#ifndef PLIMSOLL_LAB_FLEET_WORKER_H
#define PLIMSOLL_LAB_FLEET_WORKER_H

#include "core/base/err.h"

/*
 * Does one job from fd, on which the leader is known. from: source addresses of this machine in
 * place of the plan's, or NULL. What went wrong is told to the leader too.
 */
NODISCARD enum err fleet_work(int fd, const char *from, struct err_note *note);

#endif
