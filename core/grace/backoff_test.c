/*
 * Back-off under a clock that the test turns; and with users that come again by themselves, so that
 * what it is for can be seen: load far beyond the line costs some users their turn, and the service
 * goes on at its full rate for the others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/grace/admit.h"
#include "core/grace/backoff.h"

enum {
	MS = 1000,
	S = 1000000,
	USERS = 100000
};

/* The default limits. */
static const struct backoff_limits limits = { .ask_from = 0.7,
	.ask_all = 0.95,
	.wait_us = 200 * MS,
	.ask_min_s = 600,
	.ask_max_s = 3600,
	.retry_min_s = 300,
	.retry_max_s = 1800 };

/* So many seconds at that use and wait, with a look every 100 ms; as much as ever is done. */
static void run(struct backoff *b, double use, int64_t standing_us, int seconds)
{
	const struct backoff_seen seen = { use, standing_us, 10 };

	for (int i = 0; i < seconds * 10; i++) {
		backoff_look(b, &limits, &seen, b->looked_us + 100 * MS);
	}
}

static void nobody_is_asked_while_there_is_room(void **state)
{
	struct backoff b;

	(void)state;
	backoff_init(&b, 0);
	run(&b, 0.65, 0, 600);
	assert_true(b.asked == 0 && b.refused == 0);
	assert_false(backoff_asks(&b, 42, 1000));
}

static void a_short_peak_asks_nobody(void **state)
{
	struct backoff b;

	(void)state;
	backoff_init(&b, 0);
	run(&b, 0.3, 0, 60);
	run(&b, 1, 0, 10);
	assert_true(b.asked == 0);
}

static void the_share_that_is_asked_rises_with_use(void **state)
{
	double before = -1;

	(void)state;
	for (int use = 70; use <= 100; use += 5) {
		struct backoff b;
		backoff_init(&b, 0);
		run(&b, use / 100.0, 0, 600);
		assert_true(b.asked >= before);
		if (use == 80 || use == 90) {
			assert_true(b.asked > 0.3 && b.asked < 0.9);
		}
		before = b.asked;
	}
	assert_true(before > 0.99);
}

static void use_that_swings_moves_the_share_little(void **state)
{
	struct backoff b;
	double low = 1, high = 0;

	(void)state;
	backoff_init(&b, 0);
	run(&b, 0.8, 0, 600);
	for (int i = 0; i < 120; i++) {
		run(&b, i % 2 == 0 ? 0.6 : 1, 0, 1);
		low = b.asked < low ? b.asked : low;
		high = b.asked > high ? b.asked : high;
	}
	assert_true(high - low < 0.3);
}

static void a_standing_wait_refuses_more_and_more(void **state)
{
	struct backoff b;
	double before = 0;

	(void)state;
	backoff_init(&b, 0);
	run(&b, 1, limits.wait_us / 2, 60);
	assert_true(b.refused == 0);
	for (int i = 0; i < 20; i++) {
		run(&b, 1, 2 * limits.wait_us, 1);
		assert_true(b.refused > before && b.refused < before + 0.1);
		assert_true(b.asked >= 2 * b.refused - 0.001);
		before = b.refused;
	}
	assert_true(b.refused > 0.25 && b.refused < 0.35);
	run(&b, 1, limits.wait_us, 60); /* at the target it stays */
	assert_true(b.refused > 0.2 && b.refused < 0.3);
}

static void a_wait_five_times_too_long_refuses_nearly_all_at_once(void **state)
{
	struct backoff b;

	(void)state;
	backoff_init(&b, 0);
	run(&b, 1, 5 * limits.wait_us, 1);
	assert_true(b.refused > 0.97 && b.refused < 0.99);
	run(&b, 1, 0, 1); /* and what was short is over as fast */
	assert_true(b.refused < 0.1);
	run(&b, 1, 5 * limits.wait_us, 7);
	run(&b, 1, 0, 5);
	assert_true(b.refused > 0.2 && b.refused < 0.3);
	run(&b, 1, 0, 80);
	assert_true(b.refused == 0);
}

static void a_long_gap_counts_as_a_second(void **state)
{
	const struct backoff_seen seen = { 1, 3 * limits.wait_us, 10 };
	struct backoff b;

	(void)state;
	backoff_init(&b, 0);
	backoff_look(&b, &limits, &seen, 3600 * (int64_t)S);
	assert_true(b.integral > 0.02 && b.integral < 0.03);
	backoff_look(&b, &limits, &seen, 3600 * (int64_t)S);
	backoff_look(&b, &limits, &seen, 10 * S); /* back: nothing */
	assert_true(b.integral > 0.02 && b.integral < 0.03);
}

