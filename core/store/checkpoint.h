/*
 * Checkpoints: copying committed pages from the write-ahead log into the database file, on a thread
 * and a connection of its own, so that no commit ever waits for it in the ordinary case.
 */
#ifndef PLIMSOLL_STORE_CHECKPOINT_H
#define PLIMSOLL_STORE_CHECKPOINT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/ev/loop.h"
#include "core/obs/hist.h"

enum {
	CHECKPOINT_STEP_BYTES = 4 * 1024 * 1024,    /* of new log: begin a checkpoint */
	CHECKPOINT_REWIND_BYTES = 16 * 1024 * 1024, /* of log: make the writer pause for its end */
	CHECKPOINT_LIMIT_BYTES = 64 * 1024 * 1024,  /* of log: the writer waits at once */
	CHECKPOINT_IDLE_MS = 5000,    /* after the last commit: bring the file up to date */
	CHECKPOINT_PAUSE_US = 2000000 /* the longest that the writer waits */
};

struct checkpointer;

/* Written by the thread only. */
struct checkpoint_cells {
	struct hist *seconds;	 /* of each checkpoint */
	_Atomic int64_t *pauses; /* times that the writer had to wait */
};

/*
 * Opens the connection. opened(arg) is called on the loop when the writer, having been kept out,
 * may try again.
 */
NODISCARD enum err checkpointer_open(struct loop *l, const char *path,
    const struct checkpoint_cells *cells, loop_fn *opened, void *arg, struct checkpointer **ret,
    struct err_note *note);

/* Starts the thread, once; before that there are no checkpoints and no gate. */
NODISCARD enum err checkpointer_start(struct checkpointer *c, struct err_note *note);

/* Ends the thread after its current step and frees all; sets *c to NULL, takes NULL. */
void checkpointer_close(struct checkpointer **c);

/*
 * The gate. The writer calls enter() before a batch; false: not now, opened() will be called.
 * After the batch it calls leave() with the size of the log.
 */
bool checkpointer_enter(struct checkpointer *c);
void checkpointer_leave(struct checkpointer *c, int64_t wal_bytes);

#endif
