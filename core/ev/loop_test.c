/*
 * The loop: hooks, rounds without waiting, clocks and lag, periods, signals, closing.
 */
#include "core/ev/loop.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/ev/task.h"

struct trace {
	struct loop *loop;
	uv_timer_t timer;
	uv_poll_t poll;
	int pipe[2];
	char text[64];
	int64_t at_us;
	unsigned n;
};

static int setup(void **state)
{
	struct trace *tr = calloc(1, sizeof(*tr));

	assert_non_null(tr);
	assert_int_equal(loop_open(16, &tr->loop), ERR_OK);
	assert_int_equal(pipe(tr->pipe), 0);
	*state = tr;
	return 0;
}

static int teardown(void **state)
{
	struct trace *tr = *state;

	loop_close(&tr->loop);
	assert_null(tr->loop);
	close(tr->pipe[0]);
	close(tr->pipe[1]);
	free(tr);
	return 0;
}

static void note(struct trace *tr, char c)
{
	size_t len = strlen(tr->text);

	assert_true(len + 1 < sizeof(tr->text));
	tr->text[len] = c;
}

static void busy_wait(int64_t us)
{
	int64_t until = clock_mono_us() + us;

	while (clock_mono_us() < until) {
	}
}

/* Makes the pipe readable and calls fn for it in the next round. */
static void poll_pipe(struct trace *tr, uv_poll_cb fn)
{
	assert_int_equal(write(tr->pipe[1], "x", 1), 1);
	assert_int_equal(uv_poll_init(loop_uv(tr->loop), &tr->poll, tr->pipe[0]), 0);
	tr->poll.data = tr;
	assert_int_equal(uv_poll_start(&tr->poll, UV_READABLE, fn), 0);
}

static void on_io(uv_poll_t *poll, int status, int events)
{
	struct trace *tr = poll->data;

	assert_int_equal(status, 0);
	assert_int_equal(events, UV_READABLE);
	note(tr, 'i');
	uv_close((uv_handle_t *)poll, NULL);
}

static void hook_1(void *arg)
{
	note(arg, '1');
}

static void hook_2(void *arg)
{
	note(arg, '2');
}

static void note_task(void *arg)
{
	note(arg, 't');
}

static void on_io_spawn(uv_poll_t *poll, int status, int events)
{
	struct trace *tr = poll->data;

	on_io(poll, status, events);
	assert_int_equal(task_spawn(tr->loop, note_task, tr, DEADLINE_NONE, NULL), ERR_OK);
}

static void test_round_runs_io_then_hooks_in_order_then_tasks(void **state)
{
	struct trace *tr = *state;

	loop_on_check(tr->loop, hook_1, tr);
	loop_on_check(tr->loop, hook_2, tr);
	poll_pipe(tr, on_io_spawn);
	loop_run(tr->loop);
	assert_memory_equal(tr->text, "i12t", 4);
}

static void test_run_returns_when_nothing_is_left(void **state)
{
	struct trace *tr = *state;

	loop_on_check(tr->loop, hook_1, tr);
	loop_run(tr->loop);
	assert_string_equal(tr->text, "");
}

static void on_timer_stop(uv_timer_t *timer)
{
	struct trace *tr = timer->data;

	loop_stop(tr->loop);
}

static void test_stop_ends_the_run_with_handles_open(void **state)
{
	struct trace *tr = *state;

	assert_int_equal(uv_timer_init(loop_uv(tr->loop), &tr->timer), 0);
	tr->timer.data = tr;
	assert_int_equal(uv_timer_start(&tr->timer, on_timer_stop, 1, 1), 0);
	loop_run(tr->loop);
	uv_close((uv_handle_t *)&tr->timer, NULL);
}

static void hook_again_3_times(void *arg)
{
	struct trace *tr = arg;

	if (++tr->n < 3) {
		loop_again(tr->loop);
	}
}

static void test_again_gives_rounds_without_waiting(void **state)
{
	struct trace *tr = *state;
	int64_t start = clock_mono_us();

	loop_on_check(tr->loop, hook_again_3_times, tr);
	loop_again(tr->loop);
	loop_run(tr->loop);
	assert_int_equal(tr->n, 3);
	assert_true(clock_mono_us() - start < 1000000);
}

static void on_io_check_now(uv_poll_t *poll, int status, int events)
{
	struct trace *tr = poll->data;
	int64_t now = loop_now_us(tr->loop);

	busy_wait(3000);
	assert_true(loop_now_us(tr->loop) == now);
	tr->at_us = now;
	on_io(poll, status, events);
}

static void test_now_is_the_time_at_which_the_poll_returned(void **state)
{
	struct trace *tr = *state;
	int64_t before = clock_mono_us();

	poll_pipe(tr, on_io_check_now);
	loop_run(tr->loop);
	int64_t after = clock_mono_us();
	assert_true(tr->at_us >= before);
	assert_true(tr->at_us <= after - 3000);
}

