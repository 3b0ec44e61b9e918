/*
 * The server that runs with a data folder, found by the folder's lock.
 */
#ifndef PLIMSOLL_CMD_RUNNING_H
#define PLIMSOLL_CMD_RUNNING_H

#include <limits.h>

#include "core/base/err.h"
#include "core/conf/conf.h"

struct running {
	char folder[PATH_MAX]; /* set by running_folder() */
	int pidfd;	       /* -1: not open; to be closed by running_close() */
	unsigned pid;
};

/* The data folder of the configuration. ERR_NOT_FOUND: there is none, so no server. */
NODISCARD enum err running_folder(
    const struct conf *conf, struct running *ret, struct err_note *note);

/* Who has signed the lock. ERR_NOT_FOUND: nobody holds it; ERR_CONFLICT: an upgrade is under way.
 */
NODISCARD enum err running_find(struct running *r, struct err_note *note);

NODISCARD enum err running_signal(const struct running *r, int signum, struct err_note *note);
void running_close(struct running *r);

#endif
