/*
 * The cut over classes and users.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/grace/level.h"

enum {
	USERS = 400,
	COST_US = 1000,
	TURN_TICKS = LEVEL_TURN_US / LEVEL_TICK_US
};

static struct level level;

static uint64_t name_of(unsigned user)
{
	return UINT64_C(0x51ed270b9f3c1a7d) * (user + 1);
}

static bool asks(unsigned user, enum shed_rank rank, unsigned reserve, double cost_us)
{
	const struct level_ask ask = {
		.rank = rank, .reserve = reserve, .user = name_of(user), .cost_us = cost_us
	};

	return level_ask(&level, &ask);
}

static void next_tick_behind(double standing_us, double budget_us, unsigned tick)
{
	level_tick(&level, tick * (int64_t)LEVEL_TICK_US);
	level_lay(&level,
	    &(struct level_room){
		.budget_us = budget_us, .usual_us = budget_us, .standing_us = standing_us });
}

static void next_tick(double budget_us, unsigned tick)
{
	next_tick_behind(0, budget_us, tick);
}

static int set_up(void **state)
{
	(void)state;
	level_init(&level);
	return 0;
}

/* So many ticks in each of which every user asks once; how often each was let in, per mille. */
static void live(unsigned from, unsigned ticks, enum shed_rank rank, double budget_us,
    unsigned users, unsigned passed[])
{
	for (unsigned i = 0; i < users; i++) {
		passed[i] = 0;
	}
	for (unsigned tick = 0; tick < ticks; tick++) {
		for (unsigned i = 0; i < users; i++) {
			passed[i] += asks(i, rank, 0, COST_US);
		}
		next_tick(budget_us, from + tick);
	}
	for (unsigned i = 0; i < users; i++) {
		passed[i] = passed[i] * 1000 / ticks;
	}
}

static void where_there_is_budget_for_all_nobody_is_cut(void **state)
{
	static unsigned passed[USERS];
	double share = 0;

	(void)state;
	live(0, 50, SHED_FIRST, USERS * COST_US * 1.01, USERS, passed);
	for (unsigned i = 0; i < USERS; i++) {
		assert_int_equal(passed[i], 1000);
	}
	assert_int_equal(level_cut(&level, &share), SHED_RANKS);
	assert_true(level_offered_us(&level) > 0.99 * USERS * COST_US &&
		    level_offered_us(&level) < 1.01 * USERS * COST_US);
}

static void a_user_is_in_or_out(void **state)
{
	static unsigned passed[USERS];
	unsigned in = 0, out = 0, sum = 0;
	double share = 0;

	(void)state;
	live(0, 53, SHED_MIDDLE, USERS * COST_US / 3.0, USERS, passed);
	live(53, 3, SHED_MIDDLE, USERS * COST_US / 3.0, USERS, passed);
	for (unsigned i = 0; i < USERS; i++) {
		in += passed[i] == 1000;
		out += passed[i] == 0;
		sum += passed[i];
	}
	assert_true(
	    in + out >= USERS * 90 / 100); /* but those at the ends of the arc, which turns */
	assert_in_range(sum, USERS * 320, USERS * 345);
	assert_int_equal(level_cut(&level, &share), SHED_MIDDLE);
	assert_true(share > 0.32 && share < 0.34);
}

static void room_for_later_is_where_requests_pass(void **state)
{
	static unsigned passed[USERS];
	unsigned roomy = 0;

	(void)state;
	live(0, 53, SHED_LATE, USERS * COST_US / 3.0, USERS, passed);
	for (unsigned i = 0; i < USERS; i++) {
		bool has_room = level_has_room(&level, SHED_LATE, name_of(i));
		roomy += has_room;
		assert_true(!has_room || asks(i, SHED_LATE, 0, COST_US));
		/* What is more important than the rank that is cut has room for everybody. */
		assert_true(level_has_room(&level, SHED_LAST, name_of(i)));
		assert_int_equal(level_has_room(&level, SHED_FIRST, name_of(i)), has_room);
	}
	assert_in_range(roomy, USERS * 300 / 1000, USERS * 350 / 1000);
}

/* Jain's index over a turn, and nobody is out for longer than the rest of one. */
static void over_a_turn_all_have_the_same(void **state)
{
	static unsigned passed[USERS];
	double sum = 0, squares = 0;

	(void)state;
	live(0, TURN_TICKS, SHED_MIDDLE, USERS * COST_US / 3.0, USERS, passed);
	live(TURN_TICKS, 6 * TURN_TICKS, SHED_MIDDLE, USERS * COST_US / 3.0, USERS, passed);
	for (unsigned i = 0; i < USERS; i++) {
		assert_in_range(passed[i], 230, 440);
		sum += passed[i];
		squares += (double)passed[i] * passed[i];
	}
	assert_true(sum * sum / (USERS * squares) > 0.98);
}

