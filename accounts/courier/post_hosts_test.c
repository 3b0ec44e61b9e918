/*
 * Slow and silent servers do not hold up the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "accounts/courier/post_hosts.h"

enum {
	S_US = 1000000
};

static const struct slice one = { "push.example.org", 16 };

static void so_many_at_a_time_to_one(void **state)
{
	static struct post_hosts h;
	struct post_host *host[POST_HOST_PARALLEL + 1], *other;

	(void)state;
	for (int i = 0; i < POST_HOST_PARALLEL; i++) {
		assert_int_equal(post_hosts_begin(&h, one, 1, &host[i]), POST_TURN_GO);
	}
	assert_int_equal(post_hosts_begin(&h, one, 1, &host[POST_HOST_PARALLEL]), POST_TURN_BUSY);
	assert_int_equal(post_hosts_begin(&h, SLICE("other.example"), 1, &other), POST_TURN_GO);
	post_hosts_end(host[0], true, 2);
	assert_int_equal(post_hosts_begin(&h, one, 2, &host[0]), POST_TURN_GO);
}

static void try_in_vain(struct post_hosts *h, int64_t now_us)
{
	struct post_host *host = NULL;

	assert_int_equal(post_hosts_begin(h, one, now_us, &host), POST_TURN_GO);
	post_hosts_end(host, false, now_us);
}

static void who_does_not_answer_is_left_alone_for_longer_and_longer(void **state)
{
	static struct post_hosts h;
	struct post_host *host = NULL, *second = NULL;
	int64_t now_us = 1, pause_us = POST_HOST_FIRST_MS * 1000;

	(void)state;
	for (int i = 1; i < POST_HOST_FAILURES; i++) {
		try_in_vain(&h, now_us);
	}
	for (int i = 0; i < 10; i++) {
		try_in_vain(&h, now_us);
		assert_int_equal(
		    post_hosts_begin(&h, one, now_us + pause_us - 1, &host), POST_TURN_DOWN);
		now_us += pause_us;
		pause_us = pause_us * 2 < POST_HOST_LAST_MS * INT64_C(1000)
			       ? pause_us * 2
			       : POST_HOST_LAST_MS * INT64_C(1000);
	}
	/* One finds out; when it was answered, all may go. */
	assert_int_equal(post_hosts_begin(&h, one, now_us, &host), POST_TURN_GO);
	assert_int_equal(post_hosts_begin(&h, one, now_us, &second), POST_TURN_BUSY);
	post_hosts_end(host, true, now_us);
	assert_int_equal(post_hosts_begin(&h, one, now_us, &host), POST_TURN_GO);
	assert_int_equal(post_hosts_begin(&h, one, now_us, &second), POST_TURN_GO);
}

static void more_hosts_than_rows(void **state)
{
	static struct post_hosts h;
	struct post_host *host = NULL, *held[POST_HOSTS_MAX];
	char name[32];

	(void)state;
	for (int i = 0; i < 3 * POST_HOSTS_MAX; i++) {
		snprintf(name, sizeof(name), "push%d.example", i);
		assert_int_equal(post_hosts_begin(&h, slice_str(name), i + 1, &host), POST_TURN_GO);
		post_hosts_end(host, true, i + 1);
	}
	for (int i = 0; i < POST_HOSTS_MAX; i++) {
		snprintf(name, sizeof(name), "push%d.example", i);
		assert_int_equal(
		    post_hosts_begin(&h, slice_str(name), S_US, &held[i]), POST_TURN_GO);
	}
	assert_int_equal(post_hosts_begin(&h, one, S_US, &host), POST_TURN_BUSY);
	post_hosts_end(held[7], true, S_US);
	assert_int_equal(post_hosts_begin(&h, one, S_US, &host), POST_TURN_GO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_at_a_time_to_one),
		cmocka_unit_test(who_does_not_answer_is_left_alone_for_longer_and_longer),
		cmocka_unit_test(more_hosts_than_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
