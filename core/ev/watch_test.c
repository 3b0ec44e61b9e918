/* Watches: what is told, to whom, and that nobody is told who was ended in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <unistd.h>

#include "core/base/check.h"
#include "core/ev/watch.h"

enum {
	PAIRS = 4
};

/* Ends of socket pairs: near is watched. */
static struct {
	struct loop *loop;
	struct watch watch[PAIRS];
	int far[PAIRS];
	int told[PAIRS]; /* events, each time */
	unsigned times[PAIRS];
	bool broken[PAIRS];
	bool ends_others;
} self;

static void on_event(struct watch *w, int events, bool broken)
{
	ptrdiff_t i = w - self.watch;

	self.told[i] |= events;
	self.times[i]++;
	self.broken[i] = broken;
	for (int k = 0; k < PAIRS; k++) {
		if (!broken && (k == i || self.ends_others)) {
			watch_end(self.loop, &self.watch[k]);
		}
	}
}

static int setup(void **state)
{
	(void)state;
	memset(&self, 0, sizeof(self));
	assert_int_equal(loop_open(1, &self.loop), ERR_OK);
	for (int i = 0; i < PAIRS; i++) {
		int fd[2];
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
		watch_init(&self.watch[i], fd[0], on_event);
		self.far[i] = fd[1];
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < PAIRS; i++) {
		watch_end(self.loop, &self.watch[i]);
		close(self.watch[i].fd);
		if (self.far[i] >= 0) {
			close(self.far[i]);
		}
	}
	loop_close(&self.loop);
	return 0;
}

static void say(int i)
{
	assert_int_equal(write(self.far[i], "x", 1), 1);
}

static void want(int i, int events)
{
	assert_int_equal(watch_want(self.loop, &self.watch[i], events), ERR_OK);
}

static void what_was_asked_for_is_told(void **state)
{
	(void)state;
	want(0, UV_READABLE);
	want(1, UV_READABLE | UV_WRITABLE);
	want(2, UV_DISCONNECT);
	say(0);
	close(self.far[2]);
	self.far[2] = -1;
	loop_run(self.loop); /* until nothing is watched any more */
	assert_int_equal(self.told[0], UV_READABLE);
	assert_int_equal(self.told[1], UV_WRITABLE);
	assert_int_equal(self.told[2], UV_DISCONNECT);
	assert_int_equal(self.times[3], 0);
}

static void what_is_not_wanted_any_more_is_not_told(void **state)
{
	(void)state;
	say(0);
	say(1);
	want(0, UV_READABLE | UV_WRITABLE);
	want(0, UV_WRITABLE);
	want(1, UV_READABLE);
	want(1, 0);
	loop_run(self.loop);
	assert_int_equal(self.told[0], UV_WRITABLE);
	assert_int_equal(self.times[1], 0);
}

static void who_is_ended_by_another_of_the_batch_is_not_told(void **state)
{
	unsigned told = 0;

	(void)state;
	self.ends_others = true;
	for (int i = 0; i < PAIRS; i++) {
		want(i, UV_READABLE);
		say(i);
	}
	loop_run(self.loop);
	for (int i = 0; i < PAIRS; i++) {
		told += self.times[i];
	}
	assert_int_equal(told, 1);
	/* And may be watched again. */
	self.ends_others = false;
	for (int i = 0; i < PAIRS; i++) {
		want(i, UV_READABLE);
	}
	loop_run(self.loop);
	for (int i = 0; i < PAIRS; i++) {
		assert_true(self.times[i] >= 1);
	}
}

static void who_is_broken_is_told_once_and_watched_no_more(void **state)
{
	int fd[2];

	(void)state;
	assert_int_equal(pipe(fd), 0);
	close(fd[0]);
	close(self.watch[0].fd);
	watch_init(&self.watch[0], fd[1], on_event);
	want(0, UV_WRITABLE);
	loop_run(self.loop);
	assert_true(self.broken[0]);
	assert_int_equal(self.times[0], 1);
	assert_int_equal(self.watch[0].events, 0);
}

static void what_cannot_be_watched_is_refused(void **state)
{
	struct watch none;

	(void)state;
	watch_init(&none, -1, on_event);
	assert_int_not_equal(watch_want(self.loop, &none, UV_READABLE), ERR_OK);
	loop_run(self.loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(what_was_asked_for_is_told),
		T(what_is_not_wanted_any_more_is_not_told),
		T(who_is_ended_by_another_of_the_batch_is_not_told),
		T(who_is_broken_is_told_once_and_watched_no_more),
		T(what_cannot_be_watched_is_refused),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
