/*
 * The order in which requests that wait have their turn, and what is said of those in line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/http/class_queues.h"
#include "core/http/request.h"

enum {
	REQUESTS = 6
};

static const struct op memory = { .cost = COST_MEMORY }, compute = { .cost = COST_COMPUTE };

static struct class_queues queues;
static struct http_req requests[REQUESTS];

static int set_up(void **state)
{
	(void)state;
	class_queues_init(&queues);
	memset(requests, 0, sizeof(requests));
	return 0;
}

static void add(unsigned i, const struct op *op, enum shed_rank rank, int64_t queued_us)
{
	requests[i].call.op = op;
	requests[i].queued_us = queued_us;
	class_queues_add(&queues, &requests[i], rank, 100 + i);
}

static void by_class_then_by_rank_then_by_age(void **state)
{
	static const unsigned order[REQUESTS] = { 3, 1, 4, 2, 5, 0 };

	(void)state;
	add(0, &compute, SHED_MIDDLE, 10);
	add(1, &memory, SHED_LATE, 11);
	add(2, &memory, SHED_FIRST, 12);
	add(3, &memory, SHED_LAST, 13);
	add(4, &memory, SHED_LATE, 14);
	add(5, &compute, SHED_LAST, 15);
	assert_int_equal(queues.n_all, REQUESTS);
	assert_int_equal(queues.n[COST_MEMORY], 4);
	for (unsigned i = 0; i < REQUESTS; i++) {
		struct http_req *r = class_queues_first(&queues);
		assert_ptr_equal(r, &requests[order[i]]);
		class_queues_remove(&queues, r);
		assert_false(r->is_queued);
	}
	assert_null(class_queues_first(&queues));
	assert_true(queues.filled == 0 && queues.n_all == 0);
}

static void what_is_said_of_those_in_line(void **state)
{
	(void)state;
	add(0, &memory, SHED_FIRST, 30);
	add(1, &memory, SHED_LATE, 40);
	add(2, &compute, SHED_LATE, 20);
	assert_true(class_queues_line_us(&queues, SHED_LAST) == 0);
	assert_true(class_queues_line_us(&queues, SHED_LATE) == 101 + 102);
	assert_true(class_queues_line_us(&queues, SHED_FIRST) == 100 + 101 + 102);
	assert_true(class_queues_since_us(&queues, COST_MEMORY, 50) == 30);
	assert_true(class_queues_since_us(&queues, COST_MEMORY, 25) == 25);
	assert_true(class_queues_since_us(&queues, COST_READ, 50) == 50);
	/* Out of the middle, as when a client goes away. */
	class_queues_remove(&queues, &requests[0]);
	assert_true(class_queues_since_us(&queues, COST_MEMORY, 50) == 40);
	assert_true(class_queues_line_us(&queues, SHED_FIRST) == 101 + 102);
	assert_null(class_queues_oldest(&queues, COST_MEMORY * SHED_RANKS + SHED_FIRST));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(by_class_then_by_rank_then_by_age, set_up),
		cmocka_unit_test_setup(what_is_said_of_those_in_line, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
