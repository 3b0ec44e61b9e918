/*
 * The picture of a run on its way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lab/live.h"

static struct live after(unsigned seconds)
{
	struct live v = { .model = "shop", .url = "http://x:80", .users = 20000 };

	for (unsigned i = 0; i < seconds; i++) {
		const struct load_now now = { .second = { .begun = 100 + i,
						  .done = 100,
						  .refused = 2,
						  .failed = 1,
						  .gave_up = 1,
						  .length_s = 1,
						  .p50_us = 1500,
						  .p99_us = 12345 },
			.at_s = i + 1,
			.left_s = 100 - (i + 1),
			.running = 7 };
		live_add(&v, &now);
	}
	return v;
}

static void has_what_one_wants_to_know(void **state)
{
	static const char *const wanted[] = { "shop: 20000 active users against http://x:80\n",
		"[##########........................................] 20 s, 80 s left\n",
		"7 running\n", "begun             119.0      109.5\n",
		"done              100.0      100.0\n", "refused             2.0        2.0\n",
		"failed              2.0        2.0\n", "p50 1.5 ms, p99 12.3 ms\n", " 100 \n",
		" 12.35 ms\n", "target       web 0.50, store 0.25\n" };
	struct live v = after(20);
	struct buf out = buf_new(10000);

	(void)state;
	v.roles[0] = (struct load_role){ .name = "web", .cpu_s = 0.5 };
	v.roles[1] = (struct load_role){ .name = "store", .cpu_s = 0.25 };
	v.n_roles = 2;
	assert_int_equal(live_draw(&v, 80, &out), 11);
	buf_append_char(&out, '\0');
	for (unsigned i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		assert_non_null(strstr(out.data, wanted[i]));
	}
	buf_free(&out);
}

/* Of a text with characters of several bytes. */
static unsigned longest_line(struct slice text)
{
	unsigned longest = 0, column = 0;

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		column = c == '\n' ? 0 : column + ((c & 0xc0) == 0x80 ? 0 : 1);
		longest = column > longest ? column : longest;
	}
	return longest;
}

static void fits_narrow_terminals_and_long_runs(void **state)
{
	struct live v = after(500);
	struct buf out = buf_new(10000);

	(void)state;
	v.url = "http://a-rather-long-name.example.org:12345\033[2J";
	for (unsigned columns = 10; columns < 200; columns += 7) {
		buf_clear(&out);
		assert_true(live_draw(&v, columns, &out) <= LIVE_LINES);
		assert_true(longest_line(buf_slice(&out)) <= columns);
		assert_null(memchr(out.data, '\033', out.len));
	}
	buf_free(&out);
}

static void preparing_users(void **state)
{
	struct live v = after(0);
	const struct load_now now = { .warmed = 5, .to_warm = 10 };
	struct buf out = buf_new(10000);

	(void)state;
	live_add(&v, &now);
	assert_int_equal(live_draw(&v, 80, &out), 2);
	buf_append_char(&out, '\0');
	assert_non_null(strstr(out.data, "\npreparing users: 5 of 10\n"));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_what_one_wants_to_know),
		cmocka_unit_test(fits_narrow_terminals_and_long_runs),
		cmocka_unit_test(preparing_users),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
