/*
 * The control channel: packets and descriptors arrive whole and in order, a full socket never
 * blocks, and the last words of a process that died are heard.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/role/control.h"

struct pair {
	struct control a, b;
};

static int set_up(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));
	int fds[2];

	assert_non_null(p);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	control_init(&p->a, fds[0]);
	control_init(&p->b, fds[1]);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct pair *p = *state;

	control_fini(&p->a);
	control_fini(&p->b);
	free(p);
	return 0;
}

static void start_message_arrives_with_its_descriptors(void **state)
{
	struct pair *p = *state;
	struct buf body = buf_new(CONTROL_MAX_BYTES);
	struct control_message m = { 0 };
	struct control_start got;
	int pipe_fds[2];
	char c = 0;
	const struct control_start sent = { .role = ROLE_COMPUTE,
		.instance = 3,
		.slot = 7,
		.n_slots = 9,
		.sandbox = true,
		.services = 5,
		.roles = 6,
		.listeners = 2,
		.data_dir = SLICE("/data"),
		.conf = SLICE("conf") };

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	control_put_start(&body, &sent);
	assert_int_equal(control_send(&p->a, CONTROL_START, buf_slice(&body), pipe_fds, 2), ERR_OK);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	assert_int_equal(control_wait(&p->b, 1000), ERR_OK);
	assert_int_equal(control_receive(&p->b, &m), ERR_OK);
	assert_int_equal(m.kind, CONTROL_START);
	assert_true(control_take_start(m.body, &got));
	assert_int_equal(got.role, ROLE_COMPUTE);
	assert_int_equal(got.instance, 3);
	assert_int_equal(got.slot, 7);
	assert_int_equal(got.n_slots, 9);
	assert_true(got.sandbox);
	assert_int_equal(got.services, 5);
	assert_int_equal(got.roles, 6);
	assert_int_equal(got.listeners, 2);
	assert_true(slice_eq(got.data_dir, SLICE("/data")));
	assert_true(slice_eq(got.conf, SLICE("conf")));
	/* The pipe works although the sender has closed its ends. */
	assert_int_equal(m.n_fds, 2);
	assert_int_equal(write(m.fds[1], "x", 1), 1);
	assert_int_equal(read(m.fds[0], &c, 1), 1);
	assert_int_equal(fcntl(m.fds[0], F_GETFD), FD_CLOEXEC);
	close(m.fds[0]);
	close(m.fds[1]);
	assert_int_equal(control_receive(&p->b, &m), ERR_AGAIN);
	buf_free(&body);
}

/* The other side of an upgrade is of another version. */
static void a_handover_may_grow_but_not_beyond_its_bounds(void **state)
{
	struct buf body = buf_new(CONTROL_MAX_BYTES);
	struct control_handover got, sent = { .version = 1, .n = 2 };

	(void)state;
	sent.listener[0].section = SLICE("web");
	sent.listener[0].address = SLICE("127.0.0.1:8000");
	sent.listener[1].section = SLICE("admin");
	sent.listener[1].address = SLICE("[::1]:8001");
	control_put_handover(&body, &sent);
	struct slice whole = buf_slice(&body);
	assert_false(control_take_handover(slice_sub(whole, 0, whole.len - 1), &got));
	buf_append_str(&body, "what a later version says");
	assert_true(control_take_handover(buf_slice(&body), &got));
	assert_int_equal(got.n, 2);
	assert_true(slice_eq(got.listener[1].section, SLICE("admin")));
	assert_true(slice_eq(got.listener[1].address, SLICE("[::1]:8001")));
	buf_free(&body);

	body = buf_new(CONTROL_MAX_BYTES);
	sent.n = 0;
	control_put_handover(&body, &sent);
	body.data[7] = body.data[4] = CONTROL_HANDOVER_MAX + 1;
	assert_false(control_take_handover(buf_slice(&body), &got));
	buf_free(&body);
}

static void broken_bodies_are_refused(void **state)
{
	struct control_start start;
	struct control_peer peer;
	struct control_failed failed;

	(void)state;
	assert_false(control_take_start(SLICE("\1"), &start));
	assert_false(control_take_peer(SLICE("\0\0\0\0\0\0"), &peer));	/* the supervisor */
	assert_false(control_take_peer(SLICE("\0\77\0\0\0\0"), &peer)); /* no such role */
	assert_true(control_take_peer(SLICE("\1\2\3\0\0\0"), &peer));
	assert_true(peer.callee && peer.role == ROLE_STORE && peer.instance == 3);
	assert_false(control_take_failed(SLICE("\3\377\0\0\0ab"), &failed));
}

