/*
 * Calls, caller and callee on one loop with a real socketpair between: results, limits, deadlines,
 * cancellation, credits.
 */
#include "core/rpc/rpc.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/rpc/fixture.h"

/* A pool and a server that hold each other's socket. */
struct link {
	struct fixture f;
	struct holder holder;
	struct rpc_pool *pool;
	struct rpc_server *server;
};

static void link_open(struct link *l, const struct rpc_executor *ex, unsigned credits)
{
	int fds[2];

	*l = (struct link){ 0 };
	const struct rpc_executor held = holder_executor(&l->holder);
	fixture_open(&l->f);
	fixture_pair(fds);
	l->server = fixture_server(&l->f, ex == NULL ? &held : ex, fds[1]);
	l->pool = fixture_pool(&l->f, credits);
	assert_int_equal(rpc_pool_add(l->pool, 0, fds[0]), ERR_OK);
}

static void link_close(struct link *l)
{
	while (l->holder.n > 0) {
		holder_reply(&l->holder, 0, ERR_OK);
	}
	rpc_pool_free(&l->pool);
	rpc_server_free(&l->server);
	fixture_close(&l->f);
}

static const struct rpc_executor on_loop = { 0 };

static void a_call_returns_the_reply(void **state)
{
	struct link l;
	struct fixture_call c = { .row = ROW_ECHO, .req = SLICE("hello"), .trace = 17 };

	(void)state;
	link_open(&l, &on_loop, 4);
	c.pool = l.pool;
	fixture_start(&l.f, &c);
	fixture_finish(&l.f);
	assert_int_equal(c.e, ERR_OK);
	assert_true(slice_eq(c.reply, SLICE("hello")));
	assert_int_equal(c.note.code, ERR_OK);
	struct rpc_stats caller = rpc_pool_stats(l.pool), callee = rpc_server_stats(l.server);
	assert_true(caller.calls == 1 && caller.errors == 0);
	assert_true(callee.calls == 1 && callee.errors == 0);
	assert_true(caller.bytes_sent == RPC_HEADER_BYTES + 5);
	assert_true(caller.bytes_sent == callee.bytes_received);
	assert_true(callee.bytes_sent == caller.bytes_received);
	arena_reset(&c.arena);
	link_close(&l);
}

static void an_error_comes_back_with_its_text_and_nothing_else(void **state)
{
	struct link l;
	struct fixture_call c = { .row = ROW_FAIL, .req = SLICE("hello") };

	(void)state;
	link_open(&l, &on_loop, 4);
	c.pool = l.pool;
	fixture_start(&l.f, &c);
	fixture_finish(&l.f);
	assert_int_equal(c.e, ERR_CONFLICT);
	assert_int_equal(c.note.code, ERR_CONFLICT);
	assert_int_equal(c.note.sys, 0);
	assert_string_equal(c.note.text, "somebody was faster");
	assert_null(c.reply.ptr);
	arena_reset(&c.arena);
	link_close(&l);
}

static void sizes_up_to_the_limit_pass_and_no_more(void **state)
{
	static char text[(1 << 20) + 1];
	static const struct {
		enum fixture_row row;
		size_t len;
		enum err e;
	} cases[] = {
		{ ROW_ECHO, 0, ERR_OK },
		{ ROW_ECHO, FIXTURE_MAX, ERR_OK },
		{ ROW_ECHO, FIXTURE_MAX + 1, ERR_LIMIT },
		{ ROW_LARGE, 1 << 20, ERR_OK },
		{ ROW_LARGE, (1 << 20) + 1, ERR_LIMIT },
		{ ROW_HUGE, 0, ERR_LIMIT },
	};
	struct link l;

	(void)state;
	memset(text, 'x', sizeof(text));
	link_open(&l, &on_loop, 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture_call c = {
			.pool = l.pool, .row = cases[i].row, .req = SLICE_OF(text, cases[i].len)
		};
		fixture_start(&l.f, &c);
		fixture_finish(&l.f);
		assert_int_equal(c.e, cases[i].e);
		assert_int_equal(c.reply.len, c.e == ERR_OK ? cases[i].len : 0);
		assert_int_equal(c.note.code, c.e);
		arena_reset(&c.arena);
	}
	link_close(&l);
}

static void a_reply_beyond_the_arena_is_an_error(void **state)
{
	static char text[1000];
	struct link l;
	struct fixture_call c = { .row = ROW_ECHO, .req = SLICE_OF(text, sizeof(text)) };

	(void)state;
	link_open(&l, &on_loop, 4);
	c.pool = l.pool;
	fixture_start(&l.f, &c);
	c.arena.max = 100;
	fixture_finish(&l.f);
	assert_int_equal(c.e, ERR_MEMORY);
	arena_reset(&c.arena);
	link_close(&l);
}

