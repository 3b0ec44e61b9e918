/*
 * See flight.h. Flights are few, so lists will do.
 */
#include "services/symbols/flight.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/ev/task.h"

enum flight_state {
	FLIGHT_QUEUED,
	FLIGHT_RUNNING,
	FLIGHT_LANDED
};

struct flights {
	struct loop *loop;
	struct flight_limits limits;
	flight_fn *run;
	void *arg;
	struct list all;    /* struct flight.node, in the order of their beginning */
	unsigned n;	    /* in the list */
	unsigned n_running; /* tasks, which may outlive their place in the list */
	unsigned n_waiters;
	bool draining;
};

/* Freed by the last of the list, its task and those who wait. */
struct flight {
	struct flights *owner;
	struct list node;
	struct list waiters; /* struct waiter.node */
	unsigned users;
	enum flight_state state;
	struct task *task; /* while it runs */
	enum err outcome;
	int64_t landed_us;
	struct slice key, extra; /* behind the struct */
};

struct waiter {
	struct list node;
	struct task *task;
};

enum err flights_new(struct loop *l, const struct flight_limits *limits, flight_fn *run, void *arg,
    struct flights **ret)
{
	struct flights *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		return ERR_MEMORY;
	}
	f->loop = l;
	f->limits = *limits;
	f->run = run;
	f->arg = arg;
	list_init(&f->all);
	*ret = f;
	return ERR_OK;
}

static void leave(struct flight *one, unsigned times)
{
	one->users -= times;
	if (one->users == 0) {
		free(one);
	}
}

/* Off the list, whose use of it is not over yet. */
static void unlist(struct flight *one)
{
	list_remove(&one->node);
	one->owner->n--;
}

static void forget(struct flight *one)
{
	unlist(one);
	leave(one, 1);
}

/* What has been remembered for long enough. */
static void purge(struct flights *f, int64_t now_us)
{
	for (struct list *node = f->all.next, *next; node != &f->all; node = next) {
		struct flight *one = LIST_OF(node, struct flight, node);
		next = node->next;
		if (one->state == FLIGHT_LANDED && one->landed_us + f->limits.linger_us <= now_us) {
			forget(one);
		}
	}
}

/* Forgets the one that has been remembered for longest; who remembers much must not refuse. */
static void make_room(struct flights *f)
{
	list_each (node, &f->all) {
		struct flight *one = LIST_OF(node, struct flight, node);
		if (one->state == FLIGHT_LANDED) {
			forget(one);
			return;
		}
	}
}

void flights_free(struct flights **fp)
{
	struct flights *f = *fp;

	*fp = NULL;
	if (f == NULL || f->n_running > 0 || f->n_waiters > 0) {
		return;
	}
	while (!list_is_empty(&f->all)) {
		forget(LIST_OF(f->all.next, struct flight, node));
	}
	free(f);
}

/* ---- flying ---- */

static void start_some(struct flights *f);

/* True: nobody is to find it any more. */
static bool land(struct flight *one, enum err outcome)
{
	one->state = FLIGHT_LANDED;
	one->outcome = outcome;
	one->landed_us = clock_mono_us();
	list_each (node, &one->waiters) {
		task_wake(LIST_OF(node, struct waiter, node)->task);
	}
	return outcome != ERR_OK || one->owner->limits.linger_us == 0;
}

static void fly(void *arg)
{
	struct flight *one = arg;
	struct flights *f = one->owner;
	enum err e = f->draining ? ERR_DRAINING : f->run(f->arg, one->key, one->extra);

	one->task = NULL;
	bool is_over = land(one, e == ERR_CANCELLED ? ERR_DRAINING : e);
	if (is_over) {
		unlist(one);
	}
	leave(one, is_over ? 2 : 1);
	f->n_running--;
	start_some(f);
}

/* As many of those that wait for their turn as may run. */
static void start_some(struct flights *f)
{
	for (struct list *node = f->all.next, *next;
	     node != &f->all && f->n_running < f->limits.running; node = next) {
		struct flight *one = LIST_OF(node, struct flight, node);
		next = node->next;
		if (one->state != FLIGHT_QUEUED) {
			continue;
		}
		if (task_spawn(f->loop, fly, one, DEADLINE_NONE, &one->task) != ERR_OK) {
			if (land(one, ERR_TOO_BUSY)) {
				forget(one);
			}
			continue;
		}
		one->state = FLIGHT_RUNNING;
		one->users++;
		f->n_running++;
	}
}

static struct flight *begin(struct flights *f, struct slice key, struct slice extra)
{
	struct flight *one = calloc(1, sizeof(*one) + key.len + extra.len + 1);

	if (one == NULL) {
		return NULL;
	}
	char *text = (char *)(one + 1);
	memcpy(text, key.ptr, key.len);
	memcpy(text + key.len, extra.ptr, extra.len);
	one->owner = f;
	one->key = SLICE_OF(text, key.len);
	one->extra = SLICE_OF(text + key.len, extra.len);
	one->users = 1; /* the list */
	list_init(&one->waiters);
	list_init(&one->node);
	list_push(&f->all, &one->node);
	f->n++;
	return one;
}

static struct flight *find(struct flights *f, struct slice key)
{
	list_each (node, &f->all) {
		struct flight *one = LIST_OF(node, struct flight, node);
		if (slice_eq(one->key, key)) {
			return one;
		}
	}
	return NULL;
}

/* ---- waiting ---- */

static enum err wait_for(struct flights *f, struct flight *one, int64_t deadline_us)
{
	struct waiter w = { .task = task_current() };
	enum err e = ERR_OK;

	if (f->n_waiters == f->limits.waiters) {
		return ERR_TOO_BUSY;
	}
	f->n_waiters++;
	list_init(&w.node);
	list_push(&one->waiters, &w.node);
	while (e == ERR_OK && one->state != FLIGHT_LANDED) {
		e = task_wait(deadline_us);
	}
	list_remove(&w.node);
	f->n_waiters--;
	return one->state == FLIGHT_LANDED && e != ERR_CANCELLED ? one->outcome : e;
}

enum err flights_join(struct flights *f, struct slice key, struct slice extra, int64_t deadline_us)
{
	int64_t now_us = clock_mono_us();

	if (f->draining) {
		return ERR_DRAINING;
	}
	purge(f, now_us);
	struct flight *one = find(f, key);
	if (one == NULL && f->n == f->limits.flights) {
		make_room(f);
	}
	if (one == NULL && f->n == f->limits.flights) {
		return ERR_TOO_BUSY;
	}
	if (one == NULL) {
		one = begin(f, key, extra);
		if (one == NULL) {
			return ERR_MEMORY;
		}
	}
	one->users++;
	start_some(f);
	enum err e = one->state == FLIGHT_LANDED ? one->outcome
		     : deadline_us <= now_us	 ? ERR_DEADLINE
						 : wait_for(f, one, deadline_us);
	leave(one, 1);
	return e;
}

unsigned flights_waiting(const struct flights *f)
{
	return f->n_waiters;
}

void flights_drain(struct flights *f)
{
	f->draining = true;
	list_each (node, &f->all) {
		struct flight *one = LIST_OF(node, struct flight, node);
		if (one->task != NULL) {
			task_cancel(one->task);
		}
	}
	/* Those that wait for their turn get it, and end at once. */
}
