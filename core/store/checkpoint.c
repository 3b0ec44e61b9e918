/*
 * The writer's side of checkpoints: the gate, and waking the loop when it opens. Why there is a
 * gate and when it closes is told in checkpoint_thread.c.
 */
#include "core/store/checkpoint.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/obs/log.h"
#include "core/store/checkpoint_priv.h"

enum {
	LIMIT_STEP_BYTES = 16 * 1024 * 1024,
	THREAD_STACK_BYTES = 256 * 1024,
};

/* ---- the writer's side ---- */

static void log_complaint(struct checkpointer *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->complaint[0] != '\0') {
		LOG(LOG_WARN, "store", "checkpoint_behind", LOG_C("why", c->complaint),
		    LOG_I("wal_bytes", c->wal_bytes));
		c->complaint[0] = '\0';
	}
	pthread_mutex_unlock(&c->lock);
}

static void on_async(uv_async_t *async)
{
	struct wake *w = async->data;

	log_complaint(w->owner);
	w->opened(w->arg);
}

static void on_waited(uv_timer_t *timer)
{
	struct wake *w = timer->data;

	w->opened(w->arg);
}

bool checkpointer_enter(struct checkpointer *c)
{
	bool may = true;

	if (!c->has_thread) {
		return true;
	}
	pthread_mutex_lock(&c->lock);
	if (c->closed) {
		int64_t waited_us = clock_mono_us() - c->closed_us;

		may = waited_us >= CHECKPOINT_PAUSE_US;
		if (!may && !c->writer_waits) {
			uint64_t ms = (uint64_t)(CHECKPOINT_PAUSE_US - waited_us) / 1000 + 1;

			c->writer_waits = true;
			CHECK(uv_timer_start(&c->wake->timer, on_waited, ms, 0) == 0);
		}
	}
	if (may) {
		c->writer_in = true;
		c->writer_waits = false;
	}
	pthread_mutex_unlock(&c->lock);
	return may;
}

void checkpointer_leave(struct checkpointer *c, int64_t wal_bytes)
{
	if (!c->has_thread) {
		return;
	}
	pthread_mutex_lock(&c->lock);
	c->writer_in = false;
	if (wal_bytes < c->wal_bytes) { /* the log was started over */
		c->seen_bytes = 0;
		c->limit_bytes = CHECKPOINT_LIMIT_BYTES;
	}
	if (wal_bytes != c->wal_bytes) {
		c->wal_bytes = wal_bytes;
		if (!c->dirty || checkpoint_is_pressing(c)) {
			pthread_cond_signal(&c->work);
		}
		c->dirty = true;
	}
	if (wal_bytes >= c->limit_bytes && !c->closed) {
		c->closed = true;
		c->closed_us = clock_mono_us();
		c->limit_bytes = wal_bytes + LIMIT_STEP_BYTES;
		c->seen_bytes = INT64_MIN / 2; /* pressing */
		pthread_cond_signal(&c->work);
	}
	pthread_cond_signal(&c->left);
	pthread_mutex_unlock(&c->lock);
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
	struct wake *w = handle->data;

	if (--w->open_handles == 0) {
		free(w);
	}
}

static struct wake *wake_new(struct loop *l, loop_fn *opened, void *arg)
{
	struct wake *w = calloc(1, sizeof(*w));

	if (w == NULL || uv_async_init(loop_uv(l), &w->async, on_async) != 0) {
		free(w);
		return NULL;
	}
	CHECK(uv_timer_init(loop_uv(l), &w->timer) == 0);
	w->async.data = w->timer.data = w;
	w->opened = opened;
	w->arg = arg;
	w->open_handles = 2;
	uv_unref((uv_handle_t *)&w->async);
	uv_unref((uv_handle_t *)&w->timer);
	return w;
}

enum err checkpointer_open(struct loop *l, const char *path, const struct checkpoint_cells *cells,
    loop_fn *opened, void *arg, struct checkpointer **ret, struct err_note *note)
{
	struct checkpointer *c = calloc(1, sizeof(*c));
	pthread_condattr_t monotonic;
	enum err e;

	if (c == NULL) {
		return err_note_set(note, ERR_MEMORY, "no memory for checkpoints");
	}
	e = sql_open(path, SQL_READ_WRITE, &c->db, note);
	if (e != ERR_OK) {
		free(c);
		return e;
	}
	c->wake = wake_new(l, opened, arg);
	if (c->wake == NULL) {
		sql_close(&c->db);
		free(c);
		return err_note_set(note, ERR_MEMORY, "no memory for checkpoints");
	}
	c->wake->owner = c;
	c->cells = *cells;
	c->limit_bytes = CHECKPOINT_LIMIT_BYTES;
	c->dirty = true; /* what a process before us may have left */
	CHECK(pthread_mutex_init(&c->lock, NULL) == 0);
	CHECK(pthread_condattr_init(&monotonic) == 0);
	CHECK(pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0);
	CHECK(pthread_cond_init(&c->work, &monotonic) == 0);
	CHECK(pthread_cond_init(&c->left, NULL) == 0);
	pthread_condattr_destroy(&monotonic);
	*ret = c;
	return ERR_OK;
}

enum err checkpointer_start(struct checkpointer *c, struct err_note *note)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int failed;

	CHECK(!c->has_thread);
	CHECK(pthread_attr_init(&attr) == 0);
	CHECK(pthread_attr_setstacksize(&attr, THREAD_STACK_BYTES) == 0);
	sigfillset(&all); /* signals are the loop's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	failed = pthread_create(&c->thread, &attr, checkpoint_thread, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (failed != 0) {
		return err_note_set(
		    note, err_from_errno(failed), "checkpoint thread: %s", strerror(failed));
	}
	c->has_thread = true;
	return ERR_OK;
}

void checkpointer_close(struct checkpointer **cp)
{
	struct checkpointer *c = *cp;

	if (c == NULL) {
		return;
	}
	if (c->has_thread) {
		pthread_mutex_lock(&c->lock);
		c->stop = true;
		pthread_cond_signal(&c->work);
		pthread_mutex_unlock(&c->lock);
		pthread_join(c->thread, NULL);
	}
	uv_close((uv_handle_t *)&c->wake->async, on_closed);
	uv_close((uv_handle_t *)&c->wake->timer, on_closed);
	pthread_cond_destroy(&c->left);
	pthread_cond_destroy(&c->work);
	pthread_mutex_destroy(&c->lock);
	sql_close(&c->db);
	free(c);
	*cp = NULL;
}
