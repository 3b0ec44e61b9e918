/*
 * Peers that die: callees are forked children, killed with SIGKILL while calls are in flight. Every
 * call must end, none may be done twice unless its row allows it. Each callee notes what it has
 * executed in a pipe that outlives it.
 */
#include "core/rpc/rpc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/rpc/fixture.h"

enum {
	CALLS = 100,
	ALL = 2 * CALLS,
	/* Of a callee that is to be killed in the middle, however late that is. */
	SOME = 20
};

/* ---- the child ---- */

/* Holds all requests, notes each, and answers one per millisecond, as many as it may. */
struct callee {
	struct fixture f;
	unsigned answers;
	struct holder holder;
	int log_fd;
};

static void note_and_hold(void *arg, struct rpc_request *q)
{
	struct callee *c = arg;
	struct slice payload = rpc_request_view(q).payload;

	if (write(c->log_fd, payload.ptr, payload.len) != (ssize_t)payload.len) {
		_exit(1);
	}
	c->holder.held[c->holder.n++] = q;
}

static void answer_one(void *arg)
{
	struct callee *c = arg;

	if (c->holder.n > 0 && c->answers > 0) {
		c->answers--;
		holder_reply(&c->holder, 0, ERR_OK);
	}
}

static void callee_main(int fd, int log_fd, unsigned answers)
{
	struct callee c = { .log_fd = log_fd, .answers = answers };
	const struct rpc_executor ex = { .execute = note_and_hold, .arg = &c };

	fixture_open(&c.f);
	struct rpc_server *s = fixture_server(&c.f, &ex, fd);
	loop_every(c.f.loop, 1, answer_one, &c);
	for (;;) {
		loop_run(c.f.loop);
		if (rpc_server_stats(s).peers_lost > 0) {
			_exit(0);
		}
	}
}

/* ---- the parent ---- */

struct net {
	struct fixture f;
	struct rpc_pool *pool;
	pid_t child[2];
	int log[2];
};

static void net_add(struct net *n, unsigned instance, unsigned answers)
{
	int fds[2];

	fixture_pair(fds);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* not to outlive a failing test */
		close(fds[0]);
		callee_main(fds[1], n->log[1], answers);
	}
	close(fds[1]);
	n->child[instance] = pid;
	assert_int_equal(rpc_pool_add(n->pool, instance, fds[0]), ERR_OK);
}

static void net_open(struct net *n)
{
	*n = (struct net){ 0 };
	assert_int_equal(pipe2(n->log, O_CLOEXEC | O_NONBLOCK), 0);
	fixture_open(&n->f);
	n->pool = fixture_pool(&n->f, CALLS);
}

static void net_kill(struct net *n, unsigned instance)
{
	assert_int_equal(kill(n->child[instance], SIGKILL), 0);
	assert_int_equal(waitpid(n->child[instance], NULL, 0), n->child[instance]);
	n->child[instance] = 0;
}

static void net_close(struct net *n)
{
	for (unsigned i = 0; i < 2; i++) {
		if (n->child[i] != 0) {
			net_kill(n, i);
		}
	}
	rpc_pool_free(&n->pool);
	close(n->log[0]);
	close(n->log[1]);
	fixture_close(&n->f);
}

/* Calls with numbers as payload; two idempotent, two not, so that both peers get both. */
struct numbered {
	struct fixture_call calls[CALLS];
	char text[CALLS][5];
	int executed[CALLS]; /* times, filled by read_log() */
};

static void start(struct net *n, struct numbered *k)
{
	memset(k, 0, sizeof(*k));
	for (int i = 0; i < CALLS; i++) {
		snprintf(k->text[i], sizeof(k->text[i]), "%04d", i);
		k->calls[i] = (struct fixture_call){ .pool = n->pool,
			.row = i % 4 < 2 ? ROW_ECHO : ROW_ONCE,
			.req = slice_str(k->text[i]) };
		fixture_start(&n->f, &k->calls[i]);
	}
}

static void read_log(struct net *n, struct numbered *k)
{
	char text[5] = "";

	while (read(n->log[0], text, 4) == 4) {
		int i = (int)strtol(text, NULL, 10);
		assert_in_range(i, 0, CALLS - 1);
		k->executed[i]++;
	}
}

static int count(const struct numbered *k, enum err e)
{
	int found = 0;

	for (int i = 0; i < CALLS; i++) {
		found += k->calls[i].e == e;
	}
	return found;
}

static void check_and_reset(struct numbered *k)
{
	for (int i = 0; i < CALLS; i++) {
		struct fixture_call *c = &k->calls[i];
		assert_true(c->ended);
		if (c->e == ERR_OK) {
			assert_true(slice_eq(c->reply, slice_str(k->text[i])));
			assert_true(k->executed[i] >= 1);
		} else {
			assert_int_equal(c->note.code, c->e);
			assert_true(c->note.text[0] != '\0');
		}
		if (c->row == ROW_ONCE) {
			assert_true(k->executed[i] <= 1);
		}
		assert_true(c->e != ERR_OUTCOME_UNKNOWN || c->row == ROW_ONCE);
		arena_reset(&c->arena);
	}
}

