/*
 * The two texts of the metrics block. The Prometheus page goes through a strict reader, the JSON
 * through the parser; the numbers found are compared with those put in.
 */
#include "core/obs/metric.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "core/obs/page_reader.h"

static const struct metric_def requests = { "requests_total", METRIC_COUNTER, "op",
	"Requests,\nby \\ operation." };
static const struct metric_def depth = { "depth", METRIC_GAUGE, NULL, "Depth." };
static const struct metric_def latency = { "latency_seconds", METRIC_HIST, "op", "Time." };
static const struct metric_def sizes = { "pause_seconds", METRIC_HIST, NULL, "Pauses." };

enum {
	SLOTS = 3
};

struct fixture {
	struct metric_schema *schema;
	void *block;
	struct metrics *m[2]; /* as the processes of slots 0 and 1 see it */
	struct buf text;
	struct page page;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_int_equal(metric_schema_new(&f->schema), ERR_OK);
	metric_schema_add(f->schema, &requests, "plain");
	metric_schema_add(f->schema, &requests, "a \"b\"\\\n{c},d=1");
	metric_schema_add(f->schema, &depth, NULL);
	metric_schema_add(f->schema, &latency, "plain");
	metric_schema_add(f->schema, &sizes, NULL);
	size_t bytes = metrics_block_bytes(f->schema, SLOTS);
	f->block = metrics_block_new(f->schema, SLOTS);
	assert_non_null(f->block);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    metrics_open(f->schema, f->block, bytes, SLOTS, i, &f->m[i]), ERR_OK);
		struct metric_slot *slot = metrics_own_slot(f->m[i]);
		slot->state = SLOT_SERVING;
		slot->role = ROLE_WEB;
		slot->instance = i;
		slot->pid = 100 + i;
	}
	f->text = buf_new(1 << 20);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	metrics_close(&f->m[0]);
	metrics_close(&f->m[1]);
	metric_schema_free(&f->schema);
	free(f->block);
	buf_free(&f->text);
	free(f);
	return 0;
}

static void read_page(struct fixture *f)
{
	struct slice text;

	metrics_write_prometheus(f->m[0], &f->text);
	assert_int_equal(buf_finish(&f->text, &text), ERR_OK);
	page_read(&f->page, text);
}

static bool contains(const struct buf *b, struct slice text)
{
	return memmem(b->data, b->len, text.ptr, text.len) != NULL;
}

static double value(const struct fixture *f, const char *name, const char *labels)
{
	const struct page_sample *s = page_find(&f->page, name, labels);

	assert_non_null(s);
	return s == NULL ? 0 : s->value;
}

#define assert_value(f, name, labels, want)                                                        \
	assert_true(value(f, name, labels) > (want)-1e-9 && value(f, name, labels) < (want) + 1e-9)

static void test_page_of_an_unused_block_has_families_but_no_samples(void **state)
{
	struct fixture *f = *state;

	metrics_own_slot(f->m[0])->pid = 0;
	metrics_own_slot(f->m[1])->pid = 0;
	read_page(f);
	assert_int_equal(f->page.n, 0);
	assert_non_null(strstr(f->page.families, " plimsoll_requests_total="));
}

static void test_counters_and_gauges_carry_role_instance_and_label(void **state)
{
	struct fixture *f = *state;

	metric_add(metric_cell(f->m[0], &requests, "plain"), 5);
	metric_add(metric_cell(f->m[1], &requests, "plain"), INT64_C(9007199254740993));
	metric_set(metric_cell(f->m[1], &depth, NULL), -3);
	read_page(f);
	assert_value(f, "plimsoll_requests_total", "role=web;instance=0;op=plain;", 5);
	assert_true(contains(&f->text, SLICE(" 9007199254740993\n")));
	assert_value(f, "plimsoll_depth", "role=web;instance=1;", -3);
	/* All rows of a family that the process counts, none of one that it does not. */
	assert_value(f, "plimsoll_requests_total", "role=web;instance=0;op=a \"b\"\\\n{c},d=1;", 0);
	assert_null(page_find(&f->page, "plimsoll_depth", "role=web;instance=0;"));
}

