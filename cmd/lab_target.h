/*
 * What the target uses during a load run, by role: asked of the admin listener of a Plimsoll
 * server before and behind the run, and once a second by a thread of its own, so that no request of
 * the run waits for an answer of the admin listener.
 */
#ifndef PLIMSOLL_CMD_LAB_TARGET_H
#define PLIMSOLL_CMD_LAB_TARGET_H

#include <stdbool.h>
#include <uv.h>

#include "core/base/err.h"
#include "lab/load.h"

struct lab_target {
	const char *address;			/* host:port of the admin listener */
	struct load_role roles[LOAD_ROLES_MAX]; /* cpu_s: since the begin */
	double last_s[LOAD_ROLES_MAX];		/* what each had used at the last look */
	unsigned n_roles;
	struct load_use *uses; /* owned until handed over */
	unsigned n_uses;
	int64_t began_us;
	bool ended;		 /* it was looked at behind the run */
	struct err_note trouble; /* the first; text empty: none */
	uv_thread_t thread;
	uv_mutex_t lock; /* of stopping, and of what the thread learns, while it runs */
	uv_cond_t stop;
	bool running, stopping;
};

/* A load_moment_fn; arg is a struct lab_target. Asks, and keeps what went wrong. */
void lab_target_look(void *arg, enum load_moment moment);

/* The roles in out (LOAD_ROLES_MAX), cpu_s: cores that each used between the last two looks; how
 * many. */
unsigned lab_target_now(struct lab_target *t, struct load_role *out);

/* Hands what was learnt to r; says on standard error where nothing could be. r NULL: the run did
 * not come to a result. */
void lab_target_sum_up(struct lab_target *t, struct load_result *r);

#endif
