/*
 * Histogram: buckets without gaps, the promised precision, quantiles, merging, extremes.
 */
#include "core/obs/hist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/rng.h"

static int64_t total(const struct hist *h)
{
	int64_t n = 0;

	for (int i = 0; i < HIST_BUCKETS; i++) {
		n += h->bucket[i];
	}
	return n;
}

/* The bucket that one record of us goes to. */
static int bucket_of(int64_t us)
{
	struct hist h = { 0 };
	int found = -1;

	hist_record(&h, us);
	for (int i = 0; i < HIST_BUCKETS; i++) {
		if (h.bucket[i] != 0) {
			assert_int_equal(found, -1);
			found = i;
		}
	}
	return found;
}

static void test_limits_grow_and_cover_an_hour(void **state)
{
	(void)state;
	assert_int_equal(hist_bucket_limit_us(0), 1);
	for (int i = 1; i < HIST_BUCKETS; i++) {
		assert_true(hist_bucket_limit_us(i) > hist_bucket_limit_us(i - 1));
	}
	assert_true(hist_bucket_limit_us(HIST_BUCKETS - 1) >= INT64_C(3600) * 1000000);
}

static void test_limit_belongs_to_its_bucket_and_the_next_value_does_not(void **state)
{
	(void)state;
	for (int i = 0; i < HIST_BUCKETS; i++) {
		assert_int_equal(bucket_of(hist_bucket_limit_us(i)), i);
		if (i + 1 < HIST_BUCKETS) {
			assert_int_equal(bucket_of(hist_bucket_limit_us(i) + 1), i + 1);
		}
	}
}

static void test_powers_of_two_are_limits(void **state)
{
	(void)state;
	for (int e = 0; e <= 32; e++) {
		int64_t us = (int64_t)1 << e;
		assert_true(hist_bucket_limit_us(bucket_of(us)) == us);
	}
}

static void test_value_is_known_to_within_an_eighth(void **state)
{
	(void)state;
	for (int i = 0; i < 20000; i++) {
		int64_t us = 1 + (int64_t)(rng_u64() >> (31 + rng_below(32)));
		int64_t limit = hist_bucket_limit_us(bucket_of(us));
		assert_true(limit >= us);
		assert_true((limit - us) * 8 <= us);
	}
}

static void test_zero_and_negative_go_to_the_first_bucket(void **state)
{
	struct hist h = { 0 };

	(void)state;
	hist_record(&h, 0);
	hist_record(&h, -5);
	hist_record(&h, INT64_MIN);
	assert_int_equal(h.bucket[0], 3);
	assert_int_equal(h.sum_us, 0);
	assert_int_equal(h.count, 3);
}

static void test_huge_goes_to_the_last_bucket(void **state)
{
	(void)state;
	assert_int_equal(bucket_of(INT64_C(24) * 3600 * 1000000), HIST_BUCKETS - 1);
	assert_int_equal(bucket_of(INT64_MAX), HIST_BUCKETS - 1);
}

static void test_quantile_of_nothing_is_zero(void **state)
{
	struct hist h = { 0 };

	(void)state;
	assert_int_equal(hist_quantile_us(&h, 0.5), 0);
}

static void test_quantiles_of_one_to_a_thousand(void **state)
{
	static const struct {
		double q;
		int64_t exact;
	} rows[] = { { 0, 1 }, { 0.001, 1 }, { 0.1, 100 }, { 0.5, 500 }, { 0.9, 900 },
		{ 0.99, 990 }, { 1, 1000 } };
	struct hist h = { 0 };

	(void)state;
	for (int us = 1000; us >= 1; us--) {
		hist_record(&h, us);
	}
	assert_int_equal(h.sum_us, 500500);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t got = hist_quantile_us(&h, rows[i].q);
		assert_true(got >= rows[i].exact);
		assert_true((got - rows[i].exact) * 8 <= rows[i].exact);
	}
}

static void test_quantile_of_a_single_record_is_its_bucket(void **state)
{
	struct hist h = { 0 };

	(void)state;
	hist_record(&h, 4096);
	assert_int_equal(hist_quantile_us(&h, 0), 4096);
	assert_int_equal(hist_quantile_us(&h, 0.5), 4096);
	assert_int_equal(hist_quantile_us(&h, 1), 4096);
}

static void test_merge_equals_recording_into_one(void **state)
{
	struct hist a = { 0 }, b = { 0 }, both = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t us = (int64_t)rng_below(1000000);
		hist_record(i % 3 == 0 ? &a : &b, us);
		hist_record(&both, us);
	}
	hist_merge(&a, &b);
	assert_int_equal(a.count, both.count);
	assert_int_equal(a.sum_us, both.sum_us);
	assert_int_equal(total(&a), 1000);
	for (int i = 0; i < HIST_BUCKETS; i++) {
		assert_int_equal(a.bucket[i], both.bucket[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits_grow_and_cover_an_hour),
		cmocka_unit_test(test_limit_belongs_to_its_bucket_and_the_next_value_does_not),
		cmocka_unit_test(test_powers_of_two_are_limits),
		cmocka_unit_test(test_value_is_known_to_within_an_eighth),
		cmocka_unit_test(test_zero_and_negative_go_to_the_first_bucket),
		cmocka_unit_test(test_huge_goes_to_the_last_bucket),
		cmocka_unit_test(test_quantile_of_nothing_is_zero),
		cmocka_unit_test(test_quantiles_of_one_to_a_thousand),
		cmocka_unit_test(test_quantile_of_a_single_record_is_its_bucket),
		cmocka_unit_test(test_merge_equals_recording_into_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
