/*
 * Tasks. The struct lies at the top of the task's own stack, so that one that waits in a shallow
 * frame has touched a single page. States: READY (in the ready list), RUNNING, WAITING, ENDED.
 */
#include "core/ev/task.h"

#include <stdalign.h>
#include <stddef.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/trace.h"
#include "core/ev/asan.h"
#include "core/ev/task_sched.h"

/* Switches per run of the ready queue; then I/O gets its turn again. */
enum {
	SWITCHES_PER_RUN = 256
};

enum task_state {
	TASK_READY,
	TASK_RUNNING,
	TASK_WAITING,
	TASK_ENDED
};

struct task {
	struct list node;      /* in the ready list while READY */
	struct deadline timer; /* in the heap while WAITING with a deadline */
	enum task_state state;
	bool woken; /* a wake not yet consumed by a wait */
	bool cancelled;
	struct sched *sched;
	task_fn *fn;
	void *arg;
	int64_t deadline_us;
	uint64_t trace; /* what is current in it, while not RUNNING */
	char *stack;
	void *asan_fake;
	struct switch_context context; /* while not RUNNING */
};

static _Thread_local struct task *current;

struct task *task_current(void)
{
	return current;
}

static void make_ready(struct task *t)
{
	struct sched *s = t->sched;

	t->state = TASK_READY;
	list_push(&s->ready, &t->node);
	loop_again(s->loop);
}

/* Gives the processor back to the loop; returns when the loop resumes the task. */
static void suspend(struct task *t)
{
	struct sched *s = t->sched;

	asan_leave_stack(
	    t->state == TASK_ENDED ? NULL : &t->asan_fake, s->asan_bottom, s->asan_bytes);
	switch_to(&t->context, &s->context);
	asan_enter_stack(t->asan_fake, &s->asan_bottom, &s->asan_bytes);
}

static void task_main(void *arg)
{
	struct task *t = arg;

	asan_enter_stack(NULL, &t->sched->asan_bottom, &t->sched->asan_bytes);
	t->fn(t->arg);
	t->state = TASK_ENDED;
	suspend(t);
	CHECK(t->state != TASK_ENDED); /* nobody resumes an ended task */
}

/* False: it has ended and is gone. */
static bool resume(struct sched *s, struct task *t)
{
	uint64_t outer = trace_set(t->trace);

	t->state = TASK_RUNNING;
	current = t;
	asan_leave_stack(&s->asan_fake, t->stack, STACK_BYTES);
	switch_to(&s->context, &t->context);
	asan_enter_stack(s->asan_fake, NULL, NULL);
	current = NULL;
	t->trace = trace_set(outer);
	if (t->state != TASK_ENDED) {
		return true;
	}
	s->n_tasks--;
	stack_put(&s->stacks, t->stack);
	return false;
}

static enum err make(
    struct sched *s, task_fn *fn, void *arg, int64_t deadline_us, struct task **ret)
{
	if (s->n_tasks >= s->max_tasks) {
		return ERR_TOO_BUSY;
	}
	char *stack = stack_get(&s->stacks);
	if (stack == NULL) {
		return ERR_MEMORY;
	}
	const size_t below = STACK_BYTES - (sizeof(struct task) + 63) / 64 * 64;
	struct task *t = (struct task *)(void *)(stack + below);
	*t = (struct task){
		.sched = s,
		.fn = fn,
		.arg = arg,
		.deadline_us = deadline_us,
		.stack = stack,
	};
	switch_init(&t->context, stack, below, task_main, t);
	s->n_tasks++;
	*ret = t;
	return ERR_OK;
}

enum err task_spawn(
    struct loop *l, task_fn *fn, void *arg, int64_t deadline_us, struct task **ret_task)
{
	struct task *t = NULL;
	enum err e = make(loop_sched(l), fn, arg, deadline_us, &t);

