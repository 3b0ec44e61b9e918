/*
 * Refusing that is in vain: a server behind a disk, whose waits do not depend on how many come, and
 * one with a queue, whose waits do. Both under a clock that the test turns, and with chance in what
 * comes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/grace/backoff.h"

enum {
	MS = 1000,
	S = 1000000,
	PARTS = 300,	 /* of a look: in each something comes or does not */
	LOOKS = 10,	 /* a second */
	QUEUE_MS = 1600, /* beyond it admission lets nobody in */
};

static const struct backoff_limits limits = { .ask_from = 0.7,
	.ask_all = 0.95,
	.wait_us = 200 * MS,
	.ask_min_s = 600,
	.ask_max_s = 3600,
	.retry_min_s = 300,
	.retry_max_s = 1800 };

static uint64_t seed;

static double chance(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (double)(seed >> 11) / 9007199254740992.0;
}

/* What happens by chance, so many times on the average. */
static unsigned about(double mean)
{
	unsigned n = 0;

	for (int i = 0; i < PARTS; i++) {
		n += chance() < mean / PARTS;
	}
	return n;
}

struct world {
	struct backoff b;
	double offered;	  /* requests a second */
	double capacity;  /* of the queue; 0: whoever is let in is served, after disk_us */
	int64_t disk_us;  /* what each waits at the disk, and up to half as much more */
	double queue;	  /* requests */
	bool is_stopped;  /* nothing is done at all */
	double came, let; /* since the world began, or the test began to count */
	double done;
	double refused_most;
};

static struct world *begin(double offered, double capacity, int64_t disk_us)
{
	static struct world w;

	seed = 88172645463325252u;
	w = (struct world){ .offered = offered, .capacity = capacity, .disk_us = disk_us };
	backoff_init(&w.b, 0);
	return &w;
}

static void count_anew(struct world *w)
{
	w->came = w->let = w->done = w->refused_most = 0;
}

/* What of those who are let in is done in a look's time. */
static unsigned serve(struct world *w, unsigned let)
{
	if (w->is_stopped) {
		return 0;
	}
	if (w->capacity == 0) {
		return let;
	}
	double can = about(w->capacity / LOOKS);
	double most = w->capacity * QUEUE_MS / 1000;
	w->queue += w->queue + let > most ? 0 : let;
	can = can < w->queue ? can : w->queue;
	w->queue -= can;
	return (unsigned)can;
}

static int64_t wait_us(const struct world *w)
{
	double queue_us = w->capacity > 0 ? w->queue / w->capacity * S : 0;

	return (int64_t)(queue_us + (double)w->disk_us * (1 + chance() / 2));
}

static void live(struct world *w, int seconds)
{
	for (int i = 0; i < seconds * LOOKS; i++) {
		unsigned came = about(w->offered / LOOKS);
		unsigned let = 0;
		for (unsigned n = 0; n < came; n++) {
			let += chance() >= w->b.refused;
		}
		unsigned done = serve(w, let);
		const struct backoff_seen seen = { .standing_us = wait_us(w), .done = done };
		backoff_look(&w->b, &limits, &seen, w->b.looked_us + S / LOOKS);
		w->came += came;
		w->let += let;
		w->done += done;
		w->refused_most = w->b.refused > w->refused_most ? w->b.refused : w->refused_most;
	}
}

/* ---- a wait without a queue ---- */

static const int64_t disks_us[] = { 250 * MS, 400 * MS, 900 * MS, 5 * S };
enum {
	DISKS = sizeof(disks_us) / sizeof(disks_us[0])
};

static void a_wait_that_refusing_does_not_shorten_costs_little(void **state)
{
	(void)state;
	for (int i = 0; i < DISKS; i++) {
		struct world *w = begin(100, 0, 0);
		live(w, 30);
		assert_true(w->b.refused == 0);
		w->disk_us = disks_us[i];
		live(w, 60);
		count_anew(w);
		live(w, 1800);
		assert_true(w->refused_most < 0.5 && w->done > 0.75 * w->came);
	}
}

