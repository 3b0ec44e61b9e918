/*
 * The worker thread: order, admission by expected wait, what leaves the queue unrun, its end.
 */
#include "core/rpc/worker.h"

#include <stdatomic.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/rpc/fixture.h"

enum {
	CREDITS = 64,
	QUEUE_MAX = 40
};

struct shop {
	struct fixture f;
	struct rpc_worker *worker;
	struct rpc_server *server;
	struct rpc_pool *pool;
	atomic_int runs;	       /* handlers begun */
	struct rpc_worker_state state; /* the last that was published */
	unsigned most_waiting;
};

static void on_state(void *arg, const struct rpc_worker_state *state)
{
	struct shop *s = arg;

	s->state = *state;
	s->most_waiting = state->waiting > s->most_waiting ? state->waiting : s->most_waiting;
}

static void shop_open(struct shop *s)
{
	int fds[2];

	memset(s, 0, sizeof(*s));
	fixture_open(&s->f);
	fixture_pair(fds);
	assert_int_equal(rpc_worker_new(s->f.loop, &fixture_registry, &s->runs, QUEUE_MAX, on_state,
			     s, &s->worker),
	    ERR_OK);
	const struct rpc_executor ex = rpc_worker_executor(s->worker);
	s->server = fixture_server(&s->f, &ex, fds[1]);
	rpc_worker_set_server(s->worker, s->server);
	s->pool = fixture_pool(&s->f, CREDITS);
	assert_int_equal(rpc_pool_add(s->pool, 0, fds[0]), ERR_OK);
}

static void shop_close(struct shop *s)
{
	fixture_finish(&s->f);
	rpc_worker_free(&s->worker);
	rpc_pool_free(&s->pool);
	rpc_server_free(&s->server);
	fixture_close(&s->f);
}

/* Starts a call that runs for us (as text), to be done within deadline_ms. */
static void start(struct shop *s, struct fixture_call *c, const char *us, int deadline_ms)
{
	*c = (struct fixture_call){ .pool = s->pool,
		.row = ROW_SPIN,
		.req = slice_str(us),
		.ignores_reply = true,
		.deadline_us = clock_mono_us() + deadline_ms * 1000 };
	fixture_start(&s->f, c);
}

/* Keeps the loop from running. */
static void block_loop_ms(int ms)
{
	for (int64_t end = clock_mono_us() + ms * 1000; clock_mono_us() < end;) {
	}
}

static void count_tick(void *arg)
{
	++*(int *)arg;
}

static void the_loop_runs_while_the_worker_works(void **state)
{
	struct shop s;
	struct fixture_call c;
	int ticks = 0;

	(void)state;
	shop_open(&s);
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	loop_every(s.f.loop, 1, count_tick, &ticks);
	start(&s, &c, "300000", 5000);
	fixture_finish(&s.f);
	assert_int_equal(c.e, ERR_OK);
	assert_int_equal(atomic_load(&s.runs), 1);
	assert_true(ticks > 5);
	assert_false(s.state.busy);
	assert_int_equal(s.state.wait_us, 0);
	shop_close(&s);
}

static void requests_wait_for_the_thread_to_start(void **state)
{
	struct shop s;
	struct fixture_call c;

	(void)state;
	shop_open(&s);
	start(&s, &c, "1000", 5000);
	fixture_run_ms(&s.f, 10);
	assert_false(c.ended);
	assert_true(s.state.busy);
	assert_int_equal(s.state.waiting, 1);
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	fixture_finish(&s.f);
	assert_int_equal(c.e, ERR_OK);
	shop_close(&s);
}

static void the_worker_takes_the_next_job_without_the_loop(void **state)
{
	enum {
		N = 20
	};
	struct shop s;
	static struct fixture_call c[N];

	(void)state;
	shop_open(&s);
	for (int i = 0; i < N; i++) {
		start(&s, &c[i], "2000", 5000);
	}
	fixture_run_ms(&s.f, 5); /* all are in the queue */
	assert_int_equal(s.state.waiting, N);
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	for (int i = 0; i < 100 && atomic_load(&s.runs) < N; i++) {
		block_loop_ms(10);
	}
	assert_int_equal(atomic_load(&s.runs), N);
	assert_false(c[0].ended); /* nothing has been answered yet */
	fixture_finish(&s.f);
	for (int i = 0; i < N; i++) {
		assert_int_equal(c[i].e, ERR_OK);
	}
	shop_close(&s);
}

static void what_cannot_be_done_in_time_is_refused_at_once(void **state)
{
	struct shop s;
	struct fixture_call first, queued[5], hasty, patient;

	(void)state;
	shop_open(&s);
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	start(&s, &first, "30000", 5000); /* teaches what a job costs */
	fixture_finish(&s.f);
	for (int i = 0; i < 5; i++) {
		start(&s, &queued[i], "30000", 5000);
	}
	fixture_run_ms(&s.f, 2);
	start(&s, &hasty, "30000", 100);
	start(&s, &patient, "30000", 5000);
	fixture_run_ms(&s.f, 5);
	assert_true(hasty.ended);
	assert_int_equal(hasty.e, ERR_TOO_BUSY);
	assert_true(strstr(hasty.note.text, "test.spin: it would take ") == hasty.note.text);
	assert_true(hasty.took_us < 50000);
	fixture_finish(&s.f);
	assert_int_equal(patient.e, ERR_OK);
	assert_int_equal(atomic_load(&s.runs), 7);
	shop_close(&s);
}