static void on_timer_write(uv_timer_t *timer)
{
	struct trace *tr = timer->data;

	tr->n++;
	uv_close((uv_handle_t *)timer, NULL);
}

static void hook_stamp(void *arg)
{
	struct trace *tr = arg;

	if (tr->n == 0) {
		tr->at_us = loop_now_us(tr->loop);
	}
}

static void test_now_includes_the_time_waited_in_the_poll(void **state)
{
	struct trace *tr = *state;
	int64_t before = clock_mono_us();

	assert_int_equal(uv_timer_init(loop_uv(tr->loop), &tr->timer), 0);
	tr->timer.data = tr;
	assert_int_equal(uv_timer_start(&tr->timer, on_timer_write, 20, 0), 0);
	loop_on_check(tr->loop, hook_stamp, tr);
	loop_run(tr->loop);
	assert_int_equal(tr->n, 1);
	assert_true(tr->at_us - before >= 18000);
}

static void on_io_busy(uv_poll_t *poll, int status, int events)
{
	busy_wait(5000);
	on_io(poll, status, events);
}

static void hook_lag(void *arg)
{
	struct trace *tr = arg;

	if (tr->at_us == 0) {
		tr->at_us = loop_lag_us(tr->loop);
	}
}

static void test_lag_is_what_the_callbacks_of_the_round_took(void **state)
{
	struct trace *tr = *state;

	loop_on_check(tr->loop, hook_lag, tr);
	poll_pipe(tr, on_io_busy);
	loop_run(tr->loop);
	assert_true(tr->at_us >= 5000);
	assert_true(loop_lag_max_us(tr->loop) >= 5000);
	loop_lag_max_reset(tr->loop);
	assert_int_equal(loop_lag_max_us(tr->loop), 0);
}

static void busy_task(void *arg)
{
	(void)arg;
	busy_wait(4000);
}

static void test_lag_includes_tasks(void **state)
{
	struct trace *tr = *state;

	assert_int_equal(task_spawn(tr->loop, busy_task, NULL, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(tr->loop);
	assert_true(loop_lag_max_us(tr->loop) >= 4000);
}

static void test_lag_leaves_out_the_wait_for_io(void **state)
{
	struct trace *tr = *state;

	assert_int_equal(uv_timer_init(loop_uv(tr->loop), &tr->timer), 0);
	tr->timer.data = tr;
	assert_int_equal(uv_timer_start(&tr->timer, on_timer_write, 200, 0), 0);
	loop_run(tr->loop);
	assert_true(loop_lag_max_us(tr->loop) < 200000);
}

static void count_to_3(void *arg)
{
	struct trace *tr = arg;

	if (++tr->n == 3) {
		loop_stop(tr->loop);
	}
}

static void test_every_repeats_until_the_loop_stops(void **state)
{
	struct trace *tr = *state;
	int64_t start = clock_mono_us();

	loop_every(tr->loop, 5, count_to_3, tr);
	loop_run(tr->loop);
	assert_int_equal(tr->n, 3);
	assert_true(clock_mono_us() - start >= 14000);
}

static void raise_usr1(void *arg)
{
	(void)arg;
	assert_int_equal(kill(getpid(), SIGUSR1), 0);
}

static void on_usr1(void *arg)
{
	struct trace *tr = arg;

	note(tr, 's');
	loop_stop(tr->loop);
}

static void test_signal_calls_its_function_in_the_loop(void **state)
{
	struct trace *tr = *state;

	assert_int_equal(loop_on_signal(tr->loop, SIGUSR1, on_usr1, tr), ERR_OK);
	loop_every(tr->loop, 1, raise_usr1, tr);
	loop_run(tr->loop);
	assert_string_equal(tr->text, "s");
}

static void test_impossible_signal_is_an_error(void **state)
{
	struct trace *tr = *state;

	assert_int_not_equal(loop_on_signal(tr->loop, SIGKILL, on_usr1, tr), ERR_OK);
}

static void test_close_of_null_does_nothing(void **state)
{
	struct loop *none = NULL;

	(void)state;
	loop_close(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_round_runs_io_then_hooks_in_order_then_tasks),
		T(test_run_returns_when_nothing_is_left),
		T(test_stop_ends_the_run_with_handles_open),
		T(test_again_gives_rounds_without_waiting),
		T(test_now_is_the_time_at_which_the_poll_returned),
		T(test_now_includes_the_time_waited_in_the_poll),
		T(test_lag_is_what_the_callbacks_of_the_round_took),
		T(test_lag_includes_tasks),
		T(test_lag_leaves_out_the_wait_for_io),
		T(test_every_repeats_until_the_loop_stops),
		T(test_signal_calls_its_function_in_the_loop),
		T(test_impossible_signal_is_an_error),
		T(test_close_of_null_does_nothing),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
