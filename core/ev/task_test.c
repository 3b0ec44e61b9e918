/*
 * Tasks: start, wait and wake, deadlines, cancellation, sleep, limits.
 */
#include "core/ev/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/clock.h"

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

static void note_a(void *arg)
{
	note(arg, 'a');
}

static void note_b(void *arg)
{
	note(arg, 'b');
}

static void test_spawned_task_runs_in_the_loop_not_before(void **state)
{
	struct trace *tr = *state;

	spawn(tr, note_a, DEADLINE_NONE);
	assert_string_equal(tr->text, "");
	assert_int_equal(task_count(tr->loop), 1);
	loop_run(tr->loop);
	assert_string_equal(tr->text, "a");
	assert_int_equal(task_count(tr->loop), 0);
}

static void spawn_b_then_note_a(void *arg)
{
	struct trace *tr = arg;
	struct task *self = task_current();

	assert_ptr_equal(self, tr->task);
	assert_int_equal(task_spawn(tr->loop, note_b, tr, DEADLINE_NONE, NULL), ERR_OK);
	assert_ptr_equal(task_current(), self);
	note(tr, 'a');
}

static void test_task_spawned_by_a_task_runs_after_it(void **state)
{
	struct trace *tr = *state;

	spawn(tr, spawn_b_then_note_a, DEADLINE_NONE);
	loop_run(tr->loop);
	assert_string_equal(tr->text, "ab");
}

static void test_no_task_is_current_outside(void **state)
{
	(void)state;
	assert_null(task_current());
}

static void wait_for_ever(void *arg)
{
	struct trace *tr = arg;

	note(tr, '(');
	tr->got = task_wait(DEADLINE_NONE);
	note(tr, ')');
}

static void wake_other(void *arg)
{
	struct trace *tr = arg;

	task_wake(tr->task);
	note(tr, 'w');
}

