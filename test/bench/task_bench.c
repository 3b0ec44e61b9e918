/*
 * What tasks cost: nanoseconds per stack switch (bare, and through the ready queue of the loop) and
 * resident memory per waiting task. No arguments; a line per figure.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/ev/stack.h"
#include "core/ev/switch.h"
#include "core/ev/task.h"

enum {
	SWITCHES = 20000000,
	YIELDS = 5000000,
	SPAWNS = 2000000
};

static struct switch_context outer, inner;

static void bounce(void *arg)
{
	(void)arg;
	for (;;) {
		switch_to(&inner, &outer);
	}
}

static double bare_switch_ns(void)
{
	struct stack_pool pool = { 0 };
	char *stack = stack_get(&pool);

	CHECK(stack != NULL);
	switch_init(&inner, stack, STACK_BYTES, bounce, NULL);
	int64_t start = clock_mono_us();
	for (int i = 0; i < SWITCHES / 2; i++) {
		switch_to(&outer, &inner);
	}
	int64_t took = clock_mono_us() - start;
	stack_put(&pool, stack);
	stack_pool_fini(&pool);
	return (double)took * 1000 / SWITCHES;
}

static void yield_often(void *arg)
{
	const int *times = arg;

	for (int i = 0; i < *times; i++) {
		CHECK(task_sleep(0) == ERR_OK);
	}
}

/* A suspend and a resume through the ready queue, with others in the queue. */
static double yield_ns(int tasks)
{
	struct loop *l = NULL;
	int times = YIELDS / tasks;

	CHECK(loop_open((unsigned)tasks, &l) == ERR_OK);
	for (int i = 0; i < tasks; i++) {
		CHECK(task_spawn(l, yield_often, &times, DEADLINE_NONE, NULL) == ERR_OK);
	}
	int64_t start = clock_mono_us();
	loop_run(l);
	int64_t took = clock_mono_us() - start;
	loop_close(&l);
	return (double)took * 1000 / ((double)times * tasks);
}

static void do_nothing(void *arg)
{
	(void)arg;
}

static void spawn_often(void *arg)
{
	struct loop *l = arg;

	for (int i = 0; i < SPAWNS; i++) {
		CHECK(task_spawn(l, do_nothing, NULL, DEADLINE_NONE, NULL) == ERR_OK);
		CHECK(task_sleep(0) == ERR_OK);
	}
}

static double spawn_ns(void)
{
	struct loop *l = NULL;

	CHECK(loop_open(2, &l) == ERR_OK);
	CHECK(task_spawn(l, spawn_often, l, DEADLINE_NONE, NULL) == ERR_OK);
	int64_t start = clock_mono_us();
	loop_run(l);
	int64_t took = clock_mono_us() - start;
	loop_close(&l);
	return (double)took * 1000 / SPAWNS;
}

static double resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long total = 0, resident = 0;

	CHECK(f != NULL && fscanf(f, "%ld %ld", &total, &resident) == 2);
	fclose(f);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

static void wait_for_cancel(void *arg)
{
	(void)arg;
	CHECK(task_wait(clock_mono_us() + INT64_C(3600000000)) == ERR_CANCELLED);
}

struct crowd {
	struct loop *loop;
	struct task **tasks;
	unsigned n;
	double before_kib, after_kib;
};

/* Runs after all the others have begun to wait: looks at the memory, then ends them. */
static void measure(void *arg)
{
	struct crowd *c = arg;

	c->after_kib = resident_kib();
	for (unsigned i = 0; i < c->n; i++) {
		task_cancel(c->tasks[i]);
	}
}

static double waiting_kib(unsigned n)
{
	struct crowd c = { .n = n, .tasks = calloc(n, sizeof(struct task *)) };

	CHECK(c.tasks != NULL && loop_open(n + 1, &c.loop) == ERR_OK);
	c.before_kib = resident_kib();
	for (unsigned i = 0; i < n; i++) {
		CHECK(task_spawn(c.loop, wait_for_cancel, NULL, DEADLINE_NONE, &c.tasks[i]) ==
		      ERR_OK);
	}
	CHECK(task_spawn(c.loop, measure, &c, DEADLINE_NONE, NULL) == ERR_OK);
	loop_run(c.loop);
	loop_close(&c.loop);
	free(c.tasks);
	return (c.after_kib - c.before_kib) / n;
}

int main(void)
{
	printf("switch, bare                      %7.1f ns\n", bare_switch_ns());
	printf("suspend and resume, 1 task        %7.1f ns\n", yield_ns(1));
	printf("suspend and resume, 1000 tasks    %7.1f ns\n", yield_ns(1000));
	printf("start and end of a task           %7.1f ns\n", spawn_ns());
	printf("memory per task, 1000 waiting     %7.2f KiB\n", waiting_kib(1000));
	printf("memory per task, 4000 waiting     %7.2f KiB\n", waiting_kib(4000));
	return 0;
}
