/*
 * Use of what syncs need, from counters that the test sets: roles that have a processor each,
 * roles that share one, roles that give way, processes that come and go.
 */
#include "services/sync/sync_use.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/role_id.h"
#include "core/obs/metric_rig.h"

enum {
	SECOND = 1000000,
	THOUSAND = 1000
};

/* One slot for each. */
enum process {
	WEB_0,
	WEB_1,
	STORE,
	SIGNER,
	COMPUTE,
	SLOTS
};

struct fixture {
	struct metric_rig rig;
	struct metrics *metrics;
	struct sync_use before;
};

static struct metric_slot *slot(struct fixture *f, enum process p)
{
	return metrics_slot(f->metrics, p);
}

static int setup(void **state)
{
	static const int32_t roles[SLOTS] = { ROLE_WEB, ROLE_WEB, ROLE_STORE, ROLE_SIGNER,
		ROLE_COMPUTE };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	metric_rig_init(&f->rig, SLOTS);
	f->metrics = metric_rig_open(&f->rig, -1);
	for (enum process p = WEB_0; p < SLOTS; p++) {
		slot(f, p)->role = roles[p];
		slot(f, p)->state = SLOT_SERVING;
		slot(f, p)->cpu_us = slot(f, p)->busy_us = 5 * SECOND;
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	metrics_close(&f->metrics);
	metric_rig_fini(&f->rig);
	free(f);
	return 0;
}

/* A process used so many thousandths of the second, and was not idle for so many. */
static void work(struct fixture *f, enum process p, int64_t cpu, int64_t busy)
{
	slot(f, p)->cpu_us += cpu * SECOND / THOUSAND;
	slot(f, p)->busy_us += busy * SECOND / THOUSAND;
}

/* In thousandths, of a second that begins at begin(); -1: it cannot be said. */
static int use(struct fixture *f, unsigned cores)
{
	struct sync_use now = sync_use_now(f->metrics, cores, 2 * (int64_t)SECOND);
	double share = 0;

	return sync_use_between(&f->before, &now, &share) ? (int)(share * THOUSAND + 0.5) : -1;
}

static void begin(struct fixture *f, unsigned cores)
{
	f->before = sync_use_now(f->metrics, cores, SECOND);
}

static void test_nothing_done_is_no_use(void **state)
{
	struct fixture *f = *state;

	begin(f, 4);
	assert_int_equal(use(f, 4), 0);
}

static void test_the_busiest_role_counts_where_there_are_enough_processors(void **state)
{
	struct fixture *f = *state;

	begin(f, 4);
	work(f, WEB_0, 500, 600);
	work(f, WEB_1, 300, 400);
	work(f, STORE, 700, 950);
	assert_int_equal(use(f, 4), 700);
	work(f, WEB_0, 300, 400);
	work(f, WEB_1, 400, 500); /* both together 1.9 of 2 seconds */
	assert_int_equal(use(f, 4), 950);
}

static void test_roles_that_share_a_processor_are_full_together(void **state)
{
	struct fixture *f = *state;

	begin(f, 1);
	work(f, WEB_0, 250, 300);
	work(f, WEB_1, 250, 300);
	work(f, STORE, 380, 400);
	work(f, SIGNER, 70, 80);
	assert_int_equal(use(f, 1), 950);
	assert_int_equal(use(f, 2), 475);
}

static void test_what_gives_way_is_no_use(void **state)
{
	struct fixture *f = *state;

	begin(f, 1);
	work(f, WEB_0, 100, 150);
	work(f, COMPUTE, 900, 1000);
	assert_int_equal(use(f, 1), 100);
}

static void test_a_process_that_comes_or_goes_spoils_the_figure(void **state)
{
	struct fixture *f = *state;

	begin(f, 2);
	slot(f, WEB_1)->state = SLOT_EMPTY;
	assert_int_equal(use(f, 2), -1);
	begin(f, 2);
	slot(f, WEB_1)->state = SLOT_SERVING;
	assert_int_equal(use(f, 2), -1);
	begin(f, 2);
	slot(f, SIGNER)->state = SLOT_STARTING;
	assert_int_equal(use(f, 2), -1);
	begin(f, 2);
	slot(f, STORE)->cpu_us = 0; /* another took its place within the second */
	assert_int_equal(use(f, 2), -1);
	begin(f, 2);
	assert_int_equal(use(f, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_done_is_no_use, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_the_busiest_role_counts_where_there_are_enough_processors, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(
		    test_roles_that_share_a_processor_are_full_together, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_gives_way_is_no_use, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_process_that_comes_or_goes_spoils_the_figure, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
