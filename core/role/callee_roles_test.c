/*
 * The roles compute and signer as they are started by a process: requests are served with the
 * role's environment, the metric slot tells the queue, a drain finishes what is queued.
 */
#include "core/role/roles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/ev/task.h"
#include "core/tls/tls_conf.h"

enum {
	SPIN_US = 20000,
	CALLS = 5
};

/* Answers the instance of the process it runs in. */
static enum err spin(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct svc_env *env = role_state;

	(void)info;
	(void)req;
	(void)note;
	for (int64_t end = clock_mono_us() + SPIN_US; clock_mono_us() < end;) {
	}
	buf_append_i64(reply, env->instance);
	return ERR_OK;
}

#define ROW(role)                                                                                  \
	{                                                                                          \
		.name = "test.spin", .from = ROLE_BIT(ROLE_WEB), .to = (role), .max_rep = 20,      \
		.deadline_ms = 10000, .cost_us = SPIN_US, .handle = spin                           \
	}
static const struct rpc_def compute_row = ROW(ROLE_COMPUTE), signer_row = ROW(ROLE_SIGNER);
static const struct rpc_def *const rows[] = { &compute_row, &signer_row };
static const struct rpc_registry registry = { rows, 2 };

struct rig {
	struct role_ctx r;
	const struct role_ops *ops;
	const struct rpc_def *row;
	struct metric_schema *schema;
	void *block;
	struct rpc_pool *pool;
	unsigned waiting, answered, refused;
};

static void rig_open(struct rig *g, enum role_id role, const struct role_ops *ops)
{
	struct err_note note = { 0 };
	int fds[2];

	*g = (struct rig){ .ops = ops, .row = role == ROLE_COMPUTE ? &compute_row : &signer_row };
	g->r.registry = registry;
	g->r.env = (struct svc_env){ .role = role, .instance = 7 };
	assert_int_equal(loop_open(64, &g->r.env.loop), ERR_OK);
	const struct conf_table tables[] = { runtime_conf, tls_conf };
	assert_int_equal(conf_new(tables, 2, &g->r.conf), ERR_OK);
	g->r.env.conf = g->r.conf;
	assert_int_equal(metric_schema_new(&g->schema), ERR_OK);
	size_t bytes = metrics_block_bytes(g->schema, 1);
	g->block = metrics_block_new(g->schema, 1);
	assert_non_null(g->block);
	assert_int_equal(metrics_open(g->schema, g->block, bytes, 1, 0, &g->r.env.metrics), ERR_OK);
	assert_int_equal(ops->start(&g->r, &note), ERR_OK);
	if (ops->prepare != NULL) {
		assert_int_equal(ops->prepare(&g->r, &note), ERR_OK);
	}
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(rpc_server_add(g->r.server, ROLE_WEB, fds[0]), ERR_OK);
	assert_int_equal(
	    rpc_pool_new(g->r.env.loop, &registry, ROLE_WEB, role, 16, &g->pool), ERR_OK);
	assert_int_equal(rpc_pool_add(g->pool, 0, fds[1]), ERR_OK);
}

static void rig_close(struct rig *g)
{
	rpc_pool_free(&g->pool);
	if (g->ops->stop != NULL) {
		g->ops->stop(&g->r);
	}
	rpc_server_free(&g->r.server);
	metrics_close(&g->r.env.metrics);
	metric_schema_free(&g->schema);
	free(g->block);
	conf_free(&g->r.conf);
	loop_close(&g->r.env.loop);
}

static void call_main(void *arg)
{
	struct rig *g = arg;
	struct arena arena = arena_new(1000);
	struct slice reply = SLICE_EMPTY;
	struct err_note note = { 0 };
	enum err e =
	    rpc_call(g->pool, g->row, SLICE_EMPTY, DEADLINE_NONE, 1, &arena, &reply, &note);

	g->answered += e == ERR_OK && slice_eq(reply, SLICE("7"));
	g->refused += e == ERR_PEER_GONE;
	arena_reset(&arena);
	if (--g->waiting == 0) {
		loop_stop(g->r.env.loop);
	}
}

static void start_calls(struct rig *g, unsigned n)
{
	g->waiting += n;
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(
		    task_spawn(g->r.env.loop, call_main, g, DEADLINE_NONE, NULL), ERR_OK);
	}
}

/* Notes the most that the slot has shown. */
struct watch {
	struct rig *rig;
	int64_t queue_len, queue_wait_us, busy;
};

static int64_t larger(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void look(void *arg)
{
	struct watch *w = arg;
	const struct metric_slot *slot = metrics_own_slot(w->rig->r.env.metrics);

	w->queue_len = larger(w->queue_len, metric_get(&slot->queue_len));
	w->queue_wait_us = larger(w->queue_wait_us, metric_get(&slot->queue_wait_us));
	w->busy = larger(w->busy, metric_get(&slot->busy));
}

static void compute_serves_and_shows_its_queue(void **state)
{
	struct rig g;
	struct watch w = { .rig = &g };

	(void)state;
	rig_open(&g, ROLE_COMPUTE, &compute_role_ops);
	loop_every(g.r.env.loop, 5, look, &w);
	start_calls(&g, CALLS);
	loop_run(g.r.env.loop);
	assert_int_equal(g.answered, CALLS);
	assert_in_range(w.queue_len, CALLS - 2, CALLS);
	assert_in_range(w.queue_wait_us, SPIN_US, CALLS * SPIN_US * 10);
	assert_int_equal(w.busy, 1);
	const struct metric_slot *slot = metrics_own_slot(g.r.env.metrics);
	assert_int_equal(metric_get(&slot->queue_len), 0);
	assert_int_equal(metric_get(&slot->busy), 0);
	g.ops->reload(&g.r);
	start_calls(&g, 1);
	loop_run(g.r.env.loop);
	assert_int_equal(g.answered, CALLS + 1);
	rig_close(&g);
}

static void signer_serves_and_shows_its_queue(void **state)
{
	struct rig g;
	struct watch w = { .rig = &g };

	(void)state;
	rig_open(&g, ROLE_SIGNER, &signer_role_ops);
	loop_every(g.r.env.loop, 5, look, &w);
	start_calls(&g, 2 * CALLS); /* 200 ms, so that the stamp falls into it */
	loop_run(g.r.env.loop);
	assert_int_equal(g.answered, 2 * CALLS);
	assert_true(w.queue_len > 0 && w.queue_wait_us > 0 && w.busy > 0);
	rig_close(&g);
}

static void on_drained(void *arg)
{
	loop_stop(((struct rig *)arg)->r.env.loop);
}

static void begin_drain(void *arg)
{
	struct rig *g = arg;

	if (!g->r.draining) {
		g->r.draining = true;
		rpc_server_drain(g->r.server, on_drained, g);
		start_calls(g, 1); /* comes too late */
	}
}

static void draining_compute_finishes_its_queue(void **state)
{
	struct rig g;

	(void)state;
	rig_open(&g, ROLE_COMPUTE, &compute_role_ops);
	loop_every(g.r.env.loop, 10, begin_drain, &g);
	start_calls(&g, CALLS);
	while (g.waiting > 0) {
		loop_run(g.r.env.loop);
	}
	assert_int_equal(g.answered, CALLS);
	assert_int_equal(g.refused, 1);
	rig_close(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compute_serves_and_shows_its_queue),
		cmocka_unit_test(signer_serves_and_shows_its_queue),
		cmocka_unit_test(draining_compute_finishes_its_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
