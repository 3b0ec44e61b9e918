/*
 * Inside of a role process: boot.c builds it, role_run.c keeps it going.
 */
#ifndef PLIMSOLL_ROLE_ROLE_PROC_H
#define PLIMSOLL_ROLE_ROLE_PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/ev/task.h"
#include "core/role/control.h"
#include "core/role/role.h"
#include "core/rpc/rpc_cells.h"

enum {
	ROLE_MAX_TASKS = 4096,
	ROLE_TICK_MS = 50,
	ROLE_OLD_CONFS = 8, /* configurations kept after a reload for those who still read them */
};

struct role_proc {
	struct role_ctx r; /* first: role_ctx pointers are turned into this */
	const struct role_ops *ops;
	bool sandbox;
	bool hold;	/* the supervisor has yet to say that serving may begin */
	uint32_t roles; /* ROLE_BIT mask of the roles that run */
	struct control control;
	uv_poll_t control_poll;
	struct metric_schema *schema;
	struct metric_slot *slot;
	struct rpc_cells rpc_cells;
	const struct service *on[SERVICE_MAX]; /* what env.services points to */
	char *data_dir;			       /* owned */
	struct task *boot_task;		       /* while it runs */
	bool serving;
	int exit_code;
	int64_t drain_until_us; /* when draining: after it the process ends anyway */
	unsigned ticks;
	int64_t lag_now_us, lag_before_us; /* largest of the running and the finished window */
	struct conf *old[ROLE_OLD_CONFS];
	unsigned n_reloads;
};

static inline struct role_proc *role_proc_of(struct role_ctx *r)
{
	return (struct role_proc *)(void *)r;
}

/* ---- role_run.c ---- */

/* What must be arranged before anything else: the supervisor's death. */
void role_signals(void);

/* Hooks stamps, control messages and the boot task into the loop and runs it to the end. */
void role_run(struct role_proc *p);

/* Tells the supervisor why this process cannot start, and sets the exit code. */
void role_fail(struct role_proc *p, int exit_code, const struct err_note *note, enum err e);

/* ---- boot.c ---- */

/* Stops services and role in reverse order of their start. */
void boot_stop(struct role_proc *p);

#endif
