/*
 * Schema and block: rows keep apart, processes keep apart (really: the test forks), and a block
 * laid out by another schema is refused.
 */
#include "core/obs/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static const struct metric_def requests = { "requests_total", METRIC_COUNTER, "op", "Requests." };
static const struct metric_def depth = { "depth", METRIC_GAUGE, NULL, "Depth." };
static const struct metric_def latency = { "latency_seconds", METRIC_HIST, "op", "Time." };

enum {
	SLOTS = 3
};

struct fixture {
	struct metric_schema *schema;
	void *block;
	size_t bytes;
	struct metrics *m[SLOTS]; /* as the process of each slot sees it */
};

static struct metric_schema *make_schema(void)
{
	struct metric_schema *s = NULL;

	assert_int_equal(metric_schema_new(&s), ERR_OK);
	metric_schema_add(s, &requests, "get");
	metric_schema_add(s, &depth, NULL);
	metric_schema_add(s, &latency, "get");
	metric_schema_add(s, &requests, "put");
	metric_schema_add(s, &latency, "put");
	return s;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->schema = make_schema();
	f->bytes = metrics_block_bytes(f->schema, SLOTS);
	f->block = mmap(NULL, f->bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(f->block, MAP_FAILED);
	metrics_format(f->schema, f->block, SLOTS);
	for (int i = 0; i < SLOTS; i++) {
		assert_int_equal(
		    metrics_open(f->schema, f->block, f->bytes, SLOTS, i, &f->m[i]), ERR_OK);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < SLOTS; i++) {
		metrics_close(&f->m[i]);
		assert_null(f->m[i]);
	}
	munmap(f->block, f->bytes);
	metric_schema_free(&f->schema);
	assert_null(f->schema);
	free(f);
	return 0;
}

static void test_same_row_twice_is_one_row(void **state)
{
	struct fixture *f = *state;
	size_t bytes = metric_slot_bytes(f->schema);
	uint64_t hash = metric_schema_hash(f->schema);

	metric_schema_add(f->schema, &requests, "get");
	metric_schema_add(f->schema, &depth, NULL);
	assert_int_equal(metric_slot_bytes(f->schema), bytes);
	assert_true(metric_schema_hash(f->schema) == hash);
}

static void test_same_tables_give_the_same_hash(void **state)
{
	struct fixture *f = *state;
	struct metric_schema *again = make_schema();

	assert_true(metric_schema_hash(again) == metric_schema_hash(f->schema));
	metric_schema_free(&again);
}

static void test_any_difference_gives_another_hash(void **state)
{
	static const struct metric_def other_kind = { "depth", METRIC_COUNTER, NULL, "Depth." };
	static const struct metric_def other_name = { "height", METRIC_GAUGE, NULL, "Depth." };
	static const struct metric_def with_label = { "depth", METRIC_GAUGE, "of", "Depth." };
	static const struct metric_def other_label = { "depth", METRIC_GAUGE, "in", "Depth." };
	static const struct {
		const struct metric_def *def;
		const char *value;
	} rows[] = { { &depth, NULL }, { &other_kind, NULL }, { &other_name, NULL },
		{ &with_label, "a" }, { &with_label, "b" }, { &other_label, "a" } };
	enum {
		N = sizeof(rows) / sizeof(rows[0])
	};
	uint64_t hashes[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		struct metric_schema *s = NULL;
		assert_int_equal(metric_schema_new(&s), ERR_OK);
		metric_schema_add(s, rows[i].def, rows[i].value);
		hashes[i] = metric_schema_hash(s);
		for (size_t before = 0; before < i; before++) {
			assert_true(hashes[before] != hashes[i]);
		}
		metric_schema_free(&s);
	}
}

static void test_rows_are_counted_apart(void **state)
{
	struct fixture *f = *state;

	metric_add(metric_cell(f->m[0], &requests, "get"), 2);
	metric_add(metric_cell(f->m[0], &requests, "get"), 3);
	metric_add(metric_cell(f->m[0], &requests, "put"), 7);
	metric_set(metric_cell(f->m[0], &depth, NULL), -4);
	hist_record(metric_hist(f->m[0], &latency, "put"), 10);
	assert_int_equal(metric_get(metric_cell(f->m[0], &requests, "get")), 5);
	assert_int_equal(metric_get(metric_cell(f->m[0], &requests, "put")), 7);
	assert_int_equal(metric_get(metric_cell(f->m[0], &depth, NULL)), -4);
	assert_int_equal(metric_hist(f->m[0], &latency, "get")->count, 0);
	assert_int_equal(metric_hist(f->m[0], &latency, "put")->count, 1);
}

static void test_slots_are_counted_apart(void **state)
{
	struct fixture *f = *state;

	metric_add(metric_cell(f->m[0], &requests, "get"), 1);
	metric_add(metric_cell(f->m[2], &requests, "get"), 10);
	metrics_own_slot(f->m[1])->pid = 77;
	assert_int_equal(metric_get(metric_cell(f->m[0], &requests, "get")), 1);
	assert_int_equal(metric_get(metric_cell(f->m[1], &requests, "get")), 0);
	assert_int_equal(metric_get(metric_cell(f->m[2], &requests, "get")), 10);
	assert_int_equal(metrics_slot(f->m[0], 1)->pid, 77);
	assert_int_equal(metrics_slot(f->m[0], 0)->pid, 0);
	assert_int_equal(metrics_slots(f->m[0]), SLOTS);
}

static void test_cells_of_two_slots_share_no_cache_line(void **state)
{
	struct fixture *f = *state;
	const char *last = (const char *)metric_hist(f->m[0], &latency, "put");
	const char *next = (const char *)metrics_own_slot(f->m[1]);

	assert_true((uintptr_t)next % 64 == 0);
	assert_true(next >= last + sizeof(struct hist));
}

static void test_block_of_another_layout_is_refused(void **state)
{
	struct fixture *f = *state;
	struct metrics *m = NULL;

	assert_int_equal(
	    metrics_open(f->schema, f->block, f->bytes - 1, SLOTS, -1, &m), ERR_CORRUPT);
	assert_int_equal(
	    metrics_open(f->schema, f->block, f->bytes, SLOTS - 1, -1, &m), ERR_CORRUPT);
	struct metric_schema *other = make_schema();
	metric_schema_add(other, &requests, "x");
	assert_int_equal(
	    metrics_open(other, f->block, f->bytes + 4096, SLOTS, -1, &m), ERR_CORRUPT);
	metric_schema_free(&other);
	memset(f->block, 0, 8);
	assert_int_equal(metrics_open(f->schema, f->block, f->bytes, SLOTS, -1, &m), ERR_CORRUPT);
	assert_null(m);
	memset(f->block, 0, f->bytes);
	metrics_format(f->schema, f->block, SLOTS);
}

static void test_reader_without_a_slot_sees_all(void **state)
{
	struct fixture *f = *state;
	struct metrics *reader = NULL;

	assert_int_equal(metrics_open(f->schema, f->block, f->bytes, SLOTS, -1, &reader), ERR_OK);
	metrics_own_slot(f->m[2])->connections = 9;
	assert_int_equal(metrics_slot(reader, 2)->connections, 9);
	metrics_close(&reader);
}

/* Counts both cells in step until killed; numbers whose halves differ would show a torn store. */
static _Noreturn void count_for_ever(struct metrics *m)
{
	const int64_t step = (INT64_C(1) << 32) + 1;
	_Atomic int64_t *cell = metric_cell(m, &requests, "get");
	struct hist *h = metric_hist(m, &latency, "get");

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test must not leave us running */
	for (;;) {
		metric_add(cell, step);
		hist_record(h, 100);
	}
}

static void test_forked_processes_do_not_tear_each_others_numbers(void **state)
{
	struct fixture *f = *state;
	pid_t children[2];

	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0) {
			count_for_ever(f->m[i]);
		}
	}
	int64_t last[2] = { 0 };
	for (int round = 0; round < 200000 || last[0] == 0 || last[1] == 0; round++) {
		for (int i = 0; i < 2; i++) {
			int64_t n = metric_get(metric_cell(f->m[i], &requests, "get"));
			assert_true(n >= last[i]);
			assert_int_equal(n >> 32, n & 0xffffffff);
			last[i] = n;
		}
	}
	for (int i = 0; i < 2; i++) {
		kill(children[i], SIGKILL);
		assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
		/* The last record may have been cut short between its stores, no more than that. */
		const struct hist *h = metric_hist(f->m[i], &latency, "get");
		int64_t counted = metric_get(metric_cell(f->m[i], &requests, "get")) & 0xffffffff;
		assert_in_range(counted - h->count, 0, 1);
		assert_in_range(h->sum_us - 100 * h->count, 0, 100);
	}
	assert_int_equal(metric_get(metric_cell(f->m[2], &requests, "get")), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_same_row_twice_is_one_row),
		T(test_same_tables_give_the_same_hash),
		T(test_any_difference_gives_another_hash),
		T(test_rows_are_counted_apart),
		T(test_slots_are_counted_apart),
		T(test_cells_of_two_slots_share_no_cache_line),
		T(test_block_of_another_layout_is_refused),
		T(test_reader_without_a_slot_sees_all),
		T(test_forked_processes_do_not_tear_each_others_numbers),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
