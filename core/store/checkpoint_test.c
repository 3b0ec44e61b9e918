/*
 * The checkpoint thread: the log stays short under load, a reader that holds an old snapshot stops
 * nobody, and an idle store brings its file up to date.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/base/clock.h"
#include "core/store/store_priv.h"
#include "core/store/store_rig.h"
#include "core/store/test_dir.h"

enum {
	VALUE_BYTES = 256 * 1024,
	MIB = 1024 * 1024
};

struct fixture {
	struct test_dir dir;
	struct rig rig;
	char value[VALUE_BYTES];
	int64_t longest_log, slowest_us;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	test_dir_make(&f->dir);
	rig_open(&f->rig, f->dir.path, true);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	rig_close(&f->rig);
	test_dir_remove(&f->dir);
	free(f);
	return 0;
}

/* Writes so many MiB over and over the same rows, and looks at the log meanwhile. */
static void write_mib(struct fixture *f, unsigned mib)
{
	for (unsigned i = 0; i < mib * (MIB / VALUE_BYTES); i++) {
		struct rig_call c = { .id = i % 8, .value = SLICE_OF(f->value, VALUE_BYTES) };
		int64_t begun_us = clock_mono_us(), took_us;

		memset(
		    f->value, 'a' + (int)(i / 8 % 26), VALUE_BYTES); /* SQLite skips equal pages */
		rig_start(&f->rig, &c);
		rig_finish(&f->rig);
		assert_int_equal(c.e, ERR_OK);
		took_us = clock_mono_us() - begun_us;
		f->slowest_us = took_us > f->slowest_us ? took_us : f->slowest_us;
		if (f->rig.store->wal_bytes > f->longest_log) {
			f->longest_log = f->rig.store->wal_bytes;
		}
	}
}

static int64_t checkpoints(struct fixture *f)
{
	return atomic_load(&store_checkpoint_cells(f->rig.metrics).seconds->count);
}

static void test_log_stays_short_under_load(void **state)
{
	struct fixture *f = *state;

	write_mib(f, 100);
	assert_true(checkpoints(f) > 0);
	print_message("longest log %lld KiB, %lld pauses, slowest write %lld us\n",
	    (long long)f->longest_log / 1024,
	    (long long)metric_get(store_checkpoint_cells(f->rig.metrics).pauses),
	    (long long)f->slowest_us);
	assert_in_range(f->longest_log, 4 * MIB, CHECKPOINT_LIMIT_BYTES + MIB);
	assert_true(f->rig.store->wal_bytes < CHECKPOINT_LIMIT_BYTES);
}

static void test_old_snapshot_stops_nobody(void **state)
{
	struct fixture *f = *state;
	sqlite3 *reader;
	char name[160];
	struct stat st;

	assert_int_equal(rig_do(&f->rig, RIG_PUT, 1, "old"), ERR_OK);
	assert_int_equal(sqlite3_open_v2(f->dir.file, &reader, SQLITE_OPEN_READONLY, NULL), 0);
	assert_int_equal(
	    sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM item", NULL, NULL, NULL), 0);
	write_mib(f, 100);
	assert_true(f->longest_log > CHECKPOINT_LIMIT_BYTES);
	assert_true(f->slowest_us < 2 * CHECKPOINT_PAUSE_US);
	assert_int_equal(sqlite3_exec(reader, "COMMIT", NULL, NULL, NULL), 0);
	sqlite3_close(reader);
	for (int i = 0; i < 20 && f->rig.store->wal_bytes > CHECKPOINT_LIMIT_BYTES; i++) {
		write_mib(f, 4);
	}
	assert_true(f->rig.store->wal_bytes < CHECKPOINT_LIMIT_BYTES);
	snprintf(name, sizeof(name), "%s-wal", f->dir.file);
	assert_int_equal(stat(name, &st), 0);
	assert_true(st.st_size <= CHECKPOINT_LIMIT_BYTES + MIB); /* the file is cut, too */
}

static void test_idle_store_brings_the_file_up_to_date(void **state)
{
	const struct timespec step = { .tv_nsec = 50 * 1000 * 1000 };
	int64_t give_up_us = clock_mono_us() + 3 * CHECKPOINT_IDLE_MS * INT64_C(1000);
	struct fixture *f = *state;
	struct stat st = { 0 };

	write_mib(f, 1);
	assert_int_equal(checkpoints(f), 0);
	while (st.st_size < VALUE_BYTES && clock_mono_us() < give_up_us) {
		nanosleep(&step, NULL);
		assert_int_equal(stat(f->dir.file, &st), 0);
	}
	assert_true(st.st_size >= VALUE_BYTES);
}

int main(void)
{
#define IN_RIG(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		IN_RIG(test_log_stays_short_under_load),
		IN_RIG(test_old_snapshot_stops_nobody),
		IN_RIG(test_idle_store_brings_the_file_up_to_date),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
