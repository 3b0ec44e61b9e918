/*
 * The checkpoint thread and how it uses the gate.
 *
 * Only PASSIVE checkpoints are made: they take no lock that a commit needs. When one has copied the
 * whole log, the writer starts the log over from its beginning with its next transaction, by itself
 * and without input or output. The file is not truncated (journal_size_limit does that beyond 64
 * MiB), because overwriting blocks that exist makes fsync cheaper than growing the file.
 *
 * Under constant writing a checkpoint never reaches the end, there is always a newer frame. So when
 * the log has grown to 16 MiB and a checkpoint has left less than 4 MiB to do, the gate is closed:
 * the writer begins no new batch, the rest is copied, the gate opens. Some ten milliseconds. From
 * 64 MiB on the gate closes whatever is left to do. The writer never waits longer than two seconds:
 * it may enter a closed gate then (which is safe, PASSIVE locks nothing it needs), the log grows
 * on, and the gate is not closed for a full log again before it has grown by another 16 MiB. That
 * happens when a reader holds an old snapshot; ours do not.
 *
 * RESTART and TRUNCATE were rejected: they hold the write lock while they wait for readers, so the
 * wait of the writer could not be bounded.
 */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "core/base/clock.h"
#include "core/obs/metric.h"
#include "core/store/checkpoint_priv.h"
#include "core/store/sqlite.h"

enum {
	SMALL_REST_BYTES = 4 * 1024 * 1024, /* copied in some ten milliseconds */
	PASSES_MAX = 3,			    /* over the log before the gate closes */
	COMPLAIN_EVERY_US = 60 * 1000000
};

struct progress {
	int64_t log_bytes;  /* when the pass began */
	int64_t rest_bytes; /* not copied, counting what came meanwhile */
	const char *error;  /* SQLite's words; NULL: none */
};

/* The functions of the gate are called with the lock held. */

static void close_gate(struct checkpointer *c)
{
	if (!c->closed) {
		c->closed = true;
		c->closed_us = clock_mono_us();
	}
	while (c->writer_in) {
		pthread_cond_wait(&c->left, &c->lock);
	}
}

static void open_gate(struct checkpointer *c)
{
	if (c->closed) {
		c->closed = false;
		metric_add(c->cells.pauses, 1);
		uv_async_send(&c->wake->async);
	}
}

/* At most once in a while; the loop writes it into the log. */
static void complain(struct checkpointer *c, const char *why)
{
	int64_t now_us = clock_mono_us();

	if (c->complained_us == 0 || now_us - c->complained_us >= COMPLAIN_EVERY_US) {
		c->complained_us = now_us;
		snprintf(c->complaint, sizeof(c->complaint), "%s", why);
		uv_async_send(&c->wake->async);
	}
}

static int64_t frames_to_bytes(int frames)
{
	enum {
		FRAME_BYTES = 4096 + 24
	};

	return frames < 0 ? 0 : (int64_t)frames * FRAME_BYTES;
}

/* One pass over the log; called and returns with the lock held, which is free meanwhile. */
static struct progress checkpoint_pass(struct checkpointer *c)
{
	struct progress p = { 0, 0, NULL };
	int log = 0, done = 0, rc;
	int64_t begun_us, log_now;

	pthread_mutex_unlock(&c->lock);
	begun_us = clock_mono_us();
	rc = sqlite3_wal_checkpoint_v2(
	    sqlite_handle(c->db), "main", SQLITE_CHECKPOINT_PASSIVE, &log, &done);
	hist_record(c->cells.seconds, clock_mono_us() - begun_us);
	pthread_mutex_lock(&c->lock);
	p.log_bytes = frames_to_bytes(log);
	log_now = c->wal_bytes > p.log_bytes ? c->wal_bytes : p.log_bytes;
	p.rest_bytes = log_now - frames_to_bytes(done);
	if (rc != SQLITE_OK && rc != SQLITE_BUSY) {
		p.rest_bytes = INT64_MAX;
		p.error = sqlite3_errmsg(sqlite_handle(c->db));
	}
	return p;
}

/* One checkpoint; called and returns with the lock held. */
static void checkpoint(struct checkpointer *c)
{
	struct progress p = { 0, INT64_MAX, NULL };
	int64_t before = INT64_MAX;

	c->seen_bytes = c->wal_bytes;
	c->dirty = false;
	for (int pass = 0; pass < PASSES_MAX; pass++) {
		p = checkpoint_pass(c);
		if (p.rest_bytes <= SMALL_REST_BYTES || p.rest_bytes >= before) {
			break;
		}
		before = p.rest_bytes;
	}
	if (p.rest_bytes > 0 && p.rest_bytes <= SMALL_REST_BYTES &&
	    p.log_bytes >= CHECKPOINT_REWIND_BYTES && !c->stop) {
		close_gate(c);
		p = checkpoint_pass(c);
	}
	open_gate(c);
	c->dirty = c->dirty || p.rest_bytes > 0;
	if (p.error != NULL) {
		complain(c, p.error);
	} else if (p.rest_bytes > 0 && p.log_bytes >= CHECKPOINT_LIMIT_BYTES) {
		complain(c, "a reader holds an old snapshot");
	}
}

/* clock_mono_us() is CLOCK_MONOTONIC, and so is the condition's clock. */
static struct timespec idle_deadline(void)
{
	int64_t us = clock_mono_us() + CHECKPOINT_IDLE_MS * INT64_C(1000);

	return (struct timespec){ .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };
}

void *checkpoint_thread(void *arg)
{
	struct checkpointer *c = arg;

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		bool timed_out = false;

		if (!c->dirty && !checkpoint_is_pressing(c)) {
			pthread_cond_wait(&c->work, &c->lock);
			continue;
		}
		if (!checkpoint_is_pressing(c)) {
			struct timespec until = idle_deadline();

			timed_out = pthread_cond_timedwait(&c->work, &c->lock, &until) == ETIMEDOUT;
		}
		if (!c->stop && (timed_out || checkpoint_is_pressing(c))) {
			checkpoint(c);
		}
	}
	open_gate(c);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}