static void test_label_values_and_help_are_escaped(void **state)
{
	struct fixture *f = *state;

	metric_add(metric_cell(f->m[0], &requests, "a \"b\"\\\n{c},d=1"), 4);
	read_page(f);
	assert_value(f, "plimsoll_requests_total", "role=web;instance=0;op=a \"b\"\\\n{c},d=1;", 4);
	assert_non_null(
	    strstr(f->page.families, " plimsoll_requests_total=Requests,\\nby \\\\ operation.;"));
}

static void test_slot_fields_are_families(void **state)
{
	struct fixture *f = *state;
	struct metric_slot *slot = metrics_own_slot(f->m[1]);

	slot->restarts = 2;
	slot->sandbox = 7;
	slot->started_us = clock_mono_us() - 5000000;
	slot->connections = 11;
	slot->queue_len = 12;
	slot->queue_wait_us = 1500;
	slot->loop_lag_us = 250;
	slot->cpu_us = 123456789;
	slot->tasks = 13;
	slot->busy = 1;
	read_page(f);
	const char *labels = "role=web;instance=1;";
	assert_value(f, "plimsoll_process_up", "role=web;instance=1;pid=101;", 1);
	assert_value(f, "plimsoll_process_state", labels, SLOT_SERVING);
	assert_value(f, "plimsoll_process_restarts_total", labels, 2);
	assert_value(f, "plimsoll_process_sandbox", labels, 7);
	double up = value(f, "plimsoll_process_uptime_seconds", labels);
	assert_true(up >= 5 && up < 60);
	assert_value(f, "plimsoll_process_silence_seconds", labels, 0);
	assert_value(f, "plimsoll_process_connections", labels, 11);
	assert_value(f, "plimsoll_process_queue_length", labels, 12);
	assert_value(f, "plimsoll_process_queue_wait_seconds", labels, 0.0015);
	assert_value(f, "plimsoll_process_loop_lag_seconds", labels, 0.00025);
	assert_value(f, "plimsoll_process_cpu_seconds_total", labels, 123.456789);
	assert_value(f, "plimsoll_process_tasks", labels, 13);
	assert_value(f, "plimsoll_process_busy", labels, 1);
}

static void test_dead_process_is_down_but_keeps_its_counters(void **state)
{
	struct fixture *f = *state;

	metric_add(metric_cell(f->m[1], &requests, "plain"), 5);
	metrics_own_slot(f->m[1])->state = SLOT_EMPTY;
	read_page(f);
	assert_value(f, "plimsoll_process_up", "role=web;instance=1;pid=101;", 0);
	assert_value(f, "plimsoll_requests_total", "role=web;instance=1;op=plain;", 5);
}

static void test_histogram_is_cumulative_in_seconds(void **state)
{
	struct fixture *f = *state;
	struct hist *h = metric_hist(f->m[0], &latency, "plain");
	static const int64_t records[] = { 1, 32, 33, 1000, 1024, 1025, 2000000,
		INT64_C(100000000) };
	static const struct {
		const char *le;
		double n;
	} rows[] = { { "0.000032", 2 }, { "0.000064", 3 }, { "0.000512", 3 }, { "0.001024", 5 },
		{ "0.002048", 6 }, { "1.048576", 6 }, { "2.097152", 7 }, { "33.554432", 7 },
		{ "+Inf", 8 } };
	const char *base = "role=web;instance=0;op=plain;";
	char labels[PAGE_LABELS_SIZE];
	double sum = 0;

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		hist_record(h, records[i]);
		sum += (double)records[i] / 1e6;
	}
	read_page(f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(labels, sizeof(labels), "%sle=%s;", base, rows[i].le);
		assert_value(f, "plimsoll_latency_seconds_bucket", labels, rows[i].n);
	}
	assert_value(f, "plimsoll_latency_seconds_sum", base, sum);
	assert_value(f, "plimsoll_latency_seconds_count", base, 8);
}

