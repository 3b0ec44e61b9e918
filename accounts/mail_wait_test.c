/*
 * How long a new mail will wait, from what a web process sees of the outbox.
 */
#include "accounts/mail_wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define S ((int64_t)1000000)

static void nobody_waits(void **state)
{
	struct mail_wait w = { 0 };

	(void)state;
	mail_wait_look(&w, 0, 17, 1 * S);
	mail_wait_look(&w, 0, 40, 2 * S);
	assert_int_equal(w.wait_us, 0);
	assert_int_equal(w.done, 0);
}

static void what_went_says_how_long_the_rest_takes(void **state)
{
	struct mail_wait w = { 0 };

	(void)state;
	mail_wait_look(&w, 100, 199, 1 * S);
	assert_int_equal(w.wait_us, 0); /* how fast they go is not known yet */
	mail_wait_look(&w, 110, 209, 2 * S);
	assert_int_equal(w.run_us, S / 10);
	assert_int_equal(w.wait_us, 10 * S);
	assert_int_equal(w.done, 10);
}

static void a_courier_that_stands_still_gets_slower(void **state)
{
	struct mail_wait w = { 0 };

	(void)state;
	mail_wait_look(&w, 100, 199, 1 * S);
	mail_wait_look(&w, 110, 199, 2 * S);
	mail_wait_look(&w, 110, 199, 10 * S);
	assert_int_equal(w.run_us, 9 * S / 10);
	assert_int_equal(w.wait_us, 81 * S);
	assert_int_equal(w.done, 10);
}

/* Eight at once each eight seconds are one a second. */
static void bursts_are_a_rate(void **state)
{
	struct mail_wait w = { 0 };

	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		mail_wait_look(&w, 100 + i / 8 * 8, 500 + i, i * S);
		if (i > 32) {
			assert_in_range(w.run_us, S * 3 / 4, S * 5 / 4);
		}
	}
	assert_int_equal(w.done, 96);
}

/* A queue that was gone meanwhile: the numbers between say nothing of how fast mails go. */
static void an_empty_outbox_begins_anew(void **state)
{
	struct mail_wait w = { 0 };

	(void)state;
	mail_wait_look(&w, 100, 199, 1 * S);
	mail_wait_look(&w, 110, 209, 2 * S);
	mail_wait_look(&w, 0, 210, 3 * S);
	assert_int_equal(w.wait_us, 0);
	mail_wait_look(&w, 1000, 1009, 100 * S);
	assert_int_equal(w.run_us, S / 10);
	assert_int_equal(w.wait_us, 1 * S);
	assert_int_equal(w.done, 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits),
		cmocka_unit_test(what_went_says_how_long_the_rest_takes),
		cmocka_unit_test(a_courier_that_stands_still_gets_slower),
		cmocka_unit_test(bursts_are_a_rate),
		cmocka_unit_test(an_empty_outbox_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