static void full_socket_keeps_messages_in_order(void **state)
{
	enum {
		MESSAGES = 100,
		BYTES = 16384
	};
	struct pair *p = *state;
	struct control_message m;
	unsigned got = 0, flushes = 0;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char *body = calloc(1, BYTES);

	assert_non_null(body);
	for (int i = 0; i < MESSAGES; i++) {
		body[0] = (char)i;
		assert_int_equal(
		    control_send(&p->a, CONTROL_RELOAD, SLICE_OF(body, BYTES), &fd, 1), ERR_OK);
	}
	close(fd);
	assert_true(p->a.n_pending > 0);
	assert_int_equal(control_flush(&p->a), ERR_AGAIN);
	while (got < MESSAGES) {
		if (control_receive(&p->b, &m) == ERR_AGAIN) {
			/* Room again: what was kept goes out. */
			enum err e = control_flush(&p->a);
			assert_true(e == ERR_OK || e == ERR_AGAIN);
			flushes++;
			continue;
		}
		assert_int_equal(m.body.len, BYTES);
		assert_int_equal(m.body.ptr[0], (char)got);
		assert_int_equal(m.n_fds, 1);
		close(m.fds[0]);
		got++;
	}
	assert_true(flushes > 0);
	assert_int_equal(p->a.n_pending, 0);
	free(body);
}

static void what_waits_is_bounded(void **state)
{
	struct pair *p = *state;
	enum err e = ERR_OK;
	unsigned n = 0;

	while (e == ERR_OK && n < 100000) {
		e = control_send(&p->a, CONTROL_DRAIN, SLICE("12345678"), NULL, 0);
		n++;
	}
	assert_int_equal(e, ERR_LIMIT);
	assert_int_equal(p->a.n_pending, CONTROL_MAX_PENDING);
}

static void too_large_is_refused(void **state)
{
	struct pair *p = *state;
	char *body = calloc(1, CONTROL_MAX_BYTES + 1);
	struct control_message m;

	assert_non_null(body);
	assert_int_equal(
	    control_send(&p->a, CONTROL_RELOAD, SLICE_OF(body, CONTROL_MAX_BYTES + 1), NULL, 0),
	    ERR_LIMIT);
	assert_int_equal(
	    control_send(&p->a, CONTROL_RELOAD, SLICE_OF(body, CONTROL_MAX_BYTES), NULL, 0),
	    ERR_OK);
	assert_int_equal(control_receive(&p->b, &m), ERR_OK);
	assert_int_equal(m.body.len, CONTROL_MAX_BYTES);
	free(body);
}

static void last_words_are_heard(void **state)
{
	struct pair *p = *state;
	struct control_message m;

	/* b dies after its message, with one of ours unread. */
	assert_int_equal(control_send(&p->a, CONTROL_DRAIN, SLICE("x"), NULL, 0), ERR_OK);
	assert_int_equal(control_send(&p->b, CONTROL_FAILED, SLICE("why"), NULL, 0), ERR_OK);
	control_fini(&p->b);
	assert_int_equal(control_receive(&p->a, &m), ERR_OK);
	assert_int_equal(m.kind, CONTROL_FAILED);
	assert_true(slice_eq(m.body, SLICE("why")));
	assert_int_equal(control_receive(&p->a, &m), ERR_END);
	assert_int_equal(control_send(&p->a, CONTROL_DRAIN, SLICE("x"), NULL, 0), ERR_PEER_GONE);
}

static void foreign_packets_are_refused(void **state)
{
	struct pair *p = *state;
	struct control_message m;

	assert_int_equal(send(p->a.fd, "\111hello", 6, 0), 6);
	assert_int_equal(control_receive(&p->b, &m), ERR_CORRUPT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(start_message_arrives_with_its_descriptors),
		TEST(a_handover_may_grow_but_not_beyond_its_bounds),
		TEST(broken_bodies_are_refused),
		TEST(full_socket_keeps_messages_in_order),
		TEST(what_waits_is_bounded),
		TEST(too_large_is_refused),
		TEST(last_words_are_heard),
		TEST(foreign_packets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
