/*
 * Results and plans that go from one generator to another: what comes out is what went in, twice as
 * much when it is added twice, and no cut or changed message does harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab/load_wire.h"

static const struct load_plan plan = { .url = "http://127.0.0.1:8000",
	.from = "127.0.0.2",
	.users = 1e6,
	.warm_users = 5,
	.length_s = 60,
	.warm_up_s = 3,
	.timeout_s = 7,
	.seed = 42,
	.law = ARRIVAL_UNIFORM,
	.shape = SHAPE_SPIKE,
	.spike = 4,
	.burst_s = 2,
	.has_retry = true,
	.behaviour = { .retry = RETRY_WEAVE, .patience_s = 2.5 },
	.share = 2,
	.of = 3 };

static struct load_result *a_result(void)
{
	struct load_result *r = NULL;

	assert_int_equal(load_result_new(NULL, &plan, &r), ERR_OK);
	r->n_activities = 2;
	struct load_activity *a = &r->activities[1];
	a->due = 10;
	a->begun = 9;
	a->done = 7;
	a->gave_up = 2;
	a->away = 1;
	hdr_record(&a->latency, 1234);
	a->n_steps = 2;
	memcpy(a->steps[0].name, "first", 6);
	memcpy(a->steps[1].name, "second", 7);
	a->steps[1].retried = 3;
	hdr_record(&a->steps[1].latency, 99);
	hdr_record(&a->steps[1].service, 98);
	hdr_record(&r->lateness, 5);
	gaps_add(&r->gaps, 0.25);
	r->cpu_s = 1.5;
	r->elapsed_s = 60;
	r->own_faults = 4;
	r->no_port = 3;
	load_result_add_failure(r, "visit: none", 2);
	load_result_add_cause(r, "too %s", "slow");
	return r;
}

static void results_add_up(void **state)
{
	struct load_result *from = a_result(), *to = NULL;
	struct buf text = buf_new(LOAD_WIRE_BYTES);

	(void)state;
	assert_int_equal(load_result_new(NULL, &plan, &to), ERR_OK);
	to->n_activities = 2;
	load_wire_put_result(from, &text);
	for (unsigned i = 1; i <= 2; i++) {
		struct wire_reader in = wire_reader_new(buf_slice(&text));
		assert_int_equal(load_wire_merge(&in, i, to), ERR_OK);
	}
	const struct load_activity *a = &to->activities[1];
	assert_int_equal(a->due, 20);
	assert_int_equal(a->done, 14);
	assert_int_equal(a->gave_up, 4);
	assert_int_equal(a->away, 2);
	assert_int_equal(a->latency.count, 2);
	assert_int_equal(a->n_steps, 2);
	assert_string_equal(a->steps[1].name, "second");
	assert_int_equal(a->steps[1].retried, 6);
	assert_int_equal(a->steps[1].service.count, 2);
	assert_int_equal(hdr_quantile_us(&a->latency, 0.5), 1234);
	assert_int_equal(to->lateness.count, 2);
	assert_int_equal(to->gaps.n, 2);
	assert_true(to->cpu_s == 3 && to->elapsed_s == 60);
	assert_int_equal(to->own_faults, 8);
	assert_int_equal(to->no_port, 6);
	assert_int_equal(to->n_failures, 1);
	assert_int_equal(to->failures[0].count, 4);
	assert_int_equal(to->n_void, 2);
	assert_string_equal(to->causes[1], "generator 2: too slow");
	buf_free(&text);
	load_result_free(&from);
	load_result_free(&to);
}

static void cut_and_changed_ones_do_no_harm(void **state)
{
	struct load_result *from = a_result();
	struct buf text = buf_new(LOAD_WIRE_BYTES);
	struct chance c = chance_new(1, 1);

	(void)state;
	load_wire_put_result(from, &text);
	for (int i = 0; i < 300; i++) {
		struct load_result *to = NULL;
		char *copy = malloc(text.len);
		assert_non_null(copy);
		assert_int_equal(load_result_new(NULL, &plan, &to), ERR_OK);
		to->n_activities = 2;
		memcpy(copy, text.data, text.len);
		/* Even ones are cut, odd ones have a byte changed. */
		size_t at = (size_t)chance_below(&c, text.len);
		copy[at] = (char)(copy[at] ^ (i % 2 == 0 ? 0 : 0x55));
		struct wire_reader in = wire_reader_new(SLICE_OF(copy, i % 2 == 0 ? at : text.len));
		enum err e = load_wire_merge(&in, 1, to);
		assert_true(i % 2 == 1 || e == ERR_SYNTAX);
		load_result_free(&to);
		free(copy);
	}
	buf_free(&text);
	load_result_free(&from);
}

static void plans_arrive(void **state)
{
	struct buf text = buf_new(10000);
	struct load_plan got;
	const char *preset = "x";

	(void)state;
	load_wire_put_plan(&plan, &text);
	struct wire_reader in = wire_reader_new(buf_slice(&text));
	assert_true(load_wire_take_plan(&in, &got, &preset));
	assert_true(wire_done(&in));
	assert_null(preset);
	assert_string_equal(got.url, plan.url);
	assert_string_equal(got.from, plan.from);
	assert_null(got.authorities);
	assert_true(got.users == 1e6 && got.warm_users == 5 && got.length_s == 60);
	assert_true(got.warm_up_s == 3 && got.timeout_s == 7 && got.spike == 4 && got.burst_s == 2);
	assert_int_equal(got.seed, 42);
	assert_int_equal(got.law, ARRIVAL_UNIFORM);
	assert_int_equal(got.shape, SHAPE_SPIKE);
	assert_true(got.has_retry && !got.has_patience && got.behaviour.patience_s == 2.5);
	assert_int_equal(got.behaviour.retry, RETRY_WEAVE);
	assert_true(got.share == 2 && got.of == 3);
	for (size_t len = 0; len < text.len; len++) {
		in = wire_reader_new(slice_sub(buf_slice(&text), 0, len));
		assert_false(load_wire_take_plan(&in, &got, &preset));
	}
	buf_free(&text);
}

static void seconds_arrive(void **state)
{
	struct hdr latency = { 0 }, got_latency = { 0 };
	const struct load_now now = { .second = { .begun = 3, .done = 2, .length_s = 1.01 },
		.latency = &latency,
		.at_s = 7,
		.left_s = 3,
		.running = 1,
		.kept = true };
	struct load_now got;
	struct buf text = buf_new(100000);

	(void)state;
	hdr_record(&latency, 777);
	load_wire_put_now(&now, &text);
	struct wire_reader in = wire_reader_new(buf_slice(&text));
	assert_int_equal(load_wire_take_now(&in, &got, &got_latency), ERR_OK);
	assert_int_equal(got.second.begun, 3);
	assert_true(got.second.length_s == 1.01 && got.at_s == 7 && got.left_s == 3);
	assert_true(got.kept && !got.warming_up);
	assert_int_equal(hdr_quantile_us(&got_latency, 1), 777);
	hdr_fini(&latency);
	hdr_fini(&got_latency);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_add_up),
		cmocka_unit_test(cut_and_changed_ones_do_no_harm),
		cmocka_unit_test(plans_arrive),
		cmocka_unit_test(seconds_arrive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
