/*
 * The watch on a target while a run makes load: what --admin, --watch and --metrics name is looked
 * at before and behind what is measured, and once a second meanwhile.
 */
#ifndef PLIMSOLL_CMD_LAB_WATCH_H
#define PLIMSOLL_CMD_LAB_WATCH_H

#include <stdbool.h>

#include "cmd/lab_options.h"
#include "core/base/err.h"
#include "lab/load.h"

struct lab_watch {
	struct target *target; /* owned; NULL: nothing is watched */
	int64_t from_us;       /* when what is measured began; 0: it did not yet */
};

/* The sources that the options name; nothing is looked at yet. ERR_INVALID, ERR_LIMIT. */
NODISCARD enum err lab_watch_open(
    struct lab_watch *w, const struct lab_options *o, struct err_note *note);

/* A first look, which must find each source, and all others by the moments of a run of that plan.
 * Errors of target_look(). */
NODISCARD enum err lab_watch_during(
    struct lab_watch *w, struct load_plan *plan, struct err_note *note);

/* The roles in out (LOAD_ROLES_MAX), cpu_s: cores that each used between the last two looks; how
 * many. Does not wait for a look. */
unsigned lab_watch_now(const struct lab_watch *w, struct load_role *out);

/* Hands what was learnt to r; says on standard error what could not be. */
void lab_watch_take(struct lab_watch *w, const char *command, struct load_result *r);

void lab_watch_close(struct lab_watch *w);

#endif