	if (e != ERR_OK) {
		return e;
	}
	make_ready(t);
	if (ret_task != NULL) {
		*ret_task = t;
	}
	return ERR_OK;
}

enum err task_start(struct loop *l, task_fn *fn, void *arg, int64_t deadline_us,
    struct task **ret_task, bool *ret_waits)
{
	struct task *t = NULL;

	CHECK(current == NULL);
	enum err e = make(loop_sched(l), fn, arg, deadline_us, &t);
	if (e != ERR_OK) {
		return e;
	}
	*ret_task = t;
	*ret_waits = resume(loop_sched(l), t);
	return ERR_OK;
}

enum err task_wait(int64_t deadline_us)
{
	struct task *t = current;

	CHECK(t != NULL);
	if (!t->cancelled && !t->woken) {
		struct sched *s = t->sched;
		int64_t due = deadline_us < t->deadline_us ? deadline_us : t->deadline_us;
		if (due <= loop_now_us(s->loop)) {
			return ERR_DEADLINE;
		}
		if (due != DEADLINE_NONE) {
			deadline_add(&s->waiting, &t->timer, due);
		}
		t->state = TASK_WAITING;
		suspend(t);
		deadline_remove(&s->waiting, &t->timer);
	}
	if (t->cancelled) {
		return ERR_CANCELLED;
	}
	if (t->woken) {
		t->woken = false;
		return ERR_OK;
	}
	return ERR_DEADLINE;
}

void task_wake(struct task *t)
{
	t->woken = true;
	if (t->state == TASK_WAITING) {
		make_ready(t);
	}
}

void task_cancel(struct task *t)
{
	t->cancelled = true;
	if (t->state == TASK_WAITING) {
		make_ready(t);
	}
}

bool task_is_cancelled(const struct task *t)
{
	return t->cancelled;
}

enum err task_sleep(int64_t us)
{
	struct task *t = current;

	CHECK(t != NULL);
	if (t->cancelled) {
		return ERR_CANCELLED;
	}
	if (us <= 0) {
		make_ready(t);
		suspend(t);
		return t->cancelled ? ERR_CANCELLED : ERR_OK;
	}
	int64_t now = clock_mono_us();
	int64_t until = us > DEADLINE_NONE - now ? DEADLINE_NONE : now + us;
	bool woken = false; /* a wake is for the next wait, not for the sleep */
	enum err e;
	while ((e = task_wait(until)) == ERR_OK) {
		woken = true;
	}
	t->woken = woken;
	return e == ERR_DEADLINE && until < t->deadline_us ? ERR_OK : e;
}

int64_t task_deadline(const struct task *t)
{
	return t->deadline_us;
}

unsigned task_count(const struct loop *l)
{
	return loop_sched_const(l)->n_tasks;
}

unsigned task_max(const struct loop *l)
{
	return loop_sched_const(l)->max_tasks;
}

enum err sched_init(struct sched *s, struct loop *l, unsigned max_tasks)
{
	*s = (struct sched){ .loop = l, .max_tasks = max_tasks };
	list_init(&s->ready);
	return deadline_init(&s->waiting, max_tasks);
}

void sched_fini(struct sched *s)
{
	CHECK(s->n_tasks == 0);
	stack_pool_fini(&s->stacks);
	deadline_fini(&s->waiting);
}

bool sched_run(struct sched *s)
{
	CHECK(current == NULL);
	for (unsigned i = 0; i < SWITCHES_PER_RUN; i++) {
		struct list *node = list_pop(&s->ready);
		if (node == NULL) {
			return false;
		}
		(void)resume(s, LIST_OF(node, struct task, node));
	}
	return !list_is_empty(&s->ready);
}

void sched_expire(struct sched *s, int64_t now_us)
{
	struct deadline *d;

	while ((d = deadline_pop(&s->waiting, now_us)) != NULL) {
		struct task *t = LIST_OF(d, struct task, timer);
		if (t->state == TASK_WAITING) {
			make_ready(t);
		}
	}
}
