/*
 * Token buckets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/http/h2_budget.h"

enum {
	SECOND_US = 1000000
};

static unsigned take_all(struct h2_budget *b, int64_t now_us)
{
	unsigned n = 0;

	while (n < 100000 && h2_budget_take(b, now_us)) {
		n++;
	}
	return n;
}

static void a_full_bucket_gives_its_tokens_and_no_more(void **state)
{
	struct h2_budget b = h2_budget_new(200, 20, 5);
	(void)state;

	assert_int_equal(take_all(&b, 5), 200);
	assert_false(h2_budget_take(&b, 5));
}

static void time_brings_tokens_back_up_to_a_full_bucket(void **state)
{
	struct h2_budget b = h2_budget_new(200, 20, 0);
	(void)state;

	assert_int_equal(take_all(&b, 0), 200);
	assert_int_equal(take_all(&b, SECOND_US), 20);
	assert_int_equal(take_all(&b, SECOND_US + SECOND_US / 20 - 1), 0);
	assert_int_equal(take_all(&b, INT64_C(3600) * SECOND_US), 200);
}

static void work_brings_tokens_back_up_to_a_full_bucket(void **state)
{
	struct h2_budget b = h2_budget_new(10, 1, 0);
	(void)state;

	assert_int_equal(take_all(&b, 0), 10);
	h2_budget_give(&b, 4);
	assert_int_equal(take_all(&b, 0), 4);
	h2_budget_give(&b, UINT32_MAX);
	assert_int_equal(take_all(&b, 0), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_bucket_gives_its_tokens_and_no_more),
		cmocka_unit_test(time_brings_tokens_back_up_to_a_full_bucket),
		cmocka_unit_test(work_brings_tokens_back_up_to_a_full_bucket),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
