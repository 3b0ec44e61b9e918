/*
 * See crew.h. One lock guards what loop and threads share; it is held for moments. A job goes to a
 * thread directly if one is idle, and through the queue only when all are busy; it comes back
 * through the list of what is done, which the loop empties when the async handle calls. The list
 * of members and whether a task waits belong to the loop alone.
 */
#include "accounts/courier/crew.h"

#include <signal.h>
#include <stdlib.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/task.h"

enum {
	/* Enough for a handshake of OpenSSL several times over; names are resolved elsewhere. */
	THREAD_STACK_BYTES = 256 * 1024
};

struct member {
	struct crew *crew;
	struct list all;  /* in crew.members; the loop's */
	struct list node; /* in crew.idle */
	uv_thread_t thread;
	uv_cond_t wake;
	struct crew_job *job; /* handed over */
	void *state;	      /* the thread's */
	bool gone;	      /* about to return: can be joined */
};

struct crew {
	struct crew_options o;
	uv_async_t async;
	struct list members;
	unsigned under_way;	 /* jobs; while there are any the loop has something to wait for */
	uv_mutex_t lock;	 /* guards all below, and job, gone, waits */
	struct list queue, done; /* of jobs */
	struct list idle;	 /* of members, the newest last */
	unsigned serving;	 /* threads that take jobs */
	bool ending;
};

/* ---- on a thread, with the lock held ---- */

/* Waits for a job; false: the thread ends. */
static bool next_job(struct member *m)
{
	struct crew *c = m->crew;
	struct list *first = list_pop(&c->queue);

	if (first != NULL) {
		m->job = LIST_OF(first, struct crew_job, node);
		m->job->waits = false;
		return true;
	}
	const int64_t until_us = clock_mono_us() + c->o.idle_us;
	int64_t left_us = c->o.idle_us;
	list_push(&c->idle, &m->node);
	while (m->job == NULL && !c->ending && left_us > 0) {
		(void)uv_cond_timedwait(&m->wake, &c->lock, (uint64_t)left_us * 1000);
		left_us = until_us - clock_mono_us();
	}
	list_remove(&m->node);
	return m->job != NULL;
}

static void member_main(void *arg)
{
	struct member *m = arg;
	struct crew *c = m->crew;

	uv_mutex_lock(&c->lock);
	while (next_job(m)) {
		struct crew_job *job = m->job;
		m->job = NULL;
		uv_mutex_unlock(&c->lock);
		c->o.ops->work(c->o.arg, &m->state, job);
		uv_mutex_lock(&c->lock);
		list_push(&c->done, &job->node);
		uv_async_send(&c->async);
	}
	c->serving--;
	uv_mutex_unlock(&c->lock);
	c->o.ops->end(m->state);
	uv_mutex_lock(&c->lock);
	m->gone = true;
	uv_async_send(&c->async);
	uv_mutex_unlock(&c->lock);
}

/* ---- on the loop ---- */

static void bury(struct member *m)
{
	CHECK(uv_thread_join(&m->thread) == 0);
	list_remove(&m->all);
	uv_cond_destroy(&m->wake);
	free(m);
}

/* Joins threads that are about to return. */
static void bury_gone(struct crew *c)
{
	for (struct list *node = c->members.next, *next; node != &c->members; node = next) {
		struct member *m = LIST_OF(node, struct member, all);
		next = node->next;
		uv_mutex_lock(&c->lock);
		bool gone = m->gone;
		uv_mutex_unlock(&c->lock);
		if (gone) {
			bury(m);
		}
	}
}

static struct crew_job *pop_job(struct crew *c, struct list *jobs)
{
	uv_mutex_lock(&c->lock);
	struct list *node = list_pop(jobs);
	uv_mutex_unlock(&c->lock);
	return node == NULL ? NULL : LIST_OF(node, struct crew_job, node);
}

static void count_jobs(struct crew *c, int more)
{
	c->under_way += (unsigned)more;
	if (c->under_way > 0) {
		uv_ref((uv_handle_t *)&c->async);
	} else {
		uv_unref((uv_handle_t *)&c->async);
	}
}

static void on_async(uv_async_t *async)
{
	struct crew *c = async->data;

	for (struct crew_job *job; (job = pop_job(c, &c->done)) != NULL;) {
		count_jobs(c, -1);
		job->done = true;
		if (job->task != NULL) {
			task_wake(job->task);
		} else {
			c->o.ops->discard(job);
		}
	}
	bury_gone(c);
}

