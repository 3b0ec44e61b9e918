/*
 * The last warnings of all processes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/obs/metric_rig.h"

enum {
	SLOTS = 2
};

struct fixture {
	struct metric_rig rig;
	struct metrics *m[SLOTS + 1]; /* the last: the supervisor */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	metric_rig_init(&f->rig, SLOTS);
	for (int i = 0; i <= SLOTS; i++) {
		f->m[i] = metric_rig_open(&f->rig, i == SLOTS ? -1 : i);
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i <= SLOTS; i++) {
		metrics_close(&f->m[i]);
	}
	metric_rig_fini(&f->rig);
	free(f);
	return 0;
}

static void none_at_first(void **state)
{
	struct fixture *f = *state;
	struct metric_warning out[4];

	assert_int_equal(metrics_warnings(f->m[0], out, 4), 0);
}

static void all_processes_newest_first(void **state)
{
	struct fixture *f = *state;
	struct metric_warning out[4];

	metrics_warn(f->m[0], 10, SLICE("first"));
	metrics_warn(f->m[2], 30, SLICE("supervisor"));
	metrics_warn(f->m[1], 20, SLICE("second"));
	assert_int_equal(metrics_warnings(f->m[1], out, 4), 3);
	assert_string_equal(out[0].text, "supervisor");
	assert_string_equal(out[1].text, "second");
	assert_string_equal(out[2].text, "first");
	assert_int_equal(out[2].wall_ms, 10);
	assert_int_equal(metrics_warnings(f->m[1], out, 2), 2);
	assert_string_equal(out[1].text, "second");
}

static void only_the_last_are_kept_and_long_ones_cut(void **state)
{
	struct fixture *f = *state;
	struct metric_warning out[3 * WARNINGS_KEPT];
	char text[3 * WARNING_BYTES];

	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 2 * WARNINGS_KEPT; i++) {
		text[0] = (char)('a' + i);
		metrics_warn(f->m[0], i, SLICE_OF(text, sizeof(text)));
	}
	assert_int_equal(metrics_warnings(f->m[0], out, 3 * WARNINGS_KEPT), WARNINGS_KEPT);
	assert_int_equal(out[0].text[0], 'a' + 2 * WARNINGS_KEPT - 1);
	assert_int_equal(strlen(out[0].text), WARNING_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(none_at_first, setup, teardown),
		cmocka_unit_test_setup_teardown(all_processes_newest_first, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    only_the_last_are_kept_and_long_ones_cut, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
