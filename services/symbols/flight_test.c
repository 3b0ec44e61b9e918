/*
 * Work that is done once: for all who ask meanwhile, for who asks a little late; its bounds; and
 * that it goes on when the one who began it does not wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/clock.h"
#include "core/ev/task.h"
#include "services/symbols/flight.h"

enum {
	WORK_US = 20000,
	FAR_US = 30000000
};

struct rig {
	struct loop *loop;
	struct flights *flights;
	unsigned runs, running, running_max;
	unsigned ended;
	enum err outcome; /* of the work */
	enum err got[64];
};

/* One who asks. */
struct asker {
	struct rig *rig;
	unsigned index;
	const char *key;
	int64_t wait_us;
};

static enum err work(void *arg, struct slice key, struct slice extra)
{
	struct rig *r = arg;

	assert_true(slice_eq(extra, SLICE("said")));
	assert_true(key.len > 0);
	r->runs++;
	r->running++;
	r->running_max = r->running > r->running_max ? r->running : r->running_max;
	enum err e = task_sleep(WORK_US);
	r->running--;
	return e == ERR_OK ? r->outcome : e;
}

static void ask(void *arg)
{
	struct asker *a = arg;
	struct rig *r = a->rig;

	r->got[a->index] = flights_join(
	    r->flights, slice_str(a->key), SLICE("said"), clock_mono_us() + a->wait_us);
	r->ended++;
}

static void rig_open(struct rig *r, struct flight_limits limits)
{
	*r = (struct rig){ .outcome = ERR_OK };
	assert_int_equal(loop_open(256, &r->loop), ERR_OK);
	assert_int_equal(flights_new(r->loop, &limits, work, r, &r->flights), ERR_OK);
}

static void rig_close(struct rig *r)
{
	flights_free(&r->flights);
	loop_close(&r->loop);
}

/* Runs them all at once to their end. */
static void run(struct rig *r, struct asker *askers, unsigned n)
{
	r->ended = 0;
	for (unsigned i = 0; i < n; i++) {
		askers[i].rig = r;
		askers[i].index = i;
		assert_int_equal(task_spawn(r->loop, ask, &askers[i], DEADLINE_NONE, NULL), ERR_OK);
	}
	loop_run(r->loop);
	assert_int_equal(r->ended, n);
}

static void all_who_ask_share_one(void **state)
{
	struct rig r;
	struct asker askers[50];

	(void)state;
	rig_open(&r, (struct flight_limits){ 8, 8, 50, FAR_US });
	for (unsigned i = 0; i < 50; i++) {
		askers[i] = (struct asker){ .key = i % 2 == 0 ? "a" : "b", .wait_us = FAR_US };
	}
	run(&r, askers, 50);
	assert_int_equal(r.runs, 2);
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(r.got[i], ERR_OK);
	}
	/* A little late. */
	run(&r, askers, 2);
	assert_int_equal(r.runs, 2);
	assert_int_equal(flights_waiting(r.flights), 0);
	rig_close(&r);
}

static void a_failure_is_for_those_who_waited(void **state)
{
	struct rig r;
	struct asker askers[3] = { { .key = "a", .wait_us = FAR_US },
		{ .key = "a", .wait_us = FAR_US }, { .key = "a", .wait_us = FAR_US } };

	(void)state;
	rig_open(&r, (struct flight_limits){ 8, 8, 50, FAR_US });
	r.outcome = ERR_NOT_FOUND;
	run(&r, askers, 3);
	assert_int_equal(r.runs, 1);
	assert_int_equal(r.got[2], ERR_NOT_FOUND);
	r.outcome = ERR_OK;
	run(&r, askers, 3);
	assert_int_equal(r.runs, 2);
	assert_int_equal(r.got[0], ERR_OK);
	rig_close(&r);
}

static void who_does_not_wait_has_begun_it(void **state)
{
	struct rig r;
	struct asker askers[2] = { { .key = "a", .wait_us = 0 }, { .key = "a", .wait_us = 1000 } };

	(void)state;
	rig_open(&r, (struct flight_limits){ 8, 8, 50, FAR_US });
	run(&r, askers, 2);
	assert_int_equal(r.runs, 1);
	assert_int_equal(r.got[0], ERR_DEADLINE);
	assert_int_equal(r.got[1], ERR_DEADLINE);
	askers[0].wait_us = FAR_US;
	run(&r, askers, 1);
	assert_int_equal(r.got[0], ERR_OK);
	assert_int_equal(r.runs, 1);
	rig_close(&r);
}

/* What is over gives its room to what is new, the oldest first. */
static void what_is_remembered_refuses_nobody(void **state)
{
	struct rig r;
	struct asker askers[3] = { { .key = "a", .wait_us = FAR_US },
		{ .key = "b", .wait_us = FAR_US }, { .key = "c", .wait_us = FAR_US } };

	(void)state;
	rig_open(&r, (struct flight_limits){ 2, 2, 50, FAR_US });
	run(&r, &askers[0], 1);
	run(&r, &askers[1], 1);
	run(&r, &askers[2], 1);
	assert_int_equal(r.got[0], ERR_OK);
	assert_int_equal(r.runs, 3);
	run(&r, &askers[1], 1);
	assert_int_equal(r.runs, 3);
	run(&r, &askers[0], 1);
	assert_int_equal(r.runs, 4);
	rig_close(&r);
}

static void so_many_and_no_more(void **state)
{
	struct rig r;
	struct asker askers[6] = { { .key = "a" }, { .key = "b" }, { .key = "c" }, { .key = "d" },
		{ .key = "a" }, { .key = "b" } };
	unsigned refused = 0;

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		askers[i].wait_us = FAR_US;
	}
	/* Three pieces, one at a time, four who wait. */
	rig_open(&r, (struct flight_limits){ 3, 1, 4, 0 });
	run(&r, askers, 6);
	assert_int_equal(r.runs, 3);
	assert_int_equal(r.running_max, 1);
	for (unsigned i = 0; i < 6; i++) {
		refused += r.got[i] == ERR_TOO_BUSY;
	}
	assert_int_equal(refused, 2);
	assert_int_equal(r.got[3], ERR_TOO_BUSY);
	assert_int_equal(r.got[5], ERR_TOO_BUSY);
	rig_close(&r);
}

static void drain(void *arg)
{
	flights_drain(((struct rig *)arg)->flights);
}

static void the_end_of_the_process_ends_it(void **state)
{
	struct rig r;
	struct asker askers[2] = { { .key = "a", .wait_us = FAR_US },
		{ .key = "b", .wait_us = FAR_US } };

	(void)state;
	rig_open(&r, (struct flight_limits){ 8, 1, 50, FAR_US });
	for (unsigned i = 0; i < 2; i++) {
		askers[i].rig = &r;
		askers[i].index = i;
		assert_int_equal(task_spawn(r.loop, ask, &askers[i], DEADLINE_NONE, NULL), ERR_OK);
	}
	assert_int_equal(task_spawn(r.loop, drain, &r, DEADLINE_NONE, NULL), ERR_OK);
	loop_run(r.loop);
	assert_int_equal(r.ended, 2);
	assert_int_equal(r.got[0], ERR_DRAINING);
	assert_int_equal(r.got[1], ERR_DRAINING);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_who_ask_share_one),
		cmocka_unit_test(a_failure_is_for_those_who_waited),
		cmocka_unit_test(who_does_not_wait_has_begun_it),
		cmocka_unit_test(what_is_remembered_refuses_nobody),
		cmocka_unit_test(so_many_and_no_more),
		cmocka_unit_test(the_end_of_the_process_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