/* Signals are the loop's: a thread has all blocked from its first instruction. */
static int start_thread(struct member *m)
{
	const uv_thread_options_t options = { .flags = UV_THREAD_HAS_STACK_SIZE,
		.stack_size = THREAD_STACK_BYTES };
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int failed = uv_thread_create_ex(&m->thread, &options, member_main, m);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return failed;
}

/* Called with the lock held, which the thread waits for first. */
static bool add_member(struct crew *c)
{
	struct member *m = calloc(1, sizeof(*m));

	if (m == NULL || uv_cond_init(&m->wake) != 0) {
		free(m);
		return false;
	}
	m->crew = c;
	list_init(&m->node);
	if (start_thread(m) != 0) {
		uv_cond_destroy(&m->wake);
		free(m);
		return false;
	}
	list_push(&c->members, &m->all);
	c->serving++;
	return true;
}

/* Called with the lock held. False: nobody will ever take the job. */
static bool hand_over(struct crew *c, struct crew_job *job)
{
	if (!list_is_empty(&c->idle)) {
		struct member *m = LIST_OF(c->idle.prev, struct member, node);
		list_remove(&m->node);
		m->job = job;
		uv_cond_signal(&m->wake);
		return true;
	}
	if (c->serving < c->o.max_threads && !add_member(c) && c->serving == 0) {
		return false;
	}
	list_push(&c->queue, &job->node);
	job->waits = true;
	return true;
}

/* The task has gone. True: no thread has the job, and none will get it. */
static bool take_back(struct crew *c, struct crew_job *job)
{
	uv_mutex_lock(&c->lock);
	bool waits = job->waits;
	job->waits = false;
	if (waits) {
		list_remove(&job->node);
	}
	uv_mutex_unlock(&c->lock);
	return waits;
}

enum err crew_run(struct crew *c, struct crew_job *job)
{
	enum err e = ERR_OK;

	*job = (struct crew_job){ .task = task_current() };
	CHECK(job->task != NULL);
	list_init(&job->node);
	uv_mutex_lock(&c->lock);
	bool accepted = hand_over(c, job);
	uv_mutex_unlock(&c->lock);
	if (!accepted) {
		c->o.ops->discard(job);
		return ERR_SYSTEM;
	}
	count_jobs(c, 1);
	while (e == ERR_OK && !job->done) {
		e = task_wait(DEADLINE_NONE);
	}
	if (job->done) {
		return ERR_OK;
	}
	job->task = NULL;
	if (take_back(c, job)) {
		count_jobs(c, -1);
		c->o.ops->discard(job);
	}
	return e;
}

unsigned crew_threads(struct crew *c)
{
	uv_mutex_lock(&c->lock);
	unsigned n = c->serving;
	uv_mutex_unlock(&c->lock);
	return n;
}

/* ---- life ---- */

enum err crew_new(struct loop *l, const struct crew_options *o, struct crew **ret)
{
	struct crew *c = calloc(1, sizeof(*c));

	CHECK(o->max_threads > 0);
	if (c == NULL) {
		return ERR_MEMORY;
	}
	if (uv_mutex_init(&c->lock) != 0) {
		free(c);
		return ERR_SYSTEM;
	}
	if (uv_async_init(loop_uv(l), &c->async, on_async) != 0) {
		uv_mutex_destroy(&c->lock);
		free(c);
		return ERR_SYSTEM;
	}
	uv_unref((uv_handle_t *)&c->async);
	c->async.data = c;
	c->o = *o;
	list_init(&c->members);
	list_init(&c->queue);
	list_init(&c->done);
	list_init(&c->idle);
	*ret = c;
	return ERR_OK;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

static void end_threads(struct crew *c)
{
	uv_mutex_lock(&c->lock);
	c->ending = true;
	list_each (node, &c->idle) {
		uv_cond_signal(&LIST_OF(node, struct member, node)->wake);
	}
	uv_mutex_unlock(&c->lock);
	while (!list_is_empty(&c->members)) {
		bury(LIST_OF(c->members.next, struct member, all));
	}
}

void crew_free(struct crew **cp)
{
	struct crew *c = *cp;
	struct crew_job *job;

	if (c == NULL) {
		return;
	}
	end_threads(c); /* what waits in the queue is taken by those that end */
	while ((job = pop_job(c, &c->queue)) != NULL || (job = pop_job(c, &c->done)) != NULL) {
		c->o.ops->discard(job);
	}
	uv_mutex_destroy(&c->lock);
	uv_close((uv_handle_t *)&c->async, on_closed);
	*cp = NULL;
}