static void an_idle_worker_tries_even_what_looks_too_long(void **state)
{
	struct shop s;
	struct fixture_call slow, hasty;

	(void)state;
	shop_open(&s);
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	start(&s, &slow, "100000", 5000);
	fixture_finish(&s.f);
	start(&s, &hasty, "1000", 60); /* the mean says 100 ms */
	fixture_finish(&s.f);
	assert_int_equal(hasty.e, ERR_OK);
	shop_close(&s);
}

static void the_queue_has_a_limit(void **state)
{
	struct shop s;
	static struct fixture_call c[QUEUE_MAX + 1];

	(void)state;
	shop_open(&s);
	for (int i = 0; i <= QUEUE_MAX; i++) {
		start(&s, &c[i], "0", 5000);
	}
	fixture_run_ms(&s.f, 5);
	assert_int_equal(s.most_waiting, QUEUE_MAX);
	assert_true(c[QUEUE_MAX].ended);
	assert_int_equal(c[QUEUE_MAX].e, ERR_TOO_BUSY);
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	fixture_finish(&s.f);
	assert_int_equal(atomic_load(&s.runs), QUEUE_MAX);
	shop_close(&s);
}

static void what_gets_late_in_the_queue_is_not_run(void **state)
{
	struct shop s;
	struct fixture_call c[2];

	(void)state;
	shop_open(&s);
	start(&s, &c[0], "1000", 5000);
	start(&s, &c[1], "1000", 200);
	fixture_run_ms(&s.f, 5);
	assert_int_equal(s.state.waiting, 2);
	block_loop_ms(220); /* so that the caller cannot cancel */
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	for (int i = 0; i < 100 && atomic_load(&s.runs) < 1; i++) {
		block_loop_ms(5);
	}
	block_loop_ms(10);
	fixture_finish(&s.f);
	assert_int_equal(c[0].e, ERR_OK);
	assert_int_equal(c[1].e, ERR_DEADLINE);
	assert_int_equal(atomic_load(&s.runs), 1);
	shop_close(&s);
}

static void cancelled_requests_leave_the_queue(void **state)
{
	struct shop s;
	struct fixture_call c[3];

	(void)state;
	shop_open(&s);
	for (int i = 0; i < 3; i++) {
		start(&s, &c[i], "1000", 5000);
	}
	fixture_run_ms(&s.f, 5);
	task_cancel(c[1].task);
	fixture_run_ms(&s.f, 5);
	assert_int_equal(c[1].e, ERR_CANCELLED);
	assert_int_equal(s.state.waiting, 2);
	assert_int_equal(rpc_server_in_flight(s.server), 2);
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	fixture_finish(&s.f);
	assert_int_equal(atomic_load(&s.runs), 2);
	shop_close(&s);
}

static void a_running_job_ends_and_its_result_is_dropped(void **state)
{
	struct shop s;
	struct fixture_call c, next;

	(void)state;
	shop_open(&s);
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	start(&s, &c, "50000", 5000);
	while (atomic_load(&s.runs) == 0) {
		fixture_run_ms(&s.f, 1);
	}
	task_cancel(c.task);
	fixture_finish(&s.f);
	assert_int_equal(c.e, ERR_CANCELLED);
	start(&s, &next, "1000", 5000);
	fixture_finish(&s.f);
	assert_int_equal(next.e, ERR_OK);
	assert_int_equal(atomic_load(&s.runs), 2);
	shop_close(&s);
}

static void an_error_of_the_handler_comes_back(void **state)
{
	struct shop s;
	struct fixture_call c;

	(void)state;
	shop_open(&s);
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	start(&s, &c, "soon", 5000);
	fixture_finish(&s.f);
	assert_int_equal(c.e, ERR_INVALID);
	assert_string_equal(c.note.text, "not a number");
	start(&s, &c, "0", 5000);
	c.row = ROW_HUGE;
	fixture_finish(&s.f);
	assert_int_equal(c.e, ERR_LIMIT);
	shop_close(&s);
}

static void the_end_answers_what_waits(void **state)
{
	struct shop s;
	struct fixture_call c[3];

	(void)state;
	shop_open(&s);
	assert_int_equal(rpc_worker_start(s.worker), ERR_OK);
	for (int i = 0; i < 3; i++) {
		start(&s, &c[i], "30000", 5000);
	}
	while (atomic_load(&s.runs) == 0) {
		fixture_run_ms(&s.f, 5);
	}
	rpc_worker_free(&s.worker);
	fixture_finish(&s.f);
	assert_int_equal(c[0].e, ERR_OK);	 /* was running */
	assert_int_equal(c[1].e, ERR_PEER_GONE); /* refused as draining, nobody else came */
	assert_int_equal(c[2].e, ERR_PEER_GONE);
	assert_int_equal(atomic_load(&s.runs), 1);
	shop_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_loop_runs_while_the_worker_works),
		cmocka_unit_test(requests_wait_for_the_thread_to_start),
		cmocka_unit_test(the_worker_takes_the_next_job_without_the_loop),
		cmocka_unit_test(what_cannot_be_done_in_time_is_refused_at_once),
		cmocka_unit_test(an_idle_worker_tries_even_what_looks_too_long),
		cmocka_unit_test(the_queue_has_a_limit),
		cmocka_unit_test(what_gets_late_in_the_queue_is_not_run),
		cmocka_unit_test(cancelled_requests_leave_the_queue),
		cmocka_unit_test(a_running_job_ends_and_its_result_is_dropped),
		cmocka_unit_test(an_error_of_the_handler_comes_back),
		cmocka_unit_test(the_end_answers_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
