/*
 * The callee's side by itself: late requests, the executor on the loop, queue state, callers that
 * leave, the orderly end. Frames are written by hand where the caller's side would not send them.
 */
#include "core/rpc/rpc.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/rpc/fixture.h"

/* A server with a raw caller on fd. */
struct bench {
	struct fixture f;
	struct holder holder;
	struct rpc_server *server;
	int fd;
	struct buf in; /* what the server has sent */
	size_t used;   /* of that, what next_reply() gave out last */
};

static const struct rpc_executor on_loop = { 0 };

static void bench_open(struct bench *b, const struct rpc_executor *ex)
{
	int fds[2];

	*b = (struct bench){ .in = buf_new(1 << 20) };
	const struct rpc_executor held = holder_executor(&b->holder);
	fixture_open(&b->f);
	fixture_pair(fds);
	b->server = fixture_server(&b->f, ex == NULL ? &held : ex, fds[1]);
	b->fd = fds[0];
}

static void bench_close(struct bench *b)
{
	close(b->fd);
	rpc_server_free(&b->server);
	fixture_close(&b->f);
	buf_free(&b->in);
}

static void put(struct bench *b, enum rpc_frame_kind kind, enum fixture_row row, uint64_t id,
    int64_t deadline_us, const char *text)
{
	struct buf wire = buf_new(10000);
	const struct rpc_frame f = { .kind = kind,
		.type = row,
		.flags = kind == RPC_FRAME_REQUEST ? fixture_row(row)->flags : 0,
		.id = id,
		.trace = 1000 + id,
		.deadline_us = deadline_us,
		.payload = slice_str(text) };

	rpc_frame_encode(&wire, &f);
	assert_int_equal(send(b->fd, wire.data, wire.len, 0), (ssize_t)wire.len);
	buf_free(&wire);
}

static void ask(struct bench *b, enum fixture_row row, uint64_t id, const char *text)
{
	put(b, RPC_FRAME_REQUEST, row, id, clock_mono_us() + 5000000, text);
}

/* The next reply frame; its payload is valid until the next call. */
static struct rpc_frame next_reply(struct bench *b)
{
	struct rpc_frame f;
	size_t bytes = 0;

	if (b->used > 0) {
		buf_consume(&b->in, b->used);
		b->used = 0;
	}
	for (;;) {
		enum err e = rpc_frame_decode(&fixture_registry, RPC_FRAME_BIT(RPC_FRAME_REPLY),
		    buf_slice(&b->in), &f, &bytes);
		if (e == ERR_OK) {
			b->used = bytes;
			return f;
		}
		assert_int_equal(e, ERR_AGAIN);
		char *room = buf_room(&b->in, 10000);
		ssize_t n = recv(b->fd, room, 10000, MSG_DONTWAIT);
		if (n > 0) {
			buf_grew(&b->in, (size_t)n);
		} else {
			fixture_run_ms(&b->f, 1);
		}
	}
}

static void a_late_request_is_not_begun(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	put(&b, RPC_FRAME_REQUEST, ROW_ONCE, 1, clock_mono_us() - 1, "late");
	struct rpc_frame f = next_reply(&b);
	assert_int_equal(f.status, ERR_DEADLINE);
	assert_int_equal(f.id, 1);
	assert_int_equal(f.trace, 1001);
	assert_int_equal(f.seen, 1);
	assert_int_equal(b.holder.n, 0);
	assert_int_equal(rpc_server_stats(b.server).refused, 1);
	bench_close(&b);
}

static void the_view_says_who_asks_what(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	int64_t deadline_us = clock_mono_us() + 1000000;
	put(&b, RPC_FRAME_REQUEST, ROW_ONCE, 7, deadline_us, "words");
	fixture_run_ms(&b.f, 2);
	assert_int_equal(rpc_server_in_flight(b.server), 1);
	struct rpc_request_view v = rpc_request_view(b.holder.held[0]);
	assert_ptr_equal(v.def, fixture_row(ROW_ONCE));
	assert_int_equal(v.info.from, ROLE_WEB);
	assert_int_equal(v.info.trace, 1007);
	assert_true(v.info.deadline_us == deadline_us);
	assert_true(slice_eq(v.payload, SLICE("words")));
	assert_in_range(clock_mono_us() - v.arrived_us, 0, 100000);
	holder_reply(&b.holder, 0, ERR_OK);
	assert_int_equal(rpc_server_in_flight(b.server), 0);
	bench_close(&b);
}

static void a_cancelled_request_is_answered_without_content(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	ask(&b, ROW_ONCE, 7, "secret");
	put(&b, RPC_FRAME_CANCEL, ROW_ONCE, 7, 0, "");
	put(&b, RPC_FRAME_CANCEL, ROW_ONCE, 7, 0, ""); /* twice is once */
	put(&b, RPC_FRAME_CANCEL, ROW_ONCE, 8, 0, ""); /* answered long ago */
	fixture_run_ms(&b.f, 2);
	assert_int_equal(b.holder.cancelled, 1);
	holder_reply(&b.holder, 0, ERR_OK);
	struct rpc_frame f = next_reply(&b);
	assert_int_equal(f.status, ERR_CANCELLED);
	assert_int_equal(f.payload.len, 0);
	bench_close(&b);
}

