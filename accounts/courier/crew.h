/*
 * Role: courier. A crew of threads for work that blocks, one job at a time each. A thread is made
 * when a job comes and none is idle, keeps something of its own between jobs (a connection), and
 * ends when it has had nothing to do for long. The newest idle one is taken first, so that those
 * that are not needed do become idle for long.
 *
 * A job is memory of its own: while a thread has it, nobody else looks at it, and the thread uses
 * nothing of the loop (no arenas, no log).
 */
#ifndef PLIMSOLL_ACCOUNTS_COURIER_CREW_H
#define PLIMSOLL_ACCOUNTS_COURIER_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/list.h"
#include "core/ev/loop.h"

struct crew;

/* The head of a job; the rest is its owner's. Its fields are the crew's. */
struct crew_job {
	struct list node;
	struct task *task; /* who waits for it; NULL: nobody any more */
	bool waits;	   /* in the queue: no thread has it */
	bool done;
};

struct crew_ops {
	/* On a thread: does the job. *state is the thread's own, NULL at first. */
	void (*work)(void *arg, void **state, struct crew_job *job);
	/* On a thread: it ends. state may be NULL. */
	void (*end)(void *state);
	/* On the loop: frees a job that nobody waits for. */
	void (*discard)(struct crew_job *job);
};

struct crew_options {
	const struct crew_ops *ops;
	void *arg;	      /* for work() */
	unsigned max_threads; /* 1 and up */
	int64_t idle_us;      /* a thread that had no job for so long ends */
};

/* No thread yet. ops are kept, not copied. ERR_MEMORY, ERR_SYSTEM. */
NODISCARD enum err crew_new(struct loop *l, const struct crew_options *o, struct crew **ret);

/*
 * Has the job done by a thread; waits in the running task, also for a thread when all are busy.
 * ERR_OK: done, the job is the caller's again. Otherwise it is not: ERR_CANCELLED, ERR_DEADLINE as
 * task_wait (a job that a thread has is done to its end all the same); ERR_SYSTEM: there is no
 * thread and none can be made.
 */
NODISCARD enum err crew_run(struct crew *c, struct crew_job *job);

/*
 * Waits until the threads have ended: work() must come to its end by itself or be told to by the
 * caller. No crew_run() may be under way, or the loop may not run again.
 */
void crew_free(struct crew **c);

/* Threads that there are: for tests. */
unsigned crew_threads(struct crew *c);

#endif