static void kill_in_the_middle_of_100_calls_with_a_second_peer(void **state)
{
	static struct numbered k;
	struct net n;

	(void)state;
	net_open(&n);
	net_add(&n, 0, SOME);
	net_add(&n, 1, ALL);
	start(&n, &k);
	fixture_run_ms(&n.f, 20); /* each has about 50 calls; the first answers some */
	net_kill(&n, 0);
	fixture_finish(&n.f);
	read_log(&n, &k);
	int unknown = count(&k, ERR_OUTCOME_UNKNOWN);
	assert_in_range(unknown, 1, 30);
	assert_int_equal(count(&k, ERR_OK), CALLS - unknown);
	struct rpc_stats stats = rpc_pool_stats(n.pool);
	assert_int_equal(stats.unknown, unknown);
	assert_in_range(stats.retries, 1, 30);
	assert_int_equal(stats.peers_lost, 1);
	check_and_reset(&k);
	net_close(&n);
}

static void kill_of_the_only_peer_fails_all_calls(void **state)
{
	static struct numbered k;
	struct net n;

	(void)state;
	net_open(&n);
	net_add(&n, 0, SOME);
	start(&n, &k);
	fixture_run_ms(&n.f, 20);
	net_kill(&n, 0);
	fixture_finish(&n.f);
	read_log(&n, &k);
	int unknown = count(&k, ERR_OUTCOME_UNKNOWN), gone = count(&k, ERR_PEER_GONE);
	assert_true(unknown > 0 && gone > 0);
	assert_int_equal(count(&k, ERR_OK), CALLS - unknown - gone);
	for (int i = 0; i < CALLS; i++) {
		int64_t limit_us = k.calls[i].e == ERR_PEER_GONE ? 2000000 : 250000;
		assert_in_range(k.calls[i].took_us, 0, limit_us);
	}
	check_and_reset(&k);
	net_close(&n);
}

static void a_restarted_peer_takes_over_the_idempotent_calls(void **state)
{
	static struct numbered k;
	struct net n;

	(void)state;
	net_open(&n);
	net_add(&n, 0, SOME);
	start(&n, &k);
	fixture_run_ms(&n.f, 20);
	net_kill(&n, 0);
	fixture_run_ms(&n.f, 50); /* the supervisor at work */
	net_add(&n, 0, ALL);
	fixture_finish(&n.f);
	read_log(&n, &k);
	int unknown = count(&k, ERR_OUTCOME_UNKNOWN);
	assert_true(unknown > 0);
	assert_int_equal(count(&k, ERR_OK), CALLS - unknown);
	check_and_reset(&k);
	net_close(&n);
}

static void peers_that_keep_dying_end_the_retries(void **state)
{
	struct fixture_call c = { .row = ROW_ECHO, .req = SLICE("0000") };
	struct net n;

	(void)state;
	net_open(&n);
	net_add(&n, 0, ALL);
	c.pool = n.pool;
	fixture_start(&n.f, &c);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(kill(n.child[0], SIGSTOP), 0);
		fixture_run_ms(&n.f, 5);
		assert_false(c.ended);
		net_kill(&n, 0);
		net_add(&n, 0, ALL);
	}
	fixture_finish(&n.f);
	assert_int_equal(c.e, ERR_PEER_GONE);
	assert_int_equal(rpc_pool_stats(n.pool).retries, 2);
	arena_reset(&c.arena);
	net_close(&n);
}

static void what_never_left_our_buffer_is_safe_to_send_again(void **state)
{
	struct fixture_call c = { .row = ROW_ONCE, .req = SLICE("0000") };
	struct net n;
	int fds[2];

	(void)state;
	net_open(&n);
	fixture_pair(fds);
	assert_int_equal(rpc_pool_add(n.pool, 0, fds[0]), ERR_OK);
	close(fds[1]); /* dead before the call is flushed */
	c.pool = n.pool;
	fixture_start(&n.f, &c);
	fixture_run_ms(&n.f, 20);
	assert_false(c.ended);
	net_add(&n, 1, ALL);
	fixture_finish(&n.f);
	assert_int_equal(c.e, ERR_OK);
	arena_reset(&c.arena);
	net_close(&n);
}

static void a_request_that_left_in_part_cannot_have_been_done(void **state)
{
	static char large[1 << 20];
	struct fixture_call c = { .row = ROW_LARGE, .req = SLICE_OF(large, sizeof(large)) };
	struct net n;
	int fds[2];

	(void)state;
	net_open(&n);
	fixture_pair(fds);
	assert_int_equal(rpc_pool_add(n.pool, 0, fds[0]), ERR_OK);
	c.pool = n.pool;
	fixture_start(&n.f, &c);
	fixture_run_ms(&n.f, 5);
	uint64_t sent = rpc_pool_stats(n.pool).bytes_sent;
	assert_true(sent > 0 && sent < sizeof(large));
	close(fds[1]);
	fixture_finish(&n.f);
	assert_int_equal(c.e, ERR_PEER_GONE);
	arena_reset(&c.arena);
	net_close(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kill_in_the_middle_of_100_calls_with_a_second_peer),
		cmocka_unit_test(kill_of_the_only_peer_fails_all_calls),
		cmocka_unit_test(a_restarted_peer_takes_over_the_idempotent_calls),
		cmocka_unit_test(peers_that_keep_dying_end_the_retries),
		cmocka_unit_test(what_never_left_our_buffer_is_safe_to_send_again),
		cmocka_unit_test(a_request_that_left_in_part_cannot_have_been_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
