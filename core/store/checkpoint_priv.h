/*
 * Inside of the checkpointer: checkpoint.c (the writer's side, life) and checkpoint_thread.c.
 */
#ifndef PLIMSOLL_STORE_CHECKPOINT_PRIV_H
#define PLIMSOLL_STORE_CHECKPOINT_PRIV_H

#include <pthread.h>
#include <uv.h>

#include "core/store/checkpoint.h"
#include "core/store/sql.h"

/* Handles of the loop live until libuv has let go of them. */
struct wake {
	struct checkpointer *owner;
	uv_async_t async;
	uv_timer_t timer; /* ends a wait at a gate that stays closed */
	unsigned open_handles;
	loop_fn *opened;
	void *arg;
};

struct checkpointer {
	struct sql_db *db; /* the thread's, once it runs */
	struct checkpoint_cells cells;
	struct wake *wake;
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t work;  /* the thread waits for work or stop */
	pthread_cond_t left;  /* the thread waits for the writer to leave */
	bool stop, writer_in, closed, writer_waits;
	int64_t closed_us;   /* since when */
	int64_t wal_bytes;   /* as of the last commit */
	int64_t seen_bytes;  /* wal_bytes when the last checkpoint began */
	int64_t limit_bytes; /* the gate closes at once from here on */
	bool dirty;	     /* the log has frames that were not copied */
	char complaint[120]; /* for the loop to log, which only one thread may */
	int64_t complained_us;
};

/* Is there work for the thread that should not wait for the idle timer? */
static inline bool checkpoint_is_pressing(const struct checkpointer *c)
{
	return c->wal_bytes - c->seen_bytes >= CHECKPOINT_STEP_BYTES;
}

/* The thread; arg is the struct checkpointer. */
void *checkpoint_thread(void *arg);

#endif