static void test_wake_resumes_the_waiting_task_after_the_waker(void **state)
{
	struct trace *tr = *state;

	spawn(tr, wait_for_ever, DEADLINE_NONE);
	assert_int_equal(task_spawn(tr->loop, wake_other, tr, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(tr->loop);
	assert_string_equal(tr->text, "(w)");
	assert_int_equal(tr->got, ERR_OK);
}

static void test_started_task_runs_at_once_until_it_waits(void **state)
{
	struct trace *tr = *state;
	struct task *ended = NULL;
	bool waits = false;

	assert_int_equal(
	    task_start(tr->loop, wait_for_ever, tr, DEADLINE_NONE, &tr->task, &waits), ERR_OK);
	assert_true(waits);
	assert_string_equal(tr->text, "(");
	assert_null(task_current());
	assert_int_equal(
	    task_start(tr->loop, wake_other, tr, DEADLINE_NONE, &ended, &waits), ERR_OK);
	assert_false(waits);
	assert_string_equal(tr->text, "(w");
	assert_int_equal(task_count(tr->loop), 1);
	loop_run(tr->loop);
	assert_string_equal(tr->text, "(w)");
}

static void test_wake_before_the_wait_is_kept(void **state)
{
	struct trace *tr = *state;

	spawn(tr, wait_for_ever, DEADLINE_NONE);
	task_wake(tr->task);
	loop_run(tr->loop);
	assert_string_equal(tr->text, "()");
	assert_int_equal(tr->got, ERR_OK);
}

static void wake_self_and_wait_twice(void *arg)
{
	struct trace *tr = arg;

	task_wake(task_current());
	task_wake(task_current());
	assert_int_equal(task_wait(DEADLINE_NONE), ERR_OK);
	tr->got = task_wait(clock_mono_us() + 2000);
}

static void test_two_wakes_satisfy_one_wait(void **state)
{
	struct trace *tr = *state;

	spawn(tr, wake_self_and_wait_twice, DEADLINE_NONE);
	loop_run(tr->loop);
	assert_int_equal(tr->got, ERR_DEADLINE);
}

static void on_timer_wake(uv_timer_t *timer)
{
	struct trace *tr = timer->data;

	assert_null(task_current());
	note(tr, 't');
	task_wake(tr->task);
	note(tr, 't');
	uv_close((uv_handle_t *)timer, NULL);
}

static void test_wake_from_a_loop_callback_does_not_run_the_task_inside_it(void **state)
{
	struct trace *tr = *state;
	uv_timer_t timer;

	assert_int_equal(uv_timer_init(loop_uv(tr->loop), &timer), 0);
	timer.data = tr;
	assert_int_equal(uv_timer_start(&timer, on_timer_wake, 2, 0), 0);
	spawn(tr, wait_for_ever, DEADLINE_NONE);
	loop_run(tr->loop);
	assert_string_equal(tr->text, "(tt)");
	assert_int_equal(tr->got, ERR_OK);
}

static void wait_5_ms(void *arg)
{
	struct trace *tr = arg;

	tr->got = task_wait(clock_mono_us() + 5000);
	tr->at_us = clock_mono_us();
}

static void test_wait_ends_at_its_deadline_and_not_before(void **state)
{
	struct trace *tr = *state;
	int64_t start = clock_mono_us();

	spawn(tr, wait_5_ms, DEADLINE_NONE);
	loop_run(tr->loop);
	assert_int_equal(tr->got, ERR_DEADLINE);
	assert_true(tr->at_us - start >= 5000);
	assert_true(tr->at_us - start < 1000000);
}

static void test_wait_ends_at_the_deadline_of_the_task(void **state)
{
	struct trace *tr = *state;
	int64_t deadline = clock_mono_us() + 3000;

	spawn(tr, wait_for_ever, deadline);
	assert_int_equal(task_deadline(tr->task), deadline);
	loop_run(tr->loop);
	assert_int_equal(tr->got, ERR_DEADLINE);
	assert_true(clock_mono_us() >= deadline);
}

static void test_wait_past_its_deadline_returns_at_once(void **state)
{
	struct trace *tr = *state;

	spawn(tr, wait_for_ever, clock_mono_us() - 1);
	loop_run(tr->loop);
	assert_int_equal(tr->got, ERR_DEADLINE);
}

static void wait_twice(void *arg)
{
	struct trace *tr = arg;

	tr->got = task_wait(DEADLINE_NONE);
	assert_int_equal(task_wait(DEADLINE_NONE), tr->got);
	assert_int_equal(task_sleep(1000000), tr->got);
	assert_int_equal(task_sleep(0), tr->got);
}

static void cancel_other(void *arg)
{
	struct trace *tr = arg;

	assert_false(task_is_cancelled(tr->task));
	task_cancel(tr->task);
	assert_true(task_is_cancelled(tr->task));
}

static void test_cancel_ends_the_current_and_all_later_waits(void **state)
{
	struct trace *tr = *state;

	spawn(tr, wait_twice, DEADLINE_NONE);
	assert_int_equal(task_spawn(tr->loop, cancel_other, tr, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(tr->loop);
	assert_int_equal(tr->got, ERR_CANCELLED);
}

static void test_cancel_before_the_start_lets_the_task_run_and_find_out(void **state)
{
	struct trace *tr = *state;

	spawn(tr, wait_twice, DEADLINE_NONE);
	task_cancel(tr->task);
	loop_run(tr->loop);
	assert_int_equal(tr->got, ERR_CANCELLED);
}

struct sleeper {
	struct trace *trace;
	int64_t us;
	char name;
};

static void sleep_and_note(void *arg)
{
	struct sleeper *s = arg;
	int64_t start = clock_mono_us();

	assert_int_equal(task_sleep(s->us), ERR_OK);
	assert_true(clock_mono_us() - start >= s->us);
	note(s->trace, s->name);
}

static void test_sleepers_wake_in_the_order_of_their_times(void **state)
{
	struct trace *tr = *state;
	struct sleeper sleepers[] = { { tr, 30000, '3' }, { tr, 10000, '1' }, { tr, 50000, '5' },
		{ tr, 20000, '2' }, { tr, 40000, '4' } };

	for (size_t i = 0; i < sizeof(sleepers) / sizeof(sleepers[0]); i++) {
		assert_int_equal(
		    task_spawn(tr->loop, sleep_and_note, &sleepers[i], DEADLINE_NONE, NULL),
		    ERR_OK);
	}
	loop_run(tr->loop);
	assert_string_equal(tr->text, "12345");
}

static void sleep_and_then_wait(void *arg)
{
	struct trace *tr = arg;
	int64_t start = clock_mono_us();

	assert_int_equal(task_sleep(5000), ERR_OK);
	assert_true(clock_mono_us() - start >= 5000);
	tr->got = task_wait(DEADLINE_NONE);
}

static void test_sleep_is_not_shortened_by_a_wake_and_keeps_it(void **state)
{
	struct trace *tr = *state;

	spawn(tr, sleep_and_then_wait, DEADLINE_NONE);
	assert_int_equal(task_spawn(tr->loop, wake_other, tr, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(tr->loop);
	assert_int_equal(tr->got, ERR_OK);
}

static void sleep_long(void *arg)
{
	struct trace *tr = arg;

	tr->got = task_sleep(INT64_MAX);
}

static void test_sleep_ends_at_the_deadline_of_the_task(void **state)
{
	struct trace *tr = *state;

	spawn(tr, sleep_long, clock_mono_us() + 2000);
	loop_run(tr->loop);
	assert_int_equal(tr->got, ERR_DEADLINE);
}

static void yield_between_notes(void *arg)
{
	struct sleeper *s = arg;

	for (int i = 0; i < 3; i++) {
		note(s->trace, s->name);
		assert_int_equal(task_sleep(0), ERR_OK);
	}
}

static void test_sleep_of_zero_lets_the_others_run(void **state)
{
	struct trace *tr = *state;
	struct sleeper one = { tr, 0, 'x' }, two = { tr, 0, 'y' };

	assert_int_equal(
	    task_spawn(tr->loop, yield_between_notes, &one, DEADLINE_NONE, NULL), ERR_OK);
	assert_int_equal(
	    task_spawn(tr->loop, yield_between_notes, &two, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(tr->loop);
	assert_string_equal(tr->text, "xyxyxy");
}

static void yield_until_timer(void *arg)
{
	struct trace *tr = arg;

	while (tr->n == 0) {
		assert_int_equal(task_sleep(0), ERR_OK);
	}
}

static void on_timer_count(uv_timer_t *timer)
{
	struct trace *tr = timer->data;

	tr->n++;
	uv_close((uv_handle_t *)timer, NULL);
}

static void test_always_ready_task_does_not_starve_the_loop(void **state)
{
	struct trace *tr = *state;
	uv_timer_t timer;

	assert_int_equal(uv_timer_init(loop_uv(tr->loop), &timer), 0);
	timer.data = tr;
	assert_int_equal(uv_timer_start(&timer, on_timer_count, 3, 0), 0);
	spawn(tr, yield_until_timer, DEADLINE_NONE);
	loop_run(tr->loop);
	assert_int_equal(tr->n, 1);
}

static void test_more_than_the_maximum_is_refused(void **state)
{
	struct trace *tr = *state;
	struct loop *small = NULL;

	assert_int_equal(loop_open(2, &small), ERR_OK);
	assert_int_equal(task_max(small), 2);
	assert_int_equal(task_spawn(small, note_a, tr, DEADLINE_NONE, NULL), ERR_OK);
	assert_int_equal(task_spawn(small, note_a, tr, DEADLINE_NONE, NULL), ERR_OK);
	assert_int_equal(task_spawn(small, note_a, tr, DEADLINE_NONE, NULL), ERR_TOO_BUSY);
	assert_int_equal(task_count(small), 2);
	loop_run(small);
	assert_int_equal(task_spawn(small, note_a, tr, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(small);
	assert_string_equal(tr->text, "aaa");
	loop_close(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_spawned_task_runs_in_the_loop_not_before),
		T(test_task_spawned_by_a_task_runs_after_it),
		T(test_no_task_is_current_outside),
		T(test_wake_resumes_the_waiting_task_after_the_waker),
		T(test_started_task_runs_at_once_until_it_waits),
		T(test_wake_before_the_wait_is_kept),
		T(test_two_wakes_satisfy_one_wait),
		T(test_wake_from_a_loop_callback_does_not_run_the_task_inside_it),
		T(test_wait_ends_at_its_deadline_and_not_before),
		T(test_wait_ends_at_the_deadline_of_the_task),
		T(test_wait_past_its_deadline_returns_at_once),
		T(test_cancel_ends_the_current_and_all_later_waits),
		T(test_cancel_before_the_start_lets_the_task_run_and_find_out),
		T(test_sleepers_wake_in_the_order_of_their_times),
		T(test_sleep_is_not_shortened_by_a_wake_and_keeps_it),
		T(test_sleep_ends_at_the_deadline_of_the_task),
		T(test_sleep_of_zero_lets_the_others_run),
		T(test_always_ready_task_does_not_starve_the_loop),
		T(test_more_than_the_maximum_is_refused),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
