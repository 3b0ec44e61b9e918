/*
 * Tasks: stackful coroutines on a loop, so that a handler which has to wait reads top to bottom.
 * A task has a 256 KiB mapped stack with a guard page (pooled, about 4 KiB touched), a deadline and
 * a cancel flag. The waiting primitive is task_wait(); RPC calls, sleeps and body reads are built
 * on it. Tasks never run inside each other: waking puts a task on the ready queue, which the loop
 * runs after its I/O callbacks.
 */
#ifndef PLIMSOLL_EV_TASK_H
#define PLIMSOLL_EV_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ev/loop.h"

typedef void task_fn(void *arg);

/* "No deadline" for deadline arguments. */
#define DEADLINE_NONE INT64_MAX

/*
 * Starts fn(arg) as a task at the next run of the ready queue. deadline_us is monotonic time or
 * DEADLINE_NONE. *ret_task (may be NULL) stays valid until fn returns. ERR_TOO_BUSY: the loop has
 * its maximum of tasks; ERR_MEMORY.
 */
NODISCARD enum err task_spawn(
    struct loop *l, task_fn *fn, void *arg, int64_t deadline_us, struct task **ret_task);

/*
 * The same, and runs it at once until it first waits or ends; only from outside of tasks. *ret_task
 * is set before that, and is worth nothing unless *ret_waits.
 */
NODISCARD enum err task_start(struct loop *l, task_fn *fn, void *arg, int64_t deadline_us,
    struct task **ret_task, bool *ret_waits);

/* The running task, or NULL outside of tasks. */
struct task *task_current(void);

/*
 * Suspends the running task until task_wake(), the earlier of deadline_us and the task's own
 * deadline, or cancellation. ERR_OK: woken (the caller rechecks its condition, wake-ups may be
 * spurious); ERR_DEADLINE; ERR_CANCELLED. A wake that came before the wait is not lost.
 */
NODISCARD enum err task_wait(int64_t deadline_us);

/* Makes t ready. Callable from loop callbacks and tasks of the same loop. */
void task_wake(struct task *t);

/* Sets the cancel flag and wakes: the current and all later waits give ERR_CANCELLED. */
void task_cancel(struct task *t);
bool task_is_cancelled(const struct task *t);

/* Suspends the running task for us microseconds (libuv's 1 ms resolution). Errors as task_wait. */
NODISCARD enum err task_sleep(int64_t us);

/* Deadline of a task as given to task_spawn. */
int64_t task_deadline(const struct task *t);

/* Tasks alive on the loop, and the most there may be. */
unsigned task_count(const struct loop *l);
unsigned task_max(const struct loop *l);

#endif