static void the_important_are_whole_before_the_others_have_any(void **state)
{
	unsigned late = 0, middle = 0, first = 0, last = 0, ticks = 0;

	(void)state;
	/* A flood of what can wait; the budget is for all the rest. */
	for (unsigned tick = 0; tick < 100; tick++) {
		for (unsigned i = 0; i < 20; i++) {
			bool counts = tick >= 20;
			ticks += counts;
			last += asks(i, SHED_LAST, 0, COST_US) && counts;
			late += asks(1000 + i, SHED_LATE, 0, COST_US) && counts;
			middle += asks(2000 + i, SHED_MIDDLE, 0, COST_US) && counts;
			for (unsigned k = 0; k < 12; k++) {
				first += asks(3000 + 20 * k + i, SHED_FIRST, 0, COST_US) && counts;
			}
		}
		next_tick(50 * COST_US, tick);
	}
	assert_int_equal(last, ticks);
	assert_int_equal(late, ticks);
	assert_in_range(middle, ticks * 45 / 100, ticks * 55 / 100);
	assert_int_equal(first, 0);
}

/* What comes of a sudden one is that it is cut itself, not those who were there. */
static void a_sudden_flood_costs_the_others_nothing(void **state)
{
	unsigned late = 0, first = 0;

	(void)state;
	for (unsigned tick = 0; tick < 100; tick++) {
		for (unsigned i = 0; i < 20; i++) {
			late += !asks(1000 + i, SHED_LATE, 0, COST_US);
			for (unsigned k = 0; tick >= 50 && k < 12; k++) {
				first += asks(3000 + 20 * k + i, SHED_FIRST, 0, COST_US);
			}
		}
		next_tick(30 * COST_US, tick);
	}
	assert_int_equal(late, 0);
	/* All in the first tick; from then on about ten in each. */
	assert_in_range(first, 240 + 400, 240 + 900);
}

static void a_reserve_goes_before_ranks(void **state)
{
	unsigned kept = 0, late = 0;

	(void)state;
	level_set_reserve(&level, 1, 0.4);
	for (unsigned tick = 0; tick < 100; tick++) {
		for (unsigned i = 0; i < 100; i++) {
			kept += asks(i, SHED_EARLY, 1, COST_US) && tick >= 20;
			late += asks(1000 + i, SHED_LATE, 0, COST_US) && tick >= 20;
		}
		next_tick(100 * COST_US, tick);
	}
	assert_in_range(kept, 38 * 80, 42 * 80);
	assert_in_range(late, 58 * 80, 62 * 80);
}

/* Where nobody draws on it others have it. */
static void what_is_kept_and_not_wanted_is_others(void **state)
{
	unsigned late = 0;

	(void)state;
	level_set_reserve(&level, 1, 0.4);
	for (unsigned tick = 0; tick < 50; tick++) {
		for (unsigned i = 0; i < 100; i++) {
			late += asks(1000 + i, SHED_LATE, 0, COST_US) && tick >= 20;
		}
		next_tick(100 * COST_US, tick);
	}
	assert_int_equal(late, 100 * 30);
}

/*
 * What is let in of sixty users beside one who asks so often in a tick, with a budget for so many
 * requests while so many stand. *ret_hog: of his.
 */
static unsigned passed_beside(unsigned hog_asks, double budget, double standing, unsigned *ret_hog)
{
	const unsigned users = 60;
	unsigned passed = 0;

	*ret_hog = 0;
	level_init(&level);
	for (unsigned tick = 0; tick < 4 * TURN_TICKS; tick++) {
		bool counts = tick >= TURN_TICKS;
		for (unsigned i = 0; i < users; i++) {
			passed += asks(i, SHED_MIDDLE, 0, COST_US) && counts;
		}
		for (unsigned i = 0; i < hog_asks; i++) {
			*ret_hog += asks(999, SHED_MIDDLE, 0, COST_US) && counts;
		}
		next_tick_behind(standing * COST_US, budget * COST_US, tick);
	}
	return passed;
}

