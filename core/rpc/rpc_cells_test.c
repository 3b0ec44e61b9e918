/*
 * Counters of calls in the block: differences are added, also over a restart.
 */
#include "core/rpc/rpc_cells.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/ev/task.h"

static const struct rpc_def echo = { .name = "test.echo",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 8,
	.max_rep = 8,
	.deadline_ms = 1000 };
static const struct rpc_def *const defs[] = { &echo };
static const struct rpc_registry registry = { defs, 1 };

static int64_t sum(const struct metrics *m, const char *family, const char *label)
{
	const struct metric_row *row = metric_row_find(m, family, label);

	assert_non_null(row);
	return metric_row_sum(m, row);
}

/* A call to nobody is counted and ends in an error; so one pool does for what is tested. */
static void call_nobody(void *arg)
{
	struct err_note note = { 0 };
	struct arena arena = arena_new(1024);

	assert_int_equal(
	    rpc_call(arg, &echo, SLICE_EMPTY, INT64_MAX, 0, &arena, NULL, &note), ERR_PEER_GONE);
	arena_reset(&arena);
}

static void counts_go_on_over_a_restart(void **state)
{
	struct metric_schema *schema = NULL;
	struct metrics *m = NULL;
	struct loop *l = NULL;
	struct rpc_pool *peer[ROLE_COUNT] = { NULL };
	struct rpc_cells cells;
	(void)state;

	assert_int_equal(metric_schema_new(&schema), ERR_OK);
	rpc_metric_schema(schema);
	size_t bytes = metrics_block_bytes(schema, 1);
	void *block = metrics_block_new(schema, 1);
	assert_non_null(block);
	assert_int_equal(metrics_open(schema, block, bytes, 1, 0, &m), ERR_OK);
	for (int life = 1; life <= 2; life++) {
		assert_int_equal(loop_open(4, &l), ERR_OK);
		assert_int_equal(
		    rpc_pool_new(l, &registry, ROLE_WEB, ROLE_STORE, 4, &peer[ROLE_STORE]), ERR_OK);
		rpc_cells_find(&cells, m);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(
			    task_spawn(l, call_nobody, peer[ROLE_STORE], DEADLINE_NONE, NULL),
			    ERR_OK);
		}
		loop_run(l);
		rpc_cells_update(&cells, peer, NULL);
		rpc_cells_update(&cells, peer, NULL);
		assert_int_equal(sum(m, "rpc_calls_total", "store"), 3 * life);
		assert_int_equal(sum(m, "rpc_errors_total", "store"), 3 * life);
		assert_int_equal(sum(m, "rpc_calls_total", "compute"), 0);
		assert_int_equal(sum(m, "rpc_served_calls_total", NULL), 0);
		rpc_pool_free(&peer[ROLE_STORE]);
		loop_run(l);
		loop_close(&l);
	}
	metrics_close(&m);
	metric_schema_free(&schema);
	free(block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_go_on_over_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