static void a_share_is_that_of_users_and_lasts_an_hour(void **state)
{
	unsigned hit = 0, changed = 0, changed_later = 0;

	(void)state;
	for (uint64_t user = 1; user <= USERS; user++) {
		bool now = backoff_hits(0.3, user, 1000000);
		hit += now;
		changed += now != backoff_hits(0.3, user, 1000000 + 36);
		changed_later += now != backoff_hits(0.3, user, 1000000 + 3600);
		/* Who is hit by a share is hit by every larger one. */
		assert_true(!now || backoff_hits(0.31, user, 1000000));
	}
	assert_in_range(hit, USERS * 28 / 100, USERS * 32 / 100);
	assert_true(changed < USERS / 100); /* a hundredth of the hours ended meanwhile */
	assert_true(changed_later > USERS / 3);
	assert_false(backoff_hits(0, 7, 1));
	assert_true(backoff_hits(1, 7, 1));
}

static void what_goes_on_is_refused_only_late(void **state)
{
	struct backoff b = { .refused = 0.5 };

	(void)state;
	for (uint64_t user = 1; user <= 1000; user++) {
		assert_false(backoff_refuses_late(&b, user, 5));
	}
	b.refused = 1;
	assert_true(backoff_refuses_late(&b, 7, 5));
}

static void times_are_spread_between_their_limits(void **state)
{
	struct backoff b = { .asked = 1, .refused = 1 };
	unsigned low = UINT32_MAX, high = 0;

	(void)state;
	for (uint64_t i = 0; i < 10000; i++) {
		uint64_t random = i * UINT64_C(0x9e3779b97f4a7c15) >> 16;
		unsigned ask_s = backoff_ask_s(&b, &limits, random);
		unsigned retry_s = backoff_retry_s(&b, &limits, random);
		assert_in_range(ask_s, 600, 3600);
		assert_in_range(retry_s, 300, 1800);
		low = retry_s < low ? retry_s : low;
		high = retry_s > high ? retry_s : high;
	}
	assert_true(low < 320 && high > 1780);
	const struct backoff_limits one = { .retry_min_s = 9, .retry_max_s = 9 };
	assert_int_equal(backoff_retry_s(&b, &one, 12345), 9);
}

/* ---- users ---- */

enum {
	INTERVAL_S = 600, /* between syncs of a user */
	STEP_US = 100 * MS,
	STEPS_A_SECOND = S / STEP_US,
	SECONDS = 7200,
	STEPS = SECONDS * STEPS_A_SECOND
};

static uint64_t seed = 88172645463325252u;

static double chance(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (double)(seed >> 11) / 9007199254740992.0;
}

/* USERS users, each of whom comes every INTERVAL_S and obeys, and a server, first come first
 * served. */
struct world {
	struct backoff b;
	/* Who comes at a step: the first of them and, of each, the next one; 0 ends, n is user n
	 * - 1. */
	int first[STEPS], next[USERS + 1];
	struct delay_meter wait;
	double capacity;  /* syncs a second */
	double queue;	  /* syncs that wait */
	double uncounted; /* the part of a sync that was done since the last whole one */
	double vain;	  /* the least share that could be refused at most */
	/* of the last third of the time: */
	double done, longest_wait_s;
	unsigned turns; /* how often the lasting part of the refused share turned by a tenth */
	double extreme;
	int direction;
};

static void come_at(struct world *w, int user, double at_s)
{
	int step = at_s < SECONDS - 1 ? (int)(at_s * STEPS_A_SECOND) + 1 : 0;

	if (step > 0 && step < STEPS) {
		w->next[user] = w->first[step];
		w->first[step] = user;
	}
}

/* A user whose time has come: when he comes again. */
static double come(struct world *w, int user, double now_s)
{
	const struct backoff *b = &w->b;
	int64_t at_s = (int64_t)now_s;

	if (backoff_refuses(b, (uint64_t)user, at_s)) {
		return now_s + backoff_retry_s(b, &limits, seed) * (1 + chance() / 4);
	}
	w->queue += 1;
	if (backoff_asks(b, (uint64_t)user, at_s)) {
		return now_s + backoff_ask_s(b, &limits, seed) * (1 + chance() / 4);
	}
	return now_s + INTERVAL_S * (0.9 + chance() / 5);
}

