/*
 * What the loop knows of its tasks: the scheduler between loop.c and task.c. Private to core/ev.
 */
#ifndef PLIMSOLL_EV_TASK_SCHED_H
#define PLIMSOLL_EV_TASK_SCHED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/list.h"
#include "core/ev/deadline.h"
#include "core/ev/loop.h"
#include "core/ev/stack.h"
#include "core/ev/switch.h"

struct sched {
	struct loop *loop;
	struct list ready;	      /* tasks that may run, in the order they became so */
	struct deadline_heap waiting; /* tasks that wait with a deadline */
	struct stack_pool stacks;
	unsigned n_tasks, max_tasks;
	struct switch_context context; /* of the loop while a task runs */
	/* AddressSanitizer's view of the loop's own stack. */
	void *asan_fake;
	const void *asan_bottom;
	size_t asan_bytes;
};

NODISCARD enum err sched_init(struct sched *s, struct loop *l, unsigned max_tasks);
/* All tasks must have ended. */
void sched_fini(struct sched *s);

/* Runs ready tasks, a bounded number of switches. True if some are left. */
bool sched_run(struct sched *s);

/* Makes ready what is due. */
void sched_expire(struct sched *s, int64_t now_us);

/* Provided by loop.c. */
struct sched *loop_sched(struct loop *l);
const struct sched *loop_sched_const(const struct loop *l);

#endif
