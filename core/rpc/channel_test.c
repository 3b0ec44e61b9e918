/*
 * Channels over real socketpairs: cuts, batches, full sockets, the end of the peer, malformed
 * bytes.
 */
#include "core/rpc/channel.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/rpc/fixture.h"

/* One end under test; the other is a bare descriptor of the test or a second end. */
struct end {
	struct fixture *fixture;
	struct rpc_channel *channel;
	unsigned frames, bytes, gone;
	uint64_t last_id;
	bool in_order;
};

static void on_frame(void *arg, const struct rpc_frame *f)
{
	struct end *end = arg;

	end->frames++;
	end->bytes += (unsigned)f->payload.len;
	end->in_order = end->in_order && f->id == end->last_id + 1;
	end->last_id = f->id;
}

static void on_gone(void *arg)
{
	struct end *end = arg;

	end->gone++;
	rpc_channel_close(&end->channel);
}

static const struct rpc_channel_ops ops = { .frame = on_frame, .gone = on_gone };

static void end_open(struct end *end, struct fixture *f, int fd)
{
	const struct rpc_channel_setup setup = {
		.loop = f->loop,
		.reg = &fixture_registry,
		.receives = RPC_FRAME_BIT(RPC_FRAME_REQUEST),
		.out_max = 16 << 20,
		.ops = &ops,
		.arg = end,
	};

	*end = (struct end){ .fixture = f, .in_order = true };
	assert_int_equal(rpc_channel_open(&setup, fd, &end->channel), ERR_OK);
}

static struct rpc_frame request(enum fixture_row row, uint64_t id, struct slice payload)
{
	return (struct rpc_frame){ .kind = RPC_FRAME_REQUEST,
		.type = row,
		.flags = fixture_row(row)->flags,
		.id = id,
		.deadline_us = 1,
		.payload = payload };
}

static void frames_cut_at_every_byte_arrive_whole(void **state)
{
	struct fixture f;
	struct end end;
	struct buf wire = buf_new(4096);
	int fds[2];

	(void)state;
	for (uint64_t id = 1; id <= 3; id++) {
		struct rpc_frame r = request(ROW_ECHO, id, SLICE("some payload"));
		rpc_frame_encode(&wire, &r);
	}
	for (size_t cut = 1; cut < wire.len; cut++) {
		fixture_open(&f);
		fixture_pair(fds);
		end_open(&end, &f, fds[0]);
		assert_int_equal(send(fds[1], wire.data, cut, 0), (ssize_t)cut);
		fixture_run_ms(&f, 0);
		assert_int_equal(end.frames, cut / (RPC_HEADER_BYTES + 12));
		assert_int_equal(
		    send(fds[1], wire.data + cut, wire.len - cut, 0), (ssize_t)(wire.len - cut));
		fixture_run_ms(&f, 0);
		assert_int_equal(end.frames, 3);
		assert_true(end.in_order);
		rpc_channel_close(&end.channel);
		close(fds[1]);
		fixture_close(&f);
	}
	buf_free(&wire);
}

static void one_byte_at_a_time_is_enough(void **state)
{
	struct fixture f;
	struct end end;
	struct buf wire = buf_new(4096);
	struct rpc_frame r = request(ROW_ECHO, 1, SLICE("some payload"));
	int fds[2];

	(void)state;
	rpc_frame_encode(&wire, &r);
	fixture_open(&f);
	fixture_pair(fds);
	end_open(&end, &f, fds[0]);
	for (size_t i = 0; i < wire.len; i++) {
		assert_int_equal(end.frames, 0);
		assert_int_equal(send(fds[1], wire.data + i, 1, 0), 1);
		rpc_channel_read(end.channel);
	}
	assert_int_equal(end.frames, 1);
	assert_int_equal(rpc_channel_bytes_received(end.channel), wire.len);
	rpc_channel_close(&end.channel);
	close(fds[1]);
	fixture_close(&f);
	buf_free(&wire);
}

static void frames_of_one_round_leave_in_one_send(void **state)
{
	struct fixture f;
	struct end end, peer;
	int fds[2];

	(void)state;
	fixture_open(&f);
	fixture_pair(fds);
	end_open(&end, &f, fds[0]);
	end_open(&peer, &f, fds[1]);
	for (uint64_t id = 1; id <= 100; id++) {
		struct rpc_frame r = request(ROW_ECHO, id, SLICE("x"));
		assert_int_equal(rpc_channel_send(end.channel, &r), ERR_OK);
	}
	assert_int_equal(rpc_channel_bytes_sent(end.channel), 0);
	fixture_run_ms(&f, 1);
	assert_int_equal(peer.frames, 100);
	assert_true(peer.in_order);
	assert_int_equal(rpc_channel_sends(end.channel), 1);
	rpc_channel_close(&end.channel);
	fixture_run_ms(&f, 1);
	assert_int_equal(peer.gone, 1);
	fixture_close(&f);
}

