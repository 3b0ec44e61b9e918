/*
 * What the target used during a load run, by role: asked of the admin listener of a Plimsoll
 * server, before and behind the run.
 */
#ifndef PLIMSOLL_CMD_LAB_TARGET_H
#define PLIMSOLL_CMD_LAB_TARGET_H

#include <stdbool.h>

#include "core/base/err.h"
#include "lab/load.h"

struct lab_target {
	const char *address; /* host:port of the admin listener */
	struct load_role began[LOAD_ROLES_MAX], ended[LOAD_ROLES_MAX];
	unsigned n_began, n_ended;
	struct err_note trouble; /* the first; text empty: none */
};

/* A load_moment_fn; arg is a struct lab_target. Asks, and keeps what went wrong. */
void lab_target_look(void *arg, enum load_moment moment);

/* Writes what lies between into r; says on standard error where nothing could be learnt. */
void lab_target_sum_up(const struct lab_target *t, struct load_result *r);

#endif
