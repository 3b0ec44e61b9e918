/*
 * Progress of a run on standard error: a picture that is drawn anew each second where that is a
 * terminal, else a line a second.
 */
#ifndef PLIMSOLL_CMD_LAB_LIVE_H
#define PLIMSOLL_CMD_LAB_LIVE_H

#include <stdbool.h>

#include "cmd/lab_watch.h"
#include "lab/live.h"

struct lab_live {
	struct live view;
	const struct lab_watch *watch; /* borrowed */
	bool terminal;
	unsigned drawn; /* lines of the last picture */
};

/* For a run of that model by that plan, which it hooks itself into. */
void lab_live_open(
    struct lab_live *v, const char *model, struct load_plan *plan, const struct lab_watch *watch);

#endif