static void a_full_socket_delays_but_loses_nothing(void **state)
{
	static char large[1 << 20];
	struct fixture f;
	struct end end, peer;
	int fds[2];

	(void)state;
	memset(large, 'x', sizeof(large));
	fixture_open(&f);
	fixture_pair(fds);
	end_open(&end, &f, fds[0]);
	for (uint64_t id = 1; id <= 8; id++) {
		struct rpc_frame r = request(ROW_LARGE, id, SLICE_OF(large, sizeof(large)));
		assert_int_equal(rpc_channel_send(end.channel, &r), ERR_OK);
	}
	assert_false(rpc_channel_flush(end.channel));
	fixture_run_ms(&f, 1);
	assert_true(rpc_channel_bytes_sent(end.channel) < 8 * sizeof(large));
	end_open(&peer, &f, fds[1]);
	while (peer.frames < 8) {
		fixture_run_ms(&f, 1);
	}
	assert_true(peer.in_order);
	assert_int_equal(peer.bytes, 8 * sizeof(large));
	assert_true(rpc_channel_flush(end.channel));
	rpc_channel_close(&end.channel);
	rpc_channel_close(&peer.channel);
	fixture_close(&f);
}

static void the_outgoing_buffer_has_a_limit(void **state)
{
	static char large[1 << 20];
	struct fixture f;
	struct end end;
	int fds[2];
	unsigned sent = 0;

	(void)state;
	fixture_open(&f);
	fixture_pair(fds);
	end_open(&end, &f, fds[0]);
	struct rpc_frame r = request(ROW_LARGE, 1, SLICE_OF(large, sizeof(large)));
	while (rpc_channel_send(end.channel, &r) == ERR_OK) {
		sent++;
	}
	assert_int_equal(sent, 15); /* of 16 MiB, with headers */
	rpc_channel_close(&end.channel);
	close(fds[1]);
	fixture_close(&f);
}

static void the_last_frames_of_a_peer_count_before_its_end(void **state)
{
	struct fixture f;
	struct end end;
	struct buf wire = buf_new(4096);
	struct rpc_frame r = request(ROW_ECHO, 1, SLICE("last words"));
	int fds[2];

	(void)state;
	rpc_frame_encode(&wire, &r);
	fixture_open(&f);
	fixture_pair(fds);
	end_open(&end, &f, fds[0]);
	assert_int_equal(rpc_channel_send(end.channel, &r), ERR_OK); /* into the void */
	assert_int_equal(send(fds[1], wire.data, wire.len, 0), (ssize_t)wire.len);
	assert_int_equal(send(fds[1], wire.data, 20, 0), 20); /* died in the middle of the next */
	close(fds[1]);
	fixture_run_ms(&f, 5);
	assert_int_equal(end.frames, 1);
	assert_int_equal(end.gone, 1);
	assert_null(end.channel);
	fixture_close(&f);
	buf_free(&wire);
}

static void read_garbage(void *arg)
{
	static const char garbage[] =
	    "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n\r\n";
	struct fixture f;
	struct end end;
	int fds[2];

	(void)arg;
	fixture_open(&f);
	fixture_pair(fds);
	end_open(&end, &f, fds[0]);
	send(fds[1], garbage, sizeof(garbage), 0);
	fixture_run_ms(&f, 5);
}

static void a_malformed_frame_is_a_broken_invariant(void **state)
{
	(void)state;
	fixture_expect_check(read_garbage, NULL);
}

static void a_descriptor_that_cannot_be_polled_is_an_error(void **state)
{
	struct fixture f;
	struct rpc_channel *c = NULL;
	char path[] = "/tmp/plimsoll-channel-XXXXXX";
	struct rpc_channel_setup setup = { .reg = &fixture_registry, .ops = &ops };

	(void)state;
	fixture_open(&f);
	setup.loop = f.loop;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(rpc_channel_open(&setup, fd, &c), ERR_SYSTEM);
	assert_null(c);
	assert_int_equal(close(fd), -1); /* it was taken */
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_cut_at_every_byte_arrive_whole),
		cmocka_unit_test(one_byte_at_a_time_is_enough),
		cmocka_unit_test(frames_of_one_round_leave_in_one_send),
		cmocka_unit_test(a_full_socket_delays_but_loses_nothing),
		cmocka_unit_test(the_outgoing_buffer_has_a_limit),
		cmocka_unit_test(the_last_frames_of_a_peer_count_before_its_end),
		cmocka_unit_test(a_malformed_frame_is_a_broken_invariant),
		cmocka_unit_test(a_descriptor_that_cannot_be_polled_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
