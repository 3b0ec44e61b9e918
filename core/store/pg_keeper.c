/*
 * The keeper of a pool: a task that connects. It holds one connection open always and makes more,
 * up to the size, while tasks wait. After a failed connect it pauses, longer each time and by
 * chance, so that a hundred processes do not come back in step to a server that has just started.
 */
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/rng.h"
#include "core/obs/log.h"
#include "core/store/pg_priv.h"

enum {
	BACKOFF_FIRST_US = 50000,
	BACKOFF_MAX_US = 2000000
};

static struct pg_conn *closed_one(struct pg_pool *p)
{
	unsigned wanted = p->n_waiting > 0 ? p->o.size : 1;

	if (pg_pool_count_open(p) >= wanted) {
		return NULL;
	}
	for (unsigned i = 0; i < p->o.size; i++) {
		if (p->conn[i].state == PG_CLOSED) {
			return &p->conn[i];
		}
	}
	return NULL;
}

static void note_failure(struct pg_pool *p, const struct err_note *note)
{
	pg_count(p->cells.failures);
	if (p->backoff_us == 0) {
		LOG(LOG_WARN, "store", "database_unreachable", LOG_C("text", note->text));
	}
	p->backoff_us = p->backoff_us == 0 ? BACKOFF_FIRST_US : 2 * p->backoff_us;
	if (p->backoff_us > BACKOFF_MAX_US) {
		p->backoff_us = BACKOFF_MAX_US;
	}
	/* Between half and the whole of it. */
	p->retry_us =
	    clock_mono_us() + p->backoff_us / 2 + (int64_t)rng_below((uint64_t)p->backoff_us / 2);
}

static void connect_one(struct pg_pool *p, struct pg_conn *c)
{
	struct err_note note = { 0 };
	enum err e = pg_conn_open(c, clock_mono_us() + PG_CONNECT_US, &note);

	if (e != ERR_OK) {
		note_failure(p, &note);
		return;
	}
	pg_count(p->cells.connects);
	if (p->backoff_us != 0) {
		LOG(LOG_INFO, "store", "database_back", LOG_C("at", p->o.target->where));
	}
	p->backoff_us = 0;
	c->state = PG_BUSY; /* ours for a moment */
	pg_pool_give_to_next(c);
	pg_pool_publish(p);
}

/* Closes what should have drained by now; the time of the next one. */
static int64_t end_overdue_drains(struct pg_pool *p, int64_t now_us)
{
	int64_t next_us = DEADLINE_NONE;

	for (unsigned i = 0; i < p->o.size; i++) {
		struct pg_conn *c = &p->conn[i];
		int64_t due_us = c->since_us + PG_DRAIN_US;

		if (c->state == PG_DRAINING && due_us <= now_us) {
			pg_conn_close(c);
		} else if (c->state == PG_DRAINING && due_us < next_us) {
			next_us = due_us;
		}
	}
	return next_us;
}

void pg_keeper(void *arg)
{
	struct pg_pool *p = arg;

	while (!p->closing) {
		int64_t now_us = clock_mono_us(), next_us = end_overdue_drains(p, now_us);
		struct pg_conn *c = closed_one(p);

		if (c != NULL && p->retry_us <= now_us) {
			connect_one(p, c);
			continue;
		}
		if (c != NULL && p->retry_us < next_us) {
			next_us = p->retry_us;
		}
		enum err e = task_wait(next_us);
		CHECK(e == ERR_OK || e == ERR_DEADLINE || p->closing);
	}
	pg_pool_free(p);
}
