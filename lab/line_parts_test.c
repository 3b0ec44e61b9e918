/*
 * A rare activity that is refused is found, one that is served is not blamed for chance, and tails
 * are those of the binomial law.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lab/line_parts.h"
#include "lab/line_probe.h"

static void tails(void **state)
{
	(void)state;
	/* Of two coins both: 1/4; of ten sixths at least five: 0.015462. */
	assert_float_equal(line_parts_tail(2, 2, 0.5), 0.25, 1e-12);
	assert_float_equal(line_parts_tail(10, 5, 1.0 / 6), 0.0154619, 1e-6);
	assert_float_equal(line_parts_tail(10, 0, 0.1), 1, 0);
	assert_float_equal(line_parts_tail(0, 1, 0.1), 0, 0);
	assert_float_equal(line_parts_tail(1e6, 50001, 0.05), 0.5, 0.01);
	assert_float_equal(line_parts_tail(20000, 1, 0.25), 1, 0);
}

static struct line_parts two(uint64_t often, uint64_t often_done, uint64_t rare, uint64_t rare_done)
{
	return (struct line_parts){ .n = 2,
		.part = { { "often", often, often_done }, { "rare", rare, rare_done } } };
}

static void a_rare_one_is_refused(void **state)
{
	const struct line_parts from = two(100, 90, 1, 1);
	const struct line_parts served = two(10100, 10090, 101, 100);
	const struct line_parts refused = two(10100, 10090, 101, 40);
	const struct line_parts perhaps = two(10100, 10090, 21, 18);
	const struct line_parts nothing = { .n = 0 };

	(void)state;
	assert_int_equal(line_parts_judge(&from, &served, 0.05, 0.005).verdict, LINE_PARTS_SERVED);
	assert_int_equal(
	    line_parts_judge(&from, &perhaps, 0.05, 0.005).verdict, LINE_PARTS_DOUBTFUL);
	assert_int_equal(
	    line_parts_judge(&nothing, &nothing, 0.05, 0.005).verdict, LINE_PARTS_SERVED);
	struct line_parts_finding f = line_parts_judge(&from, &refused, 0.05, 0.005);
	assert_int_equal(f.verdict, LINE_PARTS_UNSERVED);
	assert_string_equal(f.name, "rare");
	assert_float_equal(f.n, 100, 0);
	assert_float_equal(f.unserved, 61, 0);
}

/* 1,000 activities a second, ten of them dear, of which so many are done. */
static enum line_verdict probe(double dear_done, struct line_probe *p)
{
	const struct line_probe_plan plan = {
		.per_second = 1000, .excess = 0.25, .patience_s = 30, .error = 0.005
	};
	struct line_tick t = { .parts.n = 2 };

	line_probe_init(p, &plan);
	for (unsigned i = 1; line_probe_tick(p, &t) == LINE_OPEN; i++) {
		uint64_t dear = i, dear_ok = (uint64_t)(dear_done * i), cheap = 99 * (uint64_t)i;
		t = (struct line_tick){ .at_s = i * 0.1,
			.begun = dear + cheap,
			.done = dear_ok + cheap,
			.refused = dear - dear_ok,
			.parts = two(cheap, cheap, dear, dear_ok) };
	}
	return p->verdict;
}

static void a_load_is_held_only_if_each_is(void **state)
{
	static struct line_probe p;

	(void)state;
	assert_int_equal(probe(1, &p), LINE_HELD);
	assert_true(p.told < 0.3);
	assert_int_equal(probe(0.3, &p), LINE_FAILED);
	assert_non_null(strstr(p.cause, "of rare are not done"));
	/* The next guess goes by the dear ones: about as many users as had theirs done. */
	assert_float_equal(line_probe_served(&p), 0.3, 0.05);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tails),
		cmocka_unit_test(a_rare_one_is_refused),
		cmocka_unit_test(a_load_is_held_only_if_each_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
