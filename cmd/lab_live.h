/*
 * Progress of a run on standard error: a picture that is drawn anew each second where that is a
 * terminal, else a line a second.
 */
#ifndef PLIMSOLL_CMD_LAB_LIVE_H
#define PLIMSOLL_CMD_LAB_LIVE_H

#include <stdbool.h>

#include "cmd/lab_target.h"
#include "lab/live.h"

struct lab_live {
	struct live view;
	struct lab_target *target; /* borrowed; or NULL: nobody looks at the target */
	bool terminal;
	unsigned drawn; /* lines of the last picture */
};

/* For a run of that model by that plan, which it hooks itself into. */
void lab_live_open(
    struct lab_live *v, const char *model, struct load_plan *plan, struct lab_target *target);

#endif