static void count(struct world *w, double served, double wait_s)
{
	w->done += served;
	w->longest_wait_s = wait_s > w->longest_wait_s ? wait_s : w->longest_wait_s;
	if ((w->b.integral - w->extreme) * w->direction > 0) {
		w->extreme = w->b.integral;
	} else if ((w->extreme - w->b.integral) * w->direction > 0.1) {
		w->direction = -w->direction;
		w->extreme = w->b.integral;
		w->turns++;
	}
}

static void look(struct world *w, double use, double served, int64_t now_us)
{
	struct backoff_seen seen = { .use = use,
		.standing_us = delay_meter_standing_us(&w->wait, now_us) };

	w->uncounted += served;
	seen.done = (unsigned)w->uncounted;
	w->uncounted -= seen.done;
	backoff_look(&w->b, &limits, &seen, now_us);
	w->vain = w->b.most < w->vain ? w->b.most : w->vain;
}

/* So many times what the server can do are offered. *ret_goodput: share of it that was done. */
static struct world *live(double times, double *ret_goodput)
{
	static struct world w;

	memset(&w, 0, sizeof(w));
	backoff_init(&w.b, 0);
	delay_meter_init(&w.wait, limits.wait_us, 500 * MS, 0);
	w.capacity = (double)USERS / INTERVAL_S / times;
	w.direction = 1;
	w.vain = 1;
	for (int i = 1; i <= USERS; i++) {
		come_at(&w, i, chance() * INTERVAL_S);
	}
	for (int64_t step = 1; step < STEPS; step++) {
		double now_s = (double)(step * STEP_US) / S, room = w.capacity * STEP_US / S;
		for (int user = w.first[step]; user != 0;) {
			int after = w.next[user];
			come_at(&w, user, come(&w, user, now_s));
			user = after;
		}
		double served = w.queue < room ? w.queue : room;
		w.queue -= served;
		double wait_s = w.queue / w.capacity;
		delay_meter_record(&w.wait, (int64_t)(wait_s * S), step * STEP_US);
		look(&w, served / room, served, step * STEP_US);
		if (now_s > SECONDS * 2 / 3.0) {
			count(&w, served, wait_s);
		}
	}
	*ret_goodput = w.done / (SECONDS / 3.0) / w.capacity;
	return &w;
}

static void below_the_line_everybody_is_served(void **state)
{
	double goodput = 0;
	const struct world *w = live(0.5, &goodput);

	(void)state;
	assert_true(goodput > 0.48);
	assert_int_equal(w->turns, 0);
	assert_true(w->b.refused == 0);
}

/* Who is asked comes a fourth as often, which is enough for a while: hardly anybody is refused. */
static void a_little_beyond_the_line_asking_is_enough(void **state)
{
	double goodput = 0;
	const struct world *w = live(1.5, &goodput);

	(void)state;
	assert_true(goodput > 0.6); /* who stays away for an hour leaves room for a while */
	assert_true(w->longest_wait_s < 1);
	assert_true(w->b.refused < 0.1);
}

static void far_beyond_the_line_the_rate_stays(void **state)
{
	static const double times[] = { 5, 10 };

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		double goodput = 0;
		const struct world *w = live(times[i], &goodput);
		assert_true(goodput > 0.95);
		assert_true(w->longest_wait_s < 2);
		assert_true(w->turns < 60);  /* in 40 minutes */
		assert_true(w->vain > 0.97); /* none of it was taken for vain */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_asked_while_there_is_room),
		cmocka_unit_test(a_short_peak_asks_nobody),
		cmocka_unit_test(the_share_that_is_asked_rises_with_use),
		cmocka_unit_test(use_that_swings_moves_the_share_little),
		cmocka_unit_test(a_standing_wait_refuses_more_and_more),
		cmocka_unit_test(a_wait_five_times_too_long_refuses_nearly_all_at_once),
		cmocka_unit_test(a_long_gap_counts_as_a_second),
		cmocka_unit_test(a_share_is_that_of_users_and_lasts_an_hour),
		cmocka_unit_test(what_goes_on_is_refused_only_late),
		cmocka_unit_test(times_are_spread_between_their_limits),
		cmocka_unit_test(below_the_line_everybody_is_served),
		cmocka_unit_test(a_little_beyond_the_line_asking_is_enough),
		cmocka_unit_test(far_beyond_the_line_the_rate_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
