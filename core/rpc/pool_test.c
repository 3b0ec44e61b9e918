/*
 * Choosing between peers by expected wait, and what happens when peers leave and come in order.
 */
#include "core/rpc/rpc.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/rpc/fixture.h"

enum {
	PEERS = 2,
	CREDITS = 64
};

struct net {
	struct fixture f;
	struct rpc_pool *pool;
	struct holder holder[PEERS];
	struct rpc_server *server[PEERS];
};

static void net_add(struct net *n, unsigned instance)
{
	const struct rpc_executor ex = holder_executor(&n->holder[instance]);
	int fds[2];

	fixture_pair(fds);
	n->server[instance] = fixture_server(&n->f, &ex, fds[1]);
	assert_int_equal(rpc_pool_add(n->pool, instance, fds[0]), ERR_OK);
}

static void net_open(struct net *n, unsigned peers)
{
	*n = (struct net){ 0 };
	fixture_open(&n->f);
	n->pool = fixture_pool(&n->f, CREDITS);
	for (unsigned i = 0; i < peers; i++) {
		net_add(n, i);
	}
}

static void answer_all(struct net *n)
{
	for (unsigned i = 0; i < PEERS; i++) {
		while (n->holder[i].n > 0) {
			holder_reply(&n->holder[i], 0, ERR_OK);
		}
	}
}

static void net_close(struct net *n)
{
	answer_all(n);
	fixture_finish(&n->f);
	rpc_pool_free(&n->pool);
	for (unsigned i = 0; i < PEERS; i++) {
		rpc_server_free(&n->server[i]);
	}
	fixture_close(&n->f);
}

/* Starts n calls of a row one after the other, so that each sees the choices before it. */
static void start(struct net *n, struct fixture_call *calls, int count)
{
	for (int i = 0; i < count; i++) {
		calls[i] =
		    (struct fixture_call){ .pool = n->pool, .row = ROW_ONCE, .req = SLICE("x") };
		fixture_start(&n->f, &calls[i]);
	}
	fixture_run_ms(&n->f, 2);
}

/* One call to the peer whose turn it is, answered with this queue state. */
static void teach(struct net *n, unsigned instance, int64_t wait_us)
{
	struct fixture_call c;

	start(n, &c, 1);
	assert_int_equal(n->holder[instance].n, 1);
	rpc_server_set_queue(n->server[instance], 1, wait_us);
	holder_reply(&n->holder[instance], 0, ERR_OK);
	fixture_run_ms(&n->f, 2);
	assert_true(c.ended);
	arena_reset(&c.arena);
}

/* The same for both peers at the same moment. */
static void teach_both(struct net *n, int64_t wait_0_us, int64_t wait_1_us)
{
	struct fixture_call c[2];

	start(n, c, 2);
	rpc_server_set_queue(n->server[0], 1, wait_0_us);
	rpc_server_set_queue(n->server[1], 1, wait_1_us);
	answer_all(n);
	fixture_finish(&n->f);
	arena_reset(&c[0].arena);
	arena_reset(&c[1].arena);
}

/* Lets started calls end well. */
static void finish(struct net *n, struct fixture_call *calls, int count)
{
	answer_all(n);
	fixture_finish(&n->f);
	for (int i = 0; i < count; i++) {
		assert_int_equal(calls[i].e, ERR_OK);
		arena_reset(&calls[i].arena);
	}
}

static void calls_go_where_the_wait_is_shortest(void **state)
{
	static struct fixture_call calls[60];
	struct net n;

	(void)state;
	net_open(&n, 2);
	teach_both(&n, 1000000, 970000); /* 30 calls at the row's 1 ms less */
	start(&n, calls, 60);
	assert_in_range(n.holder[1].n, 44, 46);
	assert_int_equal(n.holder[0].n, 60 - n.holder[1].n);
	finish(&n, calls, 60);
	net_close(&n);
}

static void with_nothing_known_peers_take_turns(void **state)
{
	static struct fixture_call calls[20];
	struct net n;

	(void)state;
	net_open(&n, 2);
	start(&n, calls, 20);
	assert_int_equal(n.holder[0].n, 10);
	assert_int_equal(n.holder[1].n, 10);
	finish(&n, calls, 20);
	net_close(&n);
}

static void a_full_peer_is_passed_over(void **state)
{
	static struct fixture_call calls[CREDITS + 30];
	struct net n;

	(void)state;
	net_open(&n, 2);
	teach(&n, 0, 10000000);
	teach(&n, 1, 0);
	start(&n, calls, CREDITS + 30);
	assert_int_equal(n.holder[1].n, CREDITS);
	assert_int_equal(n.holder[0].n, 30);
	finish(&n, calls, CREDITS + 30);
	net_close(&n);
}

