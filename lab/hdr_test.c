/*
 * The histogram: three digits over the whole range, quantiles, merging, its text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lab/hdr.h"

static void every_value_is_known_to_three_digits(void **state)
{
	(void)state;
	for (int64_t v = 1; v < INT64_C(4000000000); v += v / 7 + 1) {
		struct hdr h = { 0 };
		hdr_record(&h, v);
		hdr_record(&h, INT64_C(4200000000)); /* so that the largest value does not help */
		int64_t got = hdr_quantile_us(&h, 0.5);
		assert_true(got >= v && got - v <= v / 1000);
		hdr_fini(&h);
	}
}

static void quantiles_of_a_known_row(void **state)
{
	struct hdr h = { 0 };

	(void)state;
	assert_int_equal(hdr_quantile_us(&h, 0.99), 0);
	for (int64_t v = 1; v <= 1000; v++) {
		hdr_record(&h, v);
	}
	assert_int_equal(hdr_quantile_us(&h, 0.5), 500);
	assert_int_equal(hdr_quantile_us(&h, 0.99), 990);
	assert_int_equal(hdr_quantile_us(&h, 1), 1000);
	assert_int_equal(hdr_count_up_to(&h, 250), 250);
	assert_true(hdr_mean_us(&h) > 500.4 && hdr_mean_us(&h) < 500.6);
	hdr_fini(&h);
}

static void values_out_of_range_go_to_the_ends(void **state)
{
	struct hdr h = { 0 };

	(void)state;
	hdr_record(&h, -5);
	hdr_record(&h, INT64_MAX / 2);
	assert_int_equal(h.count, 2);
	assert_int_equal(hdr_quantile_us(&h, 0.5), 0);
	assert_int_equal(hdr_quantile_us(&h, 1), (INT64_C(1) << 32) - 1);
	hdr_fini(&h);
}

static void fill(struct hdr *h, uint64_t from, int n)
{
	for (int i = 0; i < n; i++) {
		from = from * 6364136223846793005u + 1442695040888963407u;
		hdr_record(h, (int64_t)(from >> (33 + from % 20)));
	}
}

static void merging_is_recording_into_one(void **state)
{
	struct hdr a = { 0 }, b = { 0 }, all = { 0 };

	(void)state;
	fill(&a, 1, 5000);
	fill(&b, 2, 3000);
	fill(&all, 1, 5000);
	fill(&all, 2, 3000);
	hdr_merge(&a, &b);
	assert_int_equal(a.count, all.count);
	assert_int_equal(a.max_us, all.max_us);
	for (int i = 0; i <= 1000; i++) {
		assert_int_equal(
		    hdr_quantile_us(&a, i / 1000.0), hdr_quantile_us(&all, i / 1000.0));
	}
	hdr_fini(&a);
	hdr_fini(&b);
	hdr_fini(&all);
}

static void its_text_says_all(void **state)
{
	struct hdr h = { 0 }, again = { 0 };
	struct buf text = buf_new(HDR_TEXT_BYTES), second = buf_new(HDR_TEXT_BYTES);

	(void)state;
	fill(&h, 3, 10000);
	hdr_write(&h, &text);
	assert_int_equal(hdr_read(&again, buf_slice(&text)), ERR_OK);
	assert_int_equal(again.count, h.count);
	assert_int_equal(again.max_us, h.max_us);
	hdr_write(&again, &second);
	assert_true(slice_eq(buf_slice(&text), buf_slice(&second)));
	hdr_fini(&again);
	/* Whatever is not such a text is refused and leaves nothing. */
	for (size_t cut = 0; cut < text.len; cut += 97) {
		if (hdr_read(&again, slice_sub(buf_slice(&text), 0, cut)) == ERR_OK) {
			assert_true(again.count < h.count);
			hdr_fini(&again);
		}
		assert_int_equal(again.count, 0);
	}
	assert_int_equal(hdr_read(&again, SLICE("no such thing!")), ERR_SYNTAX);
	assert_int_equal(hdr_read(&again, SLICE("gYCAgH9__4E")), ERR_SYNTAX);
	hdr_fini(&h);
	buf_free(&text);
	buf_free(&second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_is_known_to_three_digits),
		cmocka_unit_test(quantiles_of_a_known_row),
		cmocka_unit_test(values_out_of_range_go_to_the_ends),
		cmocka_unit_test(merging_is_recording_into_one),
		cmocka_unit_test(its_text_says_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
