/*
 * Who may sign up when many want to: the gate over an invented clock, and tickets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "services/pairs/signup_gate.h"
#include "services/pairs/signup_ticket.h"

enum {
	S_US = 1000000,
	JOB_US = 200000
};

static const struct signup_load idle = { .wait_us = 0, .job_us = JOB_US, .lanes = 2, .webs = 1 };
static const struct signup_load busy = {
	.wait_us = 1 * S_US, .job_us = JOB_US, .lanes = 2, .webs = 1
};
static const struct signup_load flooded = {
	.wait_us = INT64_MAX, .job_us = JOB_US, .lanes = 2, .webs = 1
};

static void whoever_comes_while_it_is_quiet_is_let_in(void **state)
{
	struct signup_gate g = { 0 };
	int64_t slot_us = -1;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_true(signup_gate_ask(&g, &idle, false, i, &slot_us));
	}
}

static void slots_follow_each_other_a_little_closer_than_the_work(void **state)
{
	struct signup_gate g = { 0 };
	int64_t slot_us = 0;

	(void)state;
	for (int i = 1; i <= 50; i++) {
		assert_false(signup_gate_ask(&g, &busy, false, 0, &slot_us));
		assert_int_equal(slot_us, busy.wait_us + i * (JOB_US / 2 * 4 / 5));
	}
}

static void a_slot_goes_before_those_who_have_none(void **state)
{
	struct signup_gate g = { 0 };
	int64_t slot_us = 0, later_us = 0;

	(void)state;
	assert_false(signup_gate_ask(&g, &busy, false, 0, &slot_us));
	assert_true(signup_gate_ask(&g, &busy, true, slot_us, &later_us));
	assert_false(signup_gate_ask(&g, &busy, false, slot_us, &later_us));
	assert_true(later_us > slot_us);
	/* Beyond what compute can take in time nobody is let in; but the next slot is sure. */
	assert_false(signup_gate_ask(&g, &flooded, true, slot_us, &later_us));
	assert_in_range(later_us - slot_us, 1, 5 * S_US);
}

static void nobody_passes_those_who_wait_for_their_slot(void **state)
{
	struct signup_load light = idle;
	struct signup_gate g = { 0 };
	int64_t slot_us = 0;

	(void)state;
	light.wait_us = 300000;
	assert_true(signup_gate_ask(&g, &light, false, 0, &slot_us));
	assert_false(signup_gate_ask(&g, &busy, false, 0, &slot_us));
	assert_false(signup_gate_ask(&g, &light, false, 1, &slot_us));
	assert_true(signup_gate_ask(&g, &light, true, 1, &slot_us));
	assert_true(signup_gate_ask(&g, &idle, false, 2, &slot_us)); /* they did not come */
}

static void nobody_is_told_to_wait_for_longer_than_half_an_hour(void **state)
{
	struct signup_gate g = { 0 };
	int64_t slot_us = 0;
	int n = 0;

	(void)state;
	do {
		assert_false(signup_gate_ask(&g, &busy, false, 0, &slot_us));
		n++;
	} while (slot_us != 0 && n < 100000);
	assert_int_equal(slot_us, 0);
	assert_in_range(n, 22400, 22500); /* 1800 s at 12.5 a second */
	assert_false(signup_gate_ask(&g, &flooded, false, 0, &slot_us));
}

/*
 * A storm of clients that keep returning as they are told: all are in by its size over the
 * capacity, and a tenth more.
 */
static void a_storm_is_worked_off_by_those_who_return(void **state)
{
	enum {
		CLIENTS = 3000,
		STEP_US = 10000
	};
	static int64_t at_us[CLIENTS]; /* when it comes (again); INT64_MAX: it is in */
	static bool has_slot[CLIENTS];
	struct signup_gate g = { 0 };
	struct signup_load load = idle;
	int64_t queue_us = 0, now_us = 0, slot_us = 0;
	int done = 0;

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		at_us[i] = i * (int64_t)(10 * S_US / CLIENTS); /* all within ten seconds */
		has_slot[i] = false;
	}
	for (; done < CLIENTS; now_us += STEP_US) {
		queue_us = queue_us > 2 * STEP_US ? queue_us - 2 * STEP_US : 0; /* two lanes */
		for (int i = 0; i < CLIENTS; i++) {
			if (at_us[i] > now_us) {
				continue;
			}
			load.wait_us = queue_us / 2;
			if (signup_gate_ask(&g, &load, has_slot[i], now_us, &slot_us)) {
				queue_us += JOB_US;
				at_us[i] = INT64_MAX;
				done++;
			} else {
				has_slot[i] = slot_us != 0;
				at_us[i] = slot_us != 0 ? slot_us : now_us + 60 * (int64_t)S_US;
			}
		}
		assert_true(now_us < 1000 * (int64_t)S_US);
	}
	assert_true(now_us + queue_us / 2 <= CLIENTS * (int64_t)JOB_US / 2 * 11 / 10);
}

static void a_ticket_is_good_for_its_address_and_slot_only(void **state)
{
	struct symmetric_keys keys = { .current = "one", .previous = "two" };
	struct buf text = buf_new(SIGNUP_TICKET_MAX);
	const struct slice ada = SLICE("ada@example.org");

	(void)state;
	signup_ticket_put(&keys, ada, 1000000, &text);
	assert_false(text.failed);
	struct slice t = buf_slice(&text);
	assert_int_equal(signup_ticket_check(&keys, t, ada, 999999), SIGNUP_TICKET_EARLY);
	assert_int_equal(signup_ticket_check(&keys, t, ada, 1000000), SIGNUP_TICKET_GOOD);
	assert_int_equal(
	    signup_ticket_check(&keys, t, ada, 1000000 + SIGNUP_SLOT_MS), SIGNUP_TICKET_GOOD);
	assert_int_equal(
	    signup_ticket_check(&keys, t, ada, 1000001 + SIGNUP_SLOT_MS), SIGNUP_TICKET_LATE);
	assert_int_equal(
	    signup_ticket_check(&keys, t, SLICE("eve@example.org"), 1000000), SIGNUP_TICKET_BAD);
	for (size_t i = 0; i < t.len; i++) {
		char c = text.data[i];
		text.data[i] = c == 'A' ? 'B' : 'A';
		assert_int_equal(signup_ticket_check(&keys, t, ada, 1000000), SIGNUP_TICKET_BAD);
		text.data[i] = c;
		assert_int_equal(signup_ticket_check(&keys, slice_sub(t, 0, i), ada, 1000000),
		    SIGNUP_TICKET_BAD);
	}
	/* The key has been changed once: good still; twice: not. */
	keys = (struct symmetric_keys){ .current = "new", .previous = "one" };
	assert_int_equal(signup_ticket_check(&keys, t, ada, 1000000), SIGNUP_TICKET_GOOD);
	keys = (struct symmetric_keys){ .current = "newer", .previous = "new" };
	assert_int_equal(signup_ticket_check(&keys, t, ada, 1000000), SIGNUP_TICKET_BAD);
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whoever_comes_while_it_is_quiet_is_let_in),
		cmocka_unit_test(slots_follow_each_other_a_little_closer_than_the_work),
		cmocka_unit_test(a_slot_goes_before_those_who_have_none),
		cmocka_unit_test(nobody_passes_those_who_wait_for_their_slot),
		cmocka_unit_test(nobody_is_told_to_wait_for_longer_than_half_an_hour),
		cmocka_unit_test(a_storm_is_worked_off_by_those_who_return),
		cmocka_unit_test(a_ticket_is_good_for_its_address_and_slot_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