static void send_as_a_stranger(void *arg)
{
	struct fixture f;
	struct rpc_frame r = { .kind = RPC_FRAME_REQUEST,
		.type = ROW_COURIER,
		.id = 1,
		.deadline_us = INT64_MAX,
		.payload = SLICE_EMPTY };
	struct buf wire = buf_new(1000);
	int fds[2];

	(void)arg;
	fixture_open(&f);
	fixture_pair(fds);
	struct rpc_server *s = fixture_server(&f, &on_loop, fds[1]);
	rpc_frame_encode(&wire, &r);
	assert_int_equal(send(fds[0], wire.data, wire.len, 0), (ssize_t)wire.len);
	fixture_run_ms(&f, 5);
	rpc_server_free(&s);
}

static void a_sender_outside_the_row_is_a_broken_invariant(void **state)
{
	(void)state;
	fixture_expect_check(send_as_a_stranger, NULL);
}

static void the_deadline_ends_the_call_and_the_late_reply_is_dropped(void **state)
{
	struct link l;
	struct fixture_call c = { .row = ROW_ONCE, .req = SLICE("slow") };

	(void)state;
	link_open(&l, NULL, 1);
	c.pool = l.pool;
	c.deadline_us = clock_mono_us() + 30000;
	fixture_start(&l.f, &c);
	fixture_finish(&l.f);
	assert_int_equal(c.e, ERR_DEADLINE);
	assert_in_range(c.took_us, 29000, 4000000); /* before the row's own */
	fixture_run_ms(&l.f, 2);
	assert_int_equal(l.holder.cancelled, 1);		     /* the callee was told */
	assert_true(rpc_pool_expected_wait_us(l.pool) == INT64_MAX); /* its credit is still out */
	holder_reply(&l.holder, 0, ERR_OK);
	fixture_run_ms(&l.f, 2);
	struct fixture_call next = { .pool = l.pool, .row = ROW_ECHO, .req = SLICE("next") };
	fixture_start(&l.f, &next);
	fixture_run_ms(&l.f, 2);
	holder_reply(&l.holder, 0, ERR_OK);
	fixture_finish(&l.f);
	assert_int_equal(next.e, ERR_OK);
	assert_true(slice_eq(next.reply, SLICE("next")));
	assert_int_equal(rpc_pool_stats(l.pool).timeouts, 1);
	arena_reset(&c.arena);
	arena_reset(&next.arena);
	link_close(&l);
}

static void the_row_bounds_the_deadline(void **state)
{
	struct link l;
	struct fixture_call c = { .row = ROW_ONCE, .req = SLICE("slow") };

	(void)state;
	link_open(&l, NULL, 1);
	c.pool = l.pool;
	fixture_start(&l.f, &c);
	fixture_run_ms(&l.f, 2);
	int64_t left_us = rpc_request_view(l.holder.held[0]).info.deadline_us - clock_mono_us();
	assert_in_range(left_us, 4000000, 5000000);
	holder_reply(&l.holder, 0, ERR_OK);
	fixture_finish(&l.f);
	arena_reset(&c.arena);
	link_close(&l);
}

static void what_is_past_its_deadline_is_not_even_sent(void **state)
{
	struct link l;
	struct fixture_call c = { .row = ROW_ONCE, .req = SLICE("late"), .deadline_us = 1 };

	(void)state;
	link_open(&l, NULL, 1);
	c.pool = l.pool;
	fixture_start(&l.f, &c);
	fixture_finish(&l.f);
	assert_int_equal(c.e, ERR_DEADLINE);
	assert_int_equal(rpc_pool_stats(l.pool).bytes_sent, 0);
	arena_reset(&c.arena);
	link_close(&l);
}

static void cancelling_the_task_tells_the_callee(void **state)
{
	struct link l;
	struct fixture_call c = { .row = ROW_ONCE, .req = SLICE("slow") };

	(void)state;
	link_open(&l, NULL, 2);
	c.pool = l.pool;
	fixture_start(&l.f, &c);
	fixture_run_ms(&l.f, 2);
	assert_int_equal(l.holder.n, 1);
	task_cancel(c.task);
	fixture_finish(&l.f);
	assert_int_equal(c.e, ERR_CANCELLED);
	fixture_run_ms(&l.f, 2);
	assert_int_equal(l.holder.cancelled, 1);
	assert_int_equal(rpc_pool_stats(l.pool).cancelled, 1);
	arena_reset(&c.arena);
	link_close(&l);
}

