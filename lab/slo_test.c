/*
 * Thresholds: what is understood, what is said of others, and when one is met.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "lab/load_sum.h"
#include "lab/slo.h"

static struct slo good(const char *text)
{
	struct slo s = { .bound = 0 };
	struct err_note note = { 0 };

	if (slo_parse(text, &s, &note) != ERR_OK) {
		fail_msg("%s: %s", text, note.text);
	}
	return s;
}

static void what_is_understood(void **state)
{
	struct slo s = good("p99<50ms");

	(void)state;
	assert_int_equal(s.measure, SLO_QUANTILE);
	assert_true(fabs(s.quantile - 0.99) < 1e-12 && s.bound == 50 && !s.above && !s.or_equal);
	assert_string_equal(s.activity, "");
	s = good("signin.p99.9 <= 1.5s");
	assert_true(fabs(s.quantile - 0.999) < 1e-12 && s.bound == 1500 && s.or_equal);
	assert_string_equal(s.activity, "signin");
	s = good("v1.get.errors<0.1%");
	assert_int_equal(s.measure, SLO_ERRORS);
	assert_string_equal(s.activity, "v1.get");
	assert_true(fabs(s.bound - 0.001) < 1e-12);
	s = good("max<800us");
	assert_true(s.measure == SLO_LARGEST && fabs(s.bound - 0.8) < 1e-12);
	s = good("done>20/s");
	assert_true(s.measure == SLO_DONE && s.above && s.bound == 20);
	assert_true(good("refused<=0").or_equal);
}

static void what_is_not(void **state)
{
	static const struct {
		const char *text, *said;
	} rows[] = {
		{ "p99", "has no < or >" },
		{ "p99<50", "\"50\" is not a time with us, ms or s" },
		{ "p99<", "is not a time" },
		{ "p99<-1ms", "is not a time" },
		{ "p99<nanms", "is not a time" },
		{ "p100<5ms", "\"p100\" is none of pN" },
		{ "p0<5ms", "is none of" },
		{ "px<5ms", "is none of" },
		{ ".p99<5ms", "is none of" },
		{ "login.speed<5ms", "\"login.speed\" is none of pN, mean, max" },
		{ "errors<5ms", "\"5ms\" is not a share with %" },
		{ "errors<101%", "at most 100 %" },
		{ "done>20", "is not a rate with /s" },
		{ "", "has no < or >" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct slo s = { .bound = 0 };
		struct err_note note = { 0 };
		assert_int_equal(slo_parse(rows[i].text, &s, &note), ERR_SYNTAX);
		if (strstr(note.text, rows[i].said) == NULL) {
			fail_msg("%s: %s", rows[i].text, note.text);
		}
	}
}

static bool met(const char *text, const struct load_sum *sum)
{
	const struct slo s = good(text);

	return slo_judge(&s, sum, 10).met;
}

static void when_one_is_met(void **state)
{
	struct load_sum sum = { .begun = 1000, .done = 990, .refused = 8, .failed = 2 };

	(void)state;
	for (int64_t us = 1; us <= 990; us++) {
		hdr_record(&sum.latency, us * 100);
	}
	/* The 981st of 990 is 98.1 ms. */
	assert_true(met("p99<98.5ms", &sum));
	assert_false(met("p99<98ms", &sum));
	assert_true(met("max<=99.1ms", &sum));
	assert_true(met("errors<=1%", &sum));
	assert_false(met("errors<1%", &sum));
	assert_true(met("failed<0.3%", &sum));
	assert_false(met("refused<0.5%", &sum));
	assert_true(met("done>98/s", &sum));
	assert_false(met("done>99/s", &sum));
	assert_true(met("done>=99/s", &sum));
	load_sum_fini(&sum);
	/* Where nothing was done, nothing is kept. */
	sum = (struct load_sum){ .begun = 10, .failed = 10 };
	assert_false(met("p99<1s", &sum));
	assert_false(met("errors<50%", &sum));
	sum = (struct load_sum){ .begun = 0 };
	assert_false(met("errors<50%", &sum));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_understood),
		cmocka_unit_test(what_is_not),
		cmocka_unit_test(when_one_is_met),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