static void one_who_asks_for_as_much_as_all_costs_them_little(void **state)
{
	unsigned unused = 0, hog = 0;

	(void)state;
	unsigned alone = passed_beside(1, 40, 0, &unused);
	unsigned beside = passed_beside(60, 40, 0, &hog);
	assert_true(alone > 0);
	assert_true(beside >= alone * 97 / 100);
	assert_in_range(hog, 0, 2 * alone / 60); /* no more than two of them */
	/* Where the others leave something he has it, and they have all they want. */
	beside = passed_beside(60, 75, 0, &hog);
	assert_true(beside >= 60 * 3 * TURN_TICKS * 97 / 100);
	assert_in_range(hog, 12 * 3 * TURN_TICKS, 18 * 3 * TURN_TICKS);
}

/* Else the queue would be his, and the first others beyond the mean would find it full. */
static void a_hog_has_what_others_leave_only_where_nothing_stands(void **state)
{
	unsigned hog = 0;

	(void)state;
	unsigned beside = passed_beside(60, 75, 15, &hog);
	assert_true(beside >= 60 * 3 * TURN_TICKS * 99 / 100);
	assert_in_range(hog, 0, 2 * 3 * TURN_TICKS);
}

/* Two are enough to tell which of them asks for too much. */
static void a_hog_is_found_beside_a_single_user(void **state)
{
	unsigned passed = 0, hog = 0;

	(void)state;
	for (unsigned tick = 0; tick < 3 * TURN_TICKS; tick++) {
		for (unsigned i = 0; i < 4; i++) {
			passed += asks(1, SHED_MIDDLE, 0, COST_US) && tick >= TURN_TICKS;
		}
		for (unsigned i = 0; i < 60; i++) {
			hog += asks(2, SHED_MIDDLE, 0, COST_US) && tick >= TURN_TICKS;
		}
		next_tick(30 * COST_US, tick);
	}
	assert_true(passed >= 4 * 2 * TURN_TICKS * 99 / 100);
	assert_in_range(hog, 24 * 2 * TURN_TICKS, 28 * 2 * TURN_TICKS);
}

/* Some 28 requests of a tick, of any of thirty users; a hog, too; and room for 32. */
static void chance_cuts_nobody_while_a_hog_is_cut(void **state)
{
	unsigned asked = 0, passed = 0, random = 1;

	(void)state;
	for (unsigned tick = 0; tick < 4 * TURN_TICKS; tick++) {
		bool counts = tick >= TURN_TICKS;
		for (unsigned i = 0; i < 112; i++) {
			random = random * 1103515245 + 12345;
			if ((random >> 16) % 4 == 0) {
				asked += counts;
				passed +=
				    asks((random >> 20) % 30, SHED_MIDDLE, 0, COST_US) && counts;
			}
		}
		for (unsigned i = 0; i < 28; i++) {
			(void)asks(999, SHED_MIDDLE, 0, COST_US);
		}
		next_tick(32 * COST_US, tick);
	}
	assert_true(passed * 1000 >= asked * 996);
}

static void a_single_user_gets_the_budget(void **state)
{
	unsigned n = 0;

	(void)state;
	for (unsigned tick = 0; tick < 200; tick++) {
		for (unsigned i = 0; i < 40; i++) {
			n += asks(5, SHED_MIDDLE, 0, COST_US) && tick >= 100;
		}
		next_tick(10 * COST_US, tick);
	}
	assert_in_range(n, 950, 1050);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(where_there_is_budget_for_all_nobody_is_cut, set_up),
		cmocka_unit_test_setup(a_user_is_in_or_out, set_up),
		cmocka_unit_test_setup(room_for_later_is_where_requests_pass, set_up),
		cmocka_unit_test_setup(over_a_turn_all_have_the_same, set_up),
		cmocka_unit_test_setup(the_important_are_whole_before_the_others_have_any, set_up),
		cmocka_unit_test_setup(a_sudden_flood_costs_the_others_nothing, set_up),
		cmocka_unit_test_setup(a_reserve_goes_before_ranks, set_up),
		cmocka_unit_test_setup(what_is_kept_and_not_wanted_is_others, set_up),
		cmocka_unit_test(one_who_asks_for_as_much_as_all_costs_them_little),
		cmocka_unit_test_setup(
		    a_hog_has_what_others_leave_only_where_nothing_stands, set_up),
		cmocka_unit_test_setup(a_hog_is_found_beside_a_single_user, set_up),
		cmocka_unit_test_setup(chance_cuts_nobody_while_a_hog_is_cut, set_up),
		cmocka_unit_test_setup(a_single_user_gets_the_budget, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