/* A server for few, where chance is most of what is seen. */
static void it_is_so_where_hardly_anybody_comes(void **state)
{
	(void)state;
	for (int i = 0; i < DISKS; i++) {
		struct world *w = begin(2, 0, disks_us[i]);
		live(w, 60);
		count_anew(w);
		live(w, 3600);
		assert_true(w->done > 0.6 * w->came);
	}
}

static void nearly_all_are_refused_for_seconds_only(void **state)
{
	struct world *w = begin(100, 0, 0);
	int seconds = 0;

	(void)state;
	live(w, 30);
	w->disk_us = 2 * S;
	live(w, 1);
	assert_true(w->b.refused > 0.9);
	for (; w->b.refused > 0.3; seconds++) {
		live(w, 1);
		assert_true(seconds < 7);
	}
}

static void a_disk_that_is_well_again_ends_it_within_seconds(void **state)
{
	(void)state;
	for (int sick_s = 10; sick_s < 60; sick_s++) {
		struct world *w = begin(100, 0, 0);
		live(w, 30);
		w->disk_us = 900 * MS;
		live(w, sick_s);
		w->disk_us = 0;
		live(w, 5);
		assert_true(w->b.refused == 0 && w->b.asked == 0);
	}
}

/* Nothing is known then of what was done before. */
static void it_is_found_where_the_disk_was_slow_from_the_beginning(void **state)
{
	(void)state;
	for (int quiet_s = 0; quiet_s < 6; quiet_s++) {
		for (int i = 0; i < DISKS; i++) {
			struct world *w = begin(0, 0, 0);
			live(w, quiet_s);
			w->disk_us = disks_us[i];
			w->offered = 100;
			live(w, 60);
			count_anew(w);
			live(w, 600);
			assert_true(w->refused_most < 0.6 && w->done > 0.75 * w->came);
		}
	}
}

static void a_store_that_stands_still_does_not_send_all_away_for_long(void **state)
{
	struct world *w = begin(100, 0, 0);

	(void)state;
	live(w, 30);
	w->disk_us = 10 * S;
	w->is_stopped = true;
	live(w, 10);
	count_anew(w);
	live(w, 300);
	assert_true(w->refused_most < 0.5 && w->let > 0.8 * w->came);
	w->is_stopped = false;
	w->disk_us = 0;
	live(w, 5);
	assert_true(w->b.refused == 0);
}

/* ---- a queue ---- */

static void a_queue_is_kept_short_and_its_server_busy(void **state)
{
	static const double capacities[] = { 20, 100, 500 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		double capacity = capacities[i];
		struct world *w = begin(0.5 * capacity, capacity, 0);
		live(w, 60);
		assert_true(w->b.refused == 0);
		w->offered = 5 * capacity;
		live(w, 60);
		count_anew(w);
		live(w, 1800);
		assert_true(w->done > 0.85 * capacity * 1800);
		assert_true(w->b.refused > 0.6);
		assert_true(w->queue / capacity < 1.5);
	}
}

static void overload_after_a_slow_disk_is_refused_again(void **state)
{
	struct world *w = begin(100, 0, 900 * MS);

	(void)state;
	live(w, 120);
	assert_true(w->b.refused < 0.5);
	w->disk_us = 0;
	w->capacity = 100;
	w->offered = 500;
	live(w, 60);
	assert_true(w->b.refused > 0.6);
	count_anew(w);
	live(w, 300);
	assert_true(w->done > 0.9 * w->capacity * 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_that_refusing_does_not_shorten_costs_little),
		cmocka_unit_test(it_is_so_where_hardly_anybody_comes),
		cmocka_unit_test(nearly_all_are_refused_for_seconds_only),
		cmocka_unit_test(a_disk_that_is_well_again_ends_it_within_seconds),
		cmocka_unit_test(it_is_found_where_the_disk_was_slow_from_the_beginning),
		cmocka_unit_test(a_store_that_stands_still_does_not_send_all_away_for_long),
		cmocka_unit_test(a_queue_is_kept_short_and_its_server_busy),
		cmocka_unit_test(overload_after_a_slow_disk_is_refused_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