static void test_histogram_without_records_is_left_out(void **state)
{
	struct fixture *f = *state;

	hist_record(metric_hist(f->m[1], &sizes, NULL), 5);
	read_page(f);
	assert_null(page_find(&f->page, "plimsoll_pause_seconds_count", "role=web;instance=0;"));
	assert_value(f, "plimsoll_pause_seconds_count", "role=web;instance=1;", 1);
	assert_value(f, "plimsoll_pause_seconds_bucket", "role=web;instance=1;le=+Inf;", 1);
}

static int64_t number(const struct json *v)
{
	int64_t n = 0;

	assert_true(json_get_i64(v, &n));
	return n;
}

static const struct json *member(const struct json *v, const char *key)
{
	const struct json *found = json_member(v, key);

	assert_non_null(found);
	return found;
}

static void test_json_lists_processes_and_sums_families(void **state)
{
	struct fixture *f = *state;
	struct arena arena = arena_new(1 << 16);
	struct slice text, word;
	const struct json *root = NULL;

	metric_add(metric_cell(f->m[0], &requests, "plain"), 5);
	metric_add(metric_cell(f->m[1], &requests, "plain"), 6);
	metric_set(metric_cell(f->m[1], &depth, NULL), 3);
	hist_record(metric_hist(f->m[0], &latency, "plain"), 64);
	hist_record(metric_hist(f->m[1], &latency, "plain"), 1024);
	metrics_own_slot(f->m[1])->queue_wait_us = 77;
	metrics_write_json(f->m[0], &f->text);
	assert_int_equal(buf_finish(&f->text, &text), ERR_OK);
	assert_int_equal(json_parse(&arena, text, &root, NULL), ERR_OK);

	const struct json *processes = member(root, "processes");
	assert_int_equal(json_count(processes), 2);
	const struct json *second = json_element(processes, 1);
	assert_true(json_get_string(member(second, "role"), &word) && slice_eq(word, SLICE("web")));
	assert_true(
	    json_get_string(member(second, "state"), &word) && slice_eq(word, SLICE("serving")));
	assert_int_equal(number(member(second, "pid")), 101);
	assert_int_equal(number(member(second, "queue_wait_us")), 77);

	const struct json *families = member(root, "families");
	const struct json *rows = member(member(families, "requests_total"), "rows");
	assert_int_equal(number(member(rows, "plain")), 11);
	assert_int_equal(number(member(rows, "a \"b\"\\\n{c},d=1")), 0);
	assert_int_equal(number(member(member(families, "depth"), "value")), 3);
	const struct json *hist =
	    member(member(member(families, "latency_seconds"), "rows"), "plain");
	assert_int_equal(number(member(hist, "count")), 2);
	assert_int_equal(number(member(hist, "sum_us")), 1088);
	assert_int_equal(number(member(hist, "p50_us")), 64);
	assert_int_equal(number(member(hist, "max_us")), 1024);
	arena_reset(&arena);
}

static void test_garbage_in_a_slot_does_not_break_the_page(void **state)
{
	struct fixture *f = *state;
	struct metric_slot *slot = metrics_own_slot(f->m[0]);

	slot->role = 99;
	slot->state = -5;
	slot->started_us = INT64_MAX;
	slot->cpu_us = INT64_MIN;
	read_page(f);
	assert_value(f, "plimsoll_process_up", "role=unknown;instance=0;pid=100;", 1);
	assert_value(f, "plimsoll_process_uptime_seconds", "role=unknown;instance=0;", 0);
	buf_clear(&f->text);
	metrics_write_json(f->m[0], &f->text);
	assert_true(contains(&f->text, SLICE("\"state\":\"unknown\"")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_page_of_an_unused_block_has_families_but_no_samples),
		T(test_counters_and_gauges_carry_role_instance_and_label),
		T(test_label_values_and_help_are_escaped),
		T(test_slot_fields_are_families),
		T(test_dead_process_is_down_but_keeps_its_counters),
		T(test_histogram_is_cumulative_in_seconds),
		T(test_histogram_without_records_is_left_out),
		T(test_json_lists_processes_and_sums_families),
		T(test_garbage_in_a_slot_does_not_break_the_page),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