static void queued_requests_are_cancelled_before_they_run(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &on_loop);
	ask(&b, ROW_SPIN, 1, "5000");
	for (uint64_t id = 2; id <= 20; id++) {
		ask(&b, ROW_SPIN, id, "1000000");
		put(&b, RPC_FRAME_CANCEL, ROW_SPIN, id, 0, "");
	}
	int64_t begin_us = clock_mono_us();
	for (int i = 0; i < 20; i++) {
		struct rpc_frame f = next_reply(&b);
		assert_int_equal(f.status, f.id == 1 ? ERR_OK : ERR_CANCELLED);
	}
	assert_in_range(clock_mono_us() - begin_us, 0, 500000);
	bench_close(&b);
}

static void requests_run_in_order_and_replies_report_the_queue(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &on_loop);
	for (uint64_t id = 1; id <= 10; id++) {
		ask(&b, ROW_SPIN, id, "3000");
	}
	for (uint64_t id = 1; id <= 10; id++) {
		struct rpc_frame f = next_reply(&b);
		assert_int_equal(f.id, id);
		assert_int_equal(f.status, ERR_OK);
		assert_int_equal(f.waiting, 10 - id);
		assert_in_range(f.run_us, 3000, 100000);
		/* The mean is learnt from the first run on; before it the row said 1 ms. */
		assert_true(f.wait_us >= (int64_t)(10 - id) * (id == 1 ? 1000 : 3000));
	}
	bench_close(&b);
}

static void replies_leave_between_slices(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &on_loop);
	for (uint64_t id = 1; id <= 10; id++) {
		ask(&b, ROW_SPIN, id, "10000");
	}
	/* Round by round until some have run: not all of them in one, with the replies behind. */
	unsigned in_flight = 0;
	for (int i = 0; i < 1000 && (in_flight == 0 || in_flight == 10); i++) {
		uv_run(loop_uv(b.f.loop), UV_RUN_NOWAIT);
		in_flight = rpc_server_in_flight(b.server);
	}
	assert_in_range(in_flight, 1, 9);
	assert_int_equal(next_reply(&b).id, 1);
	for (uint64_t id = 2; id <= 10; id++) {
		assert_int_equal(next_reply(&b).id, id);
	}
	bench_close(&b);
}

static void what_gets_late_in_the_queue_is_not_run(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, &on_loop);
	ask(&b, ROW_SPIN, 1, "20000");
	put(&b, RPC_FRAME_REQUEST, ROW_SPIN, 2, clock_mono_us() + 10000, "5000000");
	assert_int_equal(next_reply(&b).status, ERR_OK);
	struct rpc_frame f = next_reply(&b);
	assert_int_equal(f.status, ERR_DEADLINE);
	assert_int_equal(f.run_us, 0);
	bench_close(&b);
}

static void a_caller_that_leaves_takes_its_requests_along(void **state)
{
	struct bench b;

	(void)state;
	bench_open(&b, NULL);
	ask(&b, ROW_ONCE, 1, "one");
	ask(&b, ROW_ONCE, 2, "two");
	fixture_run_ms(&b.f, 2);
	assert_int_equal(b.holder.n, 2);
	shutdown(b.fd, SHUT_RDWR);
	fixture_run_ms(&b.f, 2);
	assert_int_equal(b.holder.cancelled, 2);
	assert_int_equal(rpc_server_in_flight(b.server), 2); /* the executor still has them */
	holder_reply(&b.holder, 1, ERR_OK);
	holder_reply(&b.holder, 0, ERR_OK);
	assert_int_equal(rpc_server_in_flight(b.server), 0);
	bench_close(&b);
}

static void on_drained(void *arg)
{
	++*(int *)arg;
}

static void draining_finishes_what_is_queued_and_refuses_the_rest(void **state)
{
	struct bench b;
	int drained = 0;

	(void)state;
	bench_open(&b, &on_loop);
	ask(&b, ROW_SPIN, 1, "5000");
	ask(&b, ROW_SPIN, 2, "5000");
	fixture_run_ms(&b.f, 0);
	rpc_server_drain(b.server, on_drained, &drained);
	ask(&b, ROW_SPIN, 3, "5000");
	enum err status[4] = { 0 };
	for (int i = 0; i < 3; i++) {
		struct rpc_frame f = next_reply(&b);
		status[f.id] = f.status;
	}
	fixture_run_ms(&b.f, 1);
	assert_int_equal(status[1], ERR_OK);
	assert_int_equal(status[2], ERR_OK);
	assert_int_equal(status[3], ERR_DRAINING);
	assert_int_equal(drained, 1);
	bench_close(&b);
}

static void an_idle_server_is_drained_at_once(void **state)
{
	struct bench b;
	int drained = 0;

	(void)state;
	bench_open(&b, &on_loop);
	rpc_server_drain(b.server, on_drained, &drained);
	fixture_run_ms(&b.f, 0);
	assert_int_equal(drained, 1);
	fixture_run_ms(&b.f, 2);
	assert_int_equal(drained, 1);
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_late_request_is_not_begun),
		cmocka_unit_test(the_view_says_who_asks_what),
		cmocka_unit_test(a_cancelled_request_is_answered_without_content),
		cmocka_unit_test(queued_requests_are_cancelled_before_they_run),
		cmocka_unit_test(requests_run_in_order_and_replies_report_the_queue),
		cmocka_unit_test(replies_leave_between_slices),
		cmocka_unit_test(what_gets_late_in_the_queue_is_not_run),
		cmocka_unit_test(a_caller_that_leaves_takes_its_requests_along),
		cmocka_unit_test(draining_finishes_what_is_queued_and_refuses_the_rest),
		cmocka_unit_test(an_idle_server_is_drained_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
