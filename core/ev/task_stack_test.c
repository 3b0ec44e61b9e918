/*
 * Stacks of tasks: that they are apart, deep, guarded, reused, and that the floating-point mode
 * goes with them. Built twice, over the assembly switch and over ucontext.
 */
#include "core/ev/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <fenv.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum {
	MAX_TASKS = 4096
};

/* What a test's tasks share: the loop and a trace of what happened in which order. */
struct trace {
	struct loop *loop;
	struct task *task;
	char text[128];
	enum err got;
	int64_t at_us;
	unsigned n;
};

static int setup(void **state)
{
	struct trace *tr = calloc(1, sizeof(*tr));

	assert_non_null(tr);
	assert_int_equal(loop_open(MAX_TASKS, &tr->loop), ERR_OK);
	*state = tr;
	return 0;
}

static int teardown(void **state)
{
	struct trace *tr = *state;

	assert_int_equal(task_count(tr->loop), 0);
	loop_close(&tr->loop);
	assert_null(tr->loop);
	free(tr);
	return 0;
}

static void note(struct trace *tr, char c)
{
	size_t len = strlen(tr->text);

	assert_true(len + 1 < sizeof(tr->text));
	tr->text[len] = c;
}

static void spawn(struct trace *tr, task_fn *fn, int64_t deadline_us)
{
	assert_int_equal(task_spawn(tr->loop, fn, tr, deadline_us, &tr->task), ERR_OK);
}

static void wait_some_rounds(void *arg)
{
	struct trace *tr = arg;
	/* Different in each task: a mixed-up stack would show. */
	unsigned mine = tr->n++;
	volatile unsigned copy[64];

	for (unsigned i = 0; i < 64; i++) {
		copy[i] = mine * 64 + i;
	}
	for (int round = 0; round < 4; round++) {
		assert_int_equal(task_sleep(round == 0 ? 2000 : 0), ERR_OK);
		for (unsigned i = 0; i < 64; i++) {
			assert_int_equal(copy[i], mine * 64 + i);
		}
	}
}

static void test_thousands_of_tasks_keep_their_stacks_apart(void **state)
{
	struct trace *tr = *state;

	for (int again = 0; again < 2; again++) {
		for (unsigned i = 0; i < MAX_TASKS; i++) {
			spawn(tr, wait_some_rounds, DEADLINE_NONE);
		}
		assert_int_equal(task_count(tr->loop), MAX_TASKS);
		loop_run(tr->loop);
		assert_int_equal(task_count(tr->loop), 0);
	}
	assert_int_equal(tr->n, 2 * MAX_TASKS);
}

static void note_address(void *arg)
{
	struct trace *tr = arg;
	char local = 'x';

	note(tr, local);
	tr->at_us = (int64_t)(intptr_t)task_current();
}

static void test_stack_of_an_ended_task_is_used_again(void **state)
{
	struct trace *tr = *state;

	spawn(tr, note_address, DEADLINE_NONE);
	loop_run(tr->loop);
	int64_t first = tr->at_us;
	spawn(tr, note_address, DEADLINE_NONE);
	loop_run(tr->loop);
	assert_true(tr->at_us == first);
}

/* Goes down, at least 1 KiB a level, until bytes below top are in use; returns the levels. */
static __attribute__((noinline)) unsigned use_stack(uintptr_t top, size_t bytes)
{
	volatile char frame[1024];

	frame[0] = 1;
	frame[1023] = 0;
	/* Not the address of a local: AddressSanitizer may keep those elsewhere. */
	if (top - (uintptr_t)__builtin_frame_address(0) >= bytes) {
		assert_int_equal(task_sleep(1000), ERR_OK);
		return 0;
	}
	/* Not a tail call: the frame is needed afterwards. */
	return use_stack(top, bytes) + (unsigned)frame[0];
}

static void use_200_kib(void *arg)
{
	struct trace *tr = arg;

	tr->n = use_stack((uintptr_t)__builtin_frame_address(0), 200 * 1024);
}

static void test_deep_use_of_the_stack_works(void **state)
{
	struct trace *tr = *state;

	spawn(tr, use_200_kib, DEADLINE_NONE);
	loop_run(tr->loop);
	assert_true(tr->n > 0);
}

static void overflow(void *arg)
{
	struct trace *tr = arg;

	tr->n = use_stack((uintptr_t)__builtin_frame_address(0), 300 * 1024);
}

static void test_stack_overflow_hits_the_guard_page(void **state)
{
	struct trace *tr = *state;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		/* cmocka catches signals and ASan reports; neither is wanted here. */
		struct rlimit no_core = { 0, 0 };
		setrlimit(RLIMIT_CORE, &no_core);
		dup2(open("/dev/null", O_WRONLY), 2);
		spawn(tr, overflow, DEADLINE_NONE);
		signal(SIGSEGV, SIG_DFL);
		loop_run(tr->loop);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void use_other_rounding(void *arg)
{
	struct trace *tr = arg;

	assert_int_equal(fegetround(), FE_TONEAREST);
	fesetround(FE_UPWARD);
	assert_int_equal(task_sleep(1000), ERR_OK);
	tr->n = fegetround() == FE_UPWARD;
}

static void check_rounding(void *arg)
{
	struct trace *tr = arg;

	note(tr, fegetround() == FE_TONEAREST ? 'n' : 'u');
}

static void test_floating_point_mode_belongs_to_the_task(void **state)
{
	struct trace *tr = *state;

	spawn(tr, use_other_rounding, DEADLINE_NONE);
	assert_int_equal(task_spawn(tr->loop, check_rounding, tr, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(tr->loop);
	assert_string_equal(tr->text, "n");
	assert_int_equal(tr->n, 1);
	assert_int_equal(fegetround(), FE_TONEAREST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_thousands_of_tasks_keep_their_stacks_apart),
		T(test_stack_of_an_ended_task_is_used_again),
		T(test_deep_use_of_the_stack_works),
		T(test_stack_overflow_hits_the_guard_page),
		T(test_floating_point_mode_belongs_to_the_task),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