static void without_a_credit_calls_are_refused_at_once(void **state)
{
	enum {
		CREDITS = 3
	};
	struct link l;
	struct fixture_call c[CREDITS + 1];

	(void)state;
	link_open(&l, NULL, CREDITS);
	for (int i = 0; i <= CREDITS; i++) {
		c[i] = (struct fixture_call){ .pool = l.pool, .row = ROW_ONCE, .req = SLICE("x") };
		fixture_start(&l.f, &c[i]);
	}
	fixture_run_ms(&l.f, 2);
	assert_int_equal(l.holder.n, CREDITS);
	assert_true(c[CREDITS].ended);
	assert_int_equal(c[CREDITS].e, ERR_TOO_BUSY);
	assert_int_equal(rpc_pool_stats(l.pool).refused, 1);
	while (l.holder.n > 0) {
		holder_reply(&l.holder, 0, ERR_OK);
	}
	fixture_finish(&l.f);
	for (int i = 0; i <= CREDITS; i++) {
		assert_int_equal(c[i].e, i < CREDITS ? ERR_OK : ERR_TOO_BUSY);
		arena_reset(&c[i].arena);
	}
	link_close(&l);
}

static void replies_find_their_calls_in_any_order(void **state)
{
	enum {
		N = 100
	};
	struct link l;
	static struct fixture_call c[N];
	static char text[N][8];

	(void)state;
	link_open(&l, NULL, N);
	for (int i = 0; i < N; i++) {
		snprintf(text[i], sizeof(text[i]), "n%d", i);
		c[i] = (struct fixture_call){
			.pool = l.pool, .row = ROW_ONCE, .req = slice_str(text[i])
		};
		fixture_start(&l.f, &c[i]);
	}
	fixture_run_ms(&l.f, 5);
	assert_int_equal(l.holder.n, N);
	for (unsigned i = 0; l.holder.n > 0; i++) {
		holder_reply(&l.holder, (i * 37) % l.holder.n, ERR_OK);
	}
	fixture_finish(&l.f);
	for (int i = 0; i < N; i++) {
		assert_int_equal(c[i].e, ERR_OK);
		assert_true(slice_eq(c[i].reply, slice_str(text[i])));
		arena_reset(&c[i].arena);
	}
	link_close(&l);
}

static void slots_are_used_again_many_times(void **state)
{
	struct link l;

	(void)state;
	link_open(&l, &on_loop, 2);
	for (int i = 0; i < 500; i++) {
		struct fixture_call c = { .pool = l.pool, .row = ROW_ECHO, .req = SLICE("again") };
		fixture_start(&l.f, &c);
		fixture_finish(&l.f);
		assert_int_equal(c.e, ERR_OK);
		arena_reset(&c.arena);
	}
	link_close(&l);
}

static void reply_to_nobody(void *arg)
{
	struct fixture f;
	struct rpc_frame r = {
		.kind = RPC_FRAME_REPLY, .type = ROW_ECHO, .id = 1, .payload = SLICE_EMPTY
	};
	struct buf wire = buf_new(1000);
	int fds[2];

	(void)arg;
	fixture_open(&f);
	fixture_pair(fds);
	struct rpc_pool *p = fixture_pool(&f, 4);
	assert_int_equal(rpc_pool_add(p, 0, fds[0]), ERR_OK);
	rpc_frame_encode(&wire, &r);
	assert_int_equal(send(fds[1], wire.data, wire.len, 0), (ssize_t)wire.len);
	fixture_run_ms(&f, 5);
}

static void a_reply_without_a_call_is_a_broken_invariant(void **state)
{
	(void)state;
	fixture_expect_check(reply_to_nobody, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_returns_the_reply),
		cmocka_unit_test(an_error_comes_back_with_its_text_and_nothing_else),
		cmocka_unit_test(sizes_up_to_the_limit_pass_and_no_more),
		cmocka_unit_test(a_reply_beyond_the_arena_is_an_error),
		cmocka_unit_test(a_sender_outside_the_row_is_a_broken_invariant),
		cmocka_unit_test(the_deadline_ends_the_call_and_the_late_reply_is_dropped),
		cmocka_unit_test(the_row_bounds_the_deadline),
		cmocka_unit_test(what_is_past_its_deadline_is_not_even_sent),
		cmocka_unit_test(cancelling_the_task_tells_the_callee),
		cmocka_unit_test(without_a_credit_calls_are_refused_at_once),
		cmocka_unit_test(replies_find_their_calls_in_any_order),
		cmocka_unit_test(slots_are_used_again_many_times),
		cmocka_unit_test(a_reply_without_a_call_is_a_broken_invariant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