static void a_report_counts_what_the_callee_had_seen_once(void **state)
{
	struct fixture_call calls[3];
	struct net n;

	(void)state;
	net_open(&n, 1);
	start(&n, calls, 3);
	assert_int_equal(rpc_pool_expected_wait_us(n.pool), 3000); /* nothing reported yet */
	rpc_server_set_queue(n.server[0], 2, 700000);
	holder_reply(&n.holder[0], 0, ERR_OK);
	fixture_run_ms(&n.f, 2);
	assert_in_range(rpc_pool_expected_wait_us(n.pool), 600000, 700000);
	finish(&n, calls, 3);
	net_close(&n);
}

static void a_report_ages(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 1);
	teach(&n, 0, 40000);
	assert_in_range(rpc_pool_expected_wait_us(n.pool), 1, 40000);
	fixture_run_ms(&n.f, 50);
	assert_int_equal(rpc_pool_expected_wait_us(n.pool), 0);
	net_close(&n);
}

static void the_cost_of_a_row_is_learnt_from_replies(void **state)
{
	struct fixture_call c;
	struct net n;

	(void)state;
	net_open(&n, 1);
	for (int i = 0; i < 40; i++) {
		start(&n, &c, 1);
		rpc_request_ran(n.holder[0].held[0], 9000);
		holder_reply(&n.holder[0], 0, ERR_OK);
		fixture_finish(&n.f);
		arena_reset(&c.arena);
	}
	start(&n, &c, 1);
	assert_in_range(rpc_pool_expected_wait_us(n.pool), 8500, 9000);
	finish(&n, &c, 1);
	net_close(&n);
}

static void nobody_connected_means_no_expectation(void **state)
{
	struct net n;

	(void)state;
	net_open(&n, 0);
	assert_int_equal(rpc_pool_connected(n.pool), 0);
	assert_true(rpc_pool_expected_wait_us(n.pool) == INT64_MAX);
	net_add(&n, 1);
	assert_int_equal(rpc_pool_connected(n.pool), 1);
	assert_int_equal(rpc_pool_expected_wait_us(n.pool), 0);
	net_close(&n);
}

static void a_call_waits_for_a_peer_that_is_about_to_come(void **state)
{
	struct fixture_call c;
	struct net n;

	(void)state;
	net_open(&n, 0);
	start(&n, &c, 1);
	assert_false(c.ended);
	net_add(&n, 0);
	fixture_run_ms(&n.f, 5);
	assert_int_equal(n.holder[0].n, 1);
	finish(&n, &c, 1);
	net_close(&n);
}

static void a_role_that_stays_away_fails_calls_soon_and_then_at_once(void **state)
{
	struct fixture_call c;
	struct net n;

	(void)state;
	net_open(&n, 0);
	start(&n, &c, 1);
	fixture_finish(&n.f);
	assert_int_equal(c.e, ERR_PEER_GONE);
	assert_in_range(c.took_us, 200000, 400000);
	start(&n, &c, 1);
	assert_true(c.ended);
	assert_int_equal(c.e, ERR_PEER_GONE);
	assert_in_range(c.took_us, 0, 2000);
	net_close(&n);
}

static void the_deadline_counts_while_waiting_for_a_peer(void **state)
{
	struct fixture_call c = { .row = ROW_ONCE, .req = SLICE("x") };
	struct net n;

	(void)state;
	net_open(&n, 0);
	c.pool = n.pool;
	c.deadline_us = clock_mono_us() + 20000;
	fixture_start(&n.f, &c);
	fixture_finish(&n.f);
	assert_int_equal(c.e, ERR_DEADLINE);
	net_close(&n);
}

static void a_replaced_channel_fails_its_calls_and_the_next_goes_to_the_new_one(void **state)
{
	struct fixture_call c[2], next;
	struct net n;

	(void)state;
	net_open(&n, 1);
	start(&n, c, 2);
	assert_int_equal(n.holder[0].n, 2);
	struct rpc_server *old = n.server[0];
	holder_reply(&n.holder[0], 0, ERR_OK); /* is in the socket when the channel is replaced */
	fixture_run_ms(&n.f, 0);
	struct holder held = n.holder[0];
	n.holder[0].n = 0;
	net_add(&n, 0);
	fixture_finish(&n.f);
	assert_int_equal(c[0].e, ERR_OK);
	assert_int_equal(c[1].e, ERR_OUTCOME_UNKNOWN);
	start(&n, &next, 1);
	assert_int_equal(n.holder[0].n, 1);
	rpc_reply(held.held[0], ERR_OK, SLICE("for nobody"), NULL);
	rpc_server_free(&old);
	finish(&n, &next, 1);
	arena_reset(&c[0].arena);
	net_close(&n);
}

static void on_drained(void *arg)
{
	++*(int *)arg;
}

