/*
 * Readiness and liveness over a block that the test fills, at a clock of its own.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/role/health_look.h"
#include "core/role/health_rig.h"

struct fixture {
	struct health_rig *rig;
	struct health_look h;
	int64_t now_us;
};

static struct fixture fixture_new(void)
{
	struct fixture f = { .now_us = 1000 * (int64_t)HEALTH_LOOK_US };

	f.rig = health_rig_new(f.now_us);
	f.h.metrics = f.rig->m;
	return f;
}

/* A look a second later, while all but one turn their loops. */
static void look(struct fixture *f, int but)
{
	f->now_us += HEALTH_LOOK_US;
	health_rig_turn(f->rig, but, f->now_us);
	health_look_take(&f->h, f->now_us);
}

static void it_is_starting_until_the_first_good_look(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	health_rig_set(f.rig, RIG_WEB_0, SLOT_STARTING);
	health_rig_set(f.rig, RIG_WEB_1, SLOT_STARTING);
	for (int i = 0; i < 2 * HEALTH_BAD_LOOKS; i++) {
		look(&f, -1);
		assert_false(f.h.ready);
		assert_int_equal(f.h.trouble, HEALTH_STARTING);
		assert_true(f.h.alive); /* a start may take its time */
	}
	health_rig_set(f.rig, RIG_WEB_1, SLOT_SERVING);
	look(&f, -1);
	assert_true(f.h.ready);
	assert_int_equal(f.h.changes, 0);
	health_rig_free(f.rig);
}

static void three_bad_looks_and_two_good_ones(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	look(&f, -1);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < HEALTH_BAD_LOOKS - 1; i++) {
			health_rig_set(f.rig, RIG_STORE, SLOT_EMPTY);
			look(&f, -1);
			assert_true(f.h.ready);
		}
		health_rig_set(f.rig, RIG_STORE, SLOT_SERVING);
		look(&f, -1);
		assert_true(f.h.ready);
	}
	assert_int_equal(f.h.changes, 0);
	health_rig_set(f.rig, RIG_STORE, SLOT_EMPTY);
	for (int i = 0; i < HEALTH_BAD_LOOKS; i++) {
		look(&f, -1);
	}
	assert_false(f.h.ready);
	assert_int_equal(f.h.trouble, HEALTH_NO_DATABASE);
	/* Once good, once bad: that is not well yet. */
	for (int i = 0; i < 4; i++) {
		health_rig_set(f.rig, RIG_STORE, i % 2 == 0 ? SLOT_SERVING : SLOT_EMPTY);
		look(&f, -1);
		assert_false(f.h.ready);
	}
	health_rig_set(f.rig, RIG_STORE, SLOT_SERVING);
	look(&f, -1);
	assert_false(f.h.ready);
	look(&f, -1);
	assert_true(f.h.ready);
	assert_int_equal(f.h.changes, 2);
	health_rig_free(f.rig);
}

static void a_store_that_hangs_is_lost(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	look(&f, -1);
	for (int i = 0; i < 12 && f.h.ready; i++) {
		look(&f, RIG_STORE);
	}
	assert_false(f.h.ready);
	assert_int_equal(f.h.trouble, HEALTH_NO_DATABASE);
	assert_true(f.h.alive);
	health_rig_free(f.rig);
}

static void a_database_server_without_a_connection_is_lost(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	f.h.database = f.rig->database;
	metric_set(f.rig->connections, 4);
	look(&f, -1);
	assert_true(f.h.ready);
	metric_set(f.rig->connections, 0);
	for (int i = 0; i < HEALTH_BAD_LOOKS; i++) {
		look(&f, -1);
	}
	assert_int_equal(f.h.trouble, HEALTH_NO_DATABASE);
	health_rig_free(f.rig);
}

static void nobody_serves(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	look(&f, -1);
	health_rig_set(f.rig, RIG_WEB_0, SLOT_EMPTY); /* the other one goes on */
	for (int i = 0; i < 2 * HEALTH_BAD_LOOKS; i++) {
		look(&f, -1);
		assert_true(f.h.ready);
	}
	health_rig_set(f.rig, RIG_WEB_1, SLOT_DRAINING); /* after an upgrade */
	for (int i = 0; i < 2 * HEALTH_BAD_LOOKS; i++) {
		look(&f, -1);
		assert_true(f.h.ready);
	}
	health_rig_set(f.rig, RIG_WEB_1, SLOT_EMPTY);
	for (int i = 0; i < HEALTH_BAD_LOOKS; i++) {
		look(&f, -1);
	}
	assert_int_equal(f.h.trouble, HEALTH_NO_WEB);
	health_rig_free(f.rig);
}

static void a_drain_is_seen_at_once(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	look(&f, -1);
	metrics_set_leaving(f.rig->m);
	look(&f, -1);
	assert_false(f.h.ready);
	assert_int_equal(f.h.trouble, HEALTH_DRAINING);
	assert_true(f.h.alive);
	health_rig_free(f.rig);
}

static void load_is_no_trouble(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	look(&f, -1);
	for (unsigned i = 0; i < RIG_SLOTS; i++) {
		struct metric_slot *slot = metrics_slot(f.rig->m, i);
		slot->queue_len = slot->tasks = 100000;
		slot->queue_wait_us = slot->loop_lag_us = INT64_MAX / 2;
	}
	for (int i = 0; i < 600; i++) {
		for (unsigned k = 0; k < RIG_SLOTS; k++) {
			metrics_slot(f.rig->m, k)->busy_us += HEALTH_LOOK_US;
		}
		look(&f, -1);
		assert_true(f.h.ready && f.h.alive);
	}
	assert_int_equal(f.h.changes, 0);
	health_rig_free(f.rig);
}

static void a_loop_that_stands_for_half_a_minute(void **state)
{
	struct fixture f = fixture_new();

	(void)state;
	look(&f, -1);
	for (int i = 0; i < HEALTH_SILENT_US / HEALTH_LOOK_US; i++) {
		look(&f, RIG_WEB_1);
		assert_true(f.h.alive);
	}
	look(&f, RIG_WEB_1);
	assert_false(f.h.alive);
	assert_int_equal(f.h.silent_role, ROLE_WEB);
	look(&f, -1);
	assert_true(f.h.alive);
	/* A machine that slept: nobody turned, and nobody is to blame. */
	f.now_us += 3600 * (int64_t)HEALTH_LOOK_US;
	health_look_take(&f.h, f.now_us);
	assert_true(f.h.alive);
	health_rig_free(f.rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_starting_until_the_first_good_look),
		cmocka_unit_test(three_bad_looks_and_two_good_ones),
		cmocka_unit_test(a_store_that_hangs_is_lost),
		cmocka_unit_test(a_database_server_without_a_connection_is_lost),
		cmocka_unit_test(nobody_serves),
		cmocka_unit_test(a_drain_is_seen_at_once),
		cmocka_unit_test(load_is_no_trouble),
		cmocka_unit_test(a_loop_that_stands_for_half_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
