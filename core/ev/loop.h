/*
 * The event loop of a process: libuv plus what we need to know about it. One loop per process and
 * thread; everything with "loop" in its arguments runs on that thread only. After each round of
 * I/O callbacks the loop runs its check hooks in order of registration, then the ready tasks.
 */
#ifndef PLIMSOLL_EV_LOOP_H
#define PLIMSOLL_EV_LOOP_H

#include <stdint.h>
#include <uv.h>

#include "core/base/err.h"

struct loop;
struct task;

typedef void loop_fn(void *arg);

/* A new loop; ERR_SYSTEM/ERR_MEMORY. max_tasks bounds the tasks alive at once (4,096 usual). */
NODISCARD enum err loop_open(unsigned max_tasks, struct loop **ret);

/* Frees the loop. All handles must be closed and all tasks ended; sets *l to NULL. */
void loop_close(struct loop **l);

/* The libuv loop inside, for handles of other modules. */
uv_loop_t *loop_uv(struct loop *l);

/* Runs until loop_stop() or until nothing is left to wait for. */
void loop_run(struct loop *l);
void loop_stop(struct loop *l);

/* Has fn(arg) run after each round of I/O callbacks; at most 8 hooks; there is no removal. */
void loop_on_check(struct loop *l, loop_fn *fn, void *arg);

/* Asks for another round without waiting for I/O (a hook has work left over). */
void loop_again(struct loop *l);

/* Monotonic microseconds at the start of the current round: cheap, good enough for stamps. */
int64_t loop_now_us(const struct loop *l);

/*
 * Loop lag: microseconds from the moment the poll of the current (or last) round returned to the
 * end of its callbacks, and the largest since the last loop_lag_max_reset().
 */
int64_t loop_lag_us(const struct loop *l);
int64_t loop_lag_max_us(const struct loop *l);
void loop_lag_max_reset(struct loop *l);

/* Microseconds since it was opened that it was not waiting for anything. */
int64_t loop_busy_us(const struct loop *l);

/* Runs fn(arg) every period_ms until the loop is closed. At most 16 per loop. */
void loop_every(struct loop *l, uint64_t period_ms, loop_fn *fn, void *arg);

/* Runs fn(arg) when the signal arrives. At most 8 per loop. */
NODISCARD enum err loop_on_signal(struct loop *l, int signum, loop_fn *fn, void *arg);

#endif