static void a_draining_peer_finishes_and_new_calls_go_elsewhere(void **state)
{
	struct fixture_call c[2];
	struct net n;
	int drained = 0;

	(void)state;
	net_open(&n, 2);
	start(&n, &c[0], 1);
	assert_int_equal(n.holder[0].n, 1);
	rpc_server_drain(n.server[0], on_drained, &drained);
	teach(&n, 1, 5000000); /* so that the draining one looks better */
	start(&n, &c[1], 1);
	assert_int_equal(n.holder[1].n, 1);
	assert_int_equal(rpc_pool_connected(n.pool), 1);
	assert_int_equal(rpc_pool_stats(n.pool).retries, 1);
	assert_int_equal(drained, 0);
	finish(&n, c, 2);
	fixture_run_ms(&n.f, 1);
	assert_int_equal(drained, 1);
	net_close(&n);
}

static void the_last_draining_peer_makes_calls_wait_for_the_next(void **state)
{
	struct fixture_call c;
	struct net n;
	int drained = 0;

	(void)state;
	net_open(&n, 1);
	rpc_server_drain(n.server[0], on_drained, &drained);
	start(&n, &c, 1);
	assert_int_equal(drained, 1);
	assert_false(c.ended);
	net_add(&n, 1);
	fixture_run_ms(&n.f, 5);
	assert_int_equal(n.holder[1].n, 1);
	finish(&n, &c, 1);
	assert_int_equal(c.note.code, ERR_OK); /* what happened on the way is no failure */
	net_close(&n);
}

/* Runs until what the callee told has arrived. */
static void hear(struct net *n, unsigned instance)
{
	rpc_server_report(n->server[instance]);
	fixture_run_ms(&n->f, 5);
}

static void a_callee_tells_its_state_unasked(void **state)
{
	struct fixture_call calls[2];
	struct net n;

	(void)state;
	net_open(&n, PEERS);
	rpc_server_set_queue(n.server[0], 3, 900000);
	hear(&n, 0);
	start(&n, calls, 2);
	/* Each of them is cheaper at the other one. */
	assert_int_equal(n.holder[0].n, 0);
	assert_int_equal(n.holder[1].n, 2);
	/* A report says what has been seen: the calls' expected costs are not counted twice. */
	rpc_server_set_queue(n.server[1], 2, 50);
	hear(&n, 1);
	assert_true(rpc_pool_expected_wait_us(n.pool) <= 50);
	net_close(&n);
	for (int i = 0; i < 2; i++) {
		arena_reset(&calls[i].arena);
	}
}

static void a_closed_peer_gets_nothing_until_it_opens(void **state)
{
	struct fixture_call calls[2];
	struct net n;

	(void)state;
	net_open(&n, PEERS);
	rpc_server_set_queue(n.server[0], 0, RPC_WAIT_CLOSED);
	hear(&n, 0);
	assert_int_equal(rpc_pool_connected(n.pool), 1);
	start(&n, calls, 2);
	assert_int_equal(n.holder[0].n, 0);
	assert_int_equal(n.holder[1].n, 2);
	rpc_server_set_queue(n.server[0], 0, 0);
	hear(&n, 0);
	assert_int_equal(rpc_pool_connected(n.pool), 2);
	net_close(&n);
	for (int i = 0; i < 2; i++) {
		arena_reset(&calls[i].arena);
	}
}

static void who_waits_for_a_peer_goes_on_when_one_opens(void **state)
{
	struct fixture_call call;
	struct net n;

	(void)state;
	net_open(&n, 1);
	rpc_server_set_queue(n.server[0], 0, RPC_WAIT_CLOSED);
	hear(&n, 0);
	start(&n, &call, 1);
	assert_int_equal(n.holder[0].n, 0);
	assert_false(call.ended);
	rpc_server_set_queue(n.server[0], 0, 0);
	hear(&n, 0);
	assert_int_equal(n.holder[0].n, 1);
	net_close(&n);
	assert_int_equal(call.e, ERR_OK);
	arena_reset(&call.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_go_where_the_wait_is_shortest),
		cmocka_unit_test(with_nothing_known_peers_take_turns),
		cmocka_unit_test(a_full_peer_is_passed_over),
		cmocka_unit_test(a_report_counts_what_the_callee_had_seen_once),
		cmocka_unit_test(a_report_ages),
		cmocka_unit_test(the_cost_of_a_row_is_learnt_from_replies),
		cmocka_unit_test(nobody_connected_means_no_expectation),
		cmocka_unit_test(a_call_waits_for_a_peer_that_is_about_to_come),
		cmocka_unit_test(a_role_that_stays_away_fails_calls_soon_and_then_at_once),
		cmocka_unit_test(the_deadline_counts_while_waiting_for_a_peer),
		cmocka_unit_test(
		    a_replaced_channel_fails_its_calls_and_the_next_goes_to_the_new_one),
		cmocka_unit_test(a_draining_peer_finishes_and_new_calls_go_elsewhere),
		cmocka_unit_test(the_last_draining_peer_makes_calls_wait_for_the_next),
		cmocka_unit_test(a_callee_tells_its_state_unasked),
		cmocka_unit_test(a_closed_peer_gets_nothing_until_it_opens),
		cmocka_unit_test(who_waits_for_a_peer_goes_on_when_one_opens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
