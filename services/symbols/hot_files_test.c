/*
 * Files in memory: found as they were put there, by all parts of their key, until something arrives
 * that has the id; no more bytes and no more open ones than there may be.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "services/symbols/hot_files.h"

#define ID SLICE("44E4EC8C2F41492B9369D6B9A059577C2")

struct rig {
	struct miss_cache *misses;
	struct hot_files *hot;
};

static int start(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	struct err_note note = { 0 };

	assert_non_null(rig);
	assert_int_equal(miss_cache_open(NULL, &rig->misses, &note), ERR_OK);
	assert_int_equal(hot_files_new(&rig->hot), ERR_OK);
	*state = rig;
	return 0;
}

static int stop(void **state)
{
	struct rig *rig = *state;

	hot_files_free(&rig->hot);
	miss_cache_close(&rig->misses);
	free(rig);
	return 0;
}

static struct hot_key key_of(const struct rig *rig, const char *name, const char *file)
{
	const struct slice parts[] = { slice_str(name), ID, slice_str(file) };

	return hot_key_of(rig->misses, parts, 3, ID, 0);
}

static bool has(const struct rig *rig, const char *name, const char *file)
{
	const struct hot_key key = key_of(rig, name, file);
	struct hot_file f;

	return hot_files_get(rig->hot, &key, 1, &f);
}

static struct hot_file file_of(const char *name, const char *file)
{
	return (struct hot_file){ .row = { .key = { slice_str(name), ID, slice_str(file) },
				      .blob = SLICE("0a0b"),
				      .size = 17,
				      .used_ms = 5 } };
}

static void put(const struct rig *rig, const char *name, const char *file, struct slice bytes)
{
	const struct hot_key key = key_of(rig, name, file);
	struct hot_file f = file_of(name, file);

	f.bytes = bytes;
	hot_files_put(rig->hot, &key, &f);
}

/* A larger one, whose blob is open only while it is put there. */
static void put_open(const struct rig *rig, const char *name)
{
	const struct hot_key key = key_of(rig, name, "x.sym");
	struct hot_file f = file_of(name, "x.sym");

	f.is_open = true;
	f.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	assert_true(f.fd >= 0);
	hot_files_put(rig->hot, &key, &f);
	assert_int_equal(close(f.fd), 0);
}

static void what_was_put_is_found(void **state)
{
	const struct rig *rig = *state;
	char name[] = "xul.pdb", bytes[] = "the bytes";
	struct hot_file f;

	put(rig, name, "xul.sym", SLICE_OF(bytes, sizeof(bytes)));
	const struct hot_key key = key_of(rig, "xul.pdb", "xul.sym");
	memset(name, 'x', sizeof(name) - 1);
	memset(bytes, 'x', sizeof(bytes));
	assert_true(hot_files_get(rig->hot, &key, 77, &f));
	const struct symbol_file *row = &f.row;
	assert_true(slice_eq(row->key.debug_file, SLICE("xul.pdb")));
	assert_true(slice_eq(row->key.debug_id, ID) && slice_eq(row->key.file, SLICE("xul.sym")));
	assert_true(slice_eq(row->blob, SLICE("0a0b")) && row->md5.len == 0 && row->size == 17);
	assert_true(slice_eq(f.bytes, SLICE_OF("the bytes", sizeof(bytes))) && !f.is_open);
	/* Its use was counted by whoever got it first. */
	assert_int_equal(row->used_ms, 5);
	assert_true(hot_files_get(rig->hot, &key, 78, &f));
	assert_int_equal(f.row.used_ms, 77);
}

static void nothing_else_is(void **state)
{
	const struct rig *rig = *state;
	struct hot_file f;

	put(rig, "xul.pdb", "xul.sym", SLICE("bytes"));
	assert_false(has(rig, "xul.pdb", "xul.pd_"));
	assert_false(has(rig, "xul.pdbx", "ul.sym"));
	/* Not even where two hashes are the same. */
	struct hot_key other = key_of(rig, "other", "xul.sym"),
		       key = key_of(rig, "xul.pdb", "xul.sym");
	other.hash = key.hash;
	other.stamp = key.stamp;
	assert_true(hot_files_get(rig->hot, &key, 1, &f));
	assert_false(hot_files_get(rig->hot, &other, 1, &f));
}

static void it_holds_until_its_id_arrives(void **state)
{
	const struct rig *rig = *state;
	const struct slice parts[] = { SLICE("xul.pdb"), ID, SLICE("xul.sym") };
	struct hot_file f;

	put(rig, "xul.pdb", "xul.sym", SLICE("bytes"));
	struct hot_key later =
	    hot_key_of(rig->misses, parts, 3, ID, 2 * MISS_CACHE_SECONDS * 1000000);
	assert_false(hot_files_get(rig->hot, &later, 1, &f));
	assert_true(has(rig, "xul.pdb", "xul.sym"));
	miss_cache_forget(rig->misses, ID);
	assert_false(has(rig, "xul.pdb", "xul.sym"));
	put(rig, "xul.pdb", "xul.sym", SLICE("newer"));
	assert_true(has(rig, "xul.pdb", "xul.sym"));
}

static void they_are_no_more_than_there_may_be(void **state)
{
	const struct rig *rig = *state;
	char *bytes = calloc(1, HOT_FILE_MAX + 1), name[32];
	unsigned kept = 0;

	assert_non_null(bytes);
	put(rig, "large", "large.sym", SLICE_OF(bytes, HOT_FILE_MAX + 1));
	assert_false(has(rig, "large", "large.sym"));
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "module%u", i);
		put(rig, name, "x.sym", SLICE_OF(bytes, HOT_FILE_MAX));
		assert_true(has(rig, name, "x.sym"));
	}
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "module%u", i);
		kept += has(rig, name, "x.sym");
	}
	assert_in_range(kept, 100, HOT_BYTES_MAX / HOT_FILE_MAX);
	free(bytes);
}

static void a_larger_one_stays_open(void **state)
{
	const struct rig *rig = *state;
	struct hot_file f;
	char four[4];

	put_open(rig, "xul.pdb");
	const struct hot_key key = key_of(rig, "xul.pdb", "x.sym");
	assert_true(hot_files_get(rig->hot, &key, 1, &f));
	assert_true(f.is_open && f.bytes.len == 0);
	assert_int_equal(pread(f.fd, four, sizeof(four), 0), sizeof(four));
	assert_memory_equal(four, "\177ELF", sizeof(four));
	assert_int_equal(fcntl(f.fd, F_GETFD), FD_CLOEXEC);
	/* Whoever takes its place closes it. */
	put(rig, "xul.pdb", "x.sym", SLICE("bytes"));
	assert_int_equal(fcntl(f.fd, F_GETFD), -1);
	assert_int_equal(hot_files_open_count(rig->hot), 0);
	assert_true(has(rig, "xul.pdb", "x.sym"));
}

static void no_more_are_open_than_there_may_be(void **state)
{
	const struct rig *rig = *state;
	char name[32];
	unsigned kept = 0;
	int before = dup(0);

	put(rig, "small", "x.sym", SLICE("bytes"));
	for (unsigned i = 0; i < 3 * HOT_OPEN_MAX; i++) {
		(void)snprintf(name, sizeof(name), "module%u", i);
		put_open(rig, name);
		assert_true(has(rig, name, "x.sym"));
		assert_in_range(hot_files_open_count(rig->hot), 1, HOT_OPEN_MAX);
	}
	for (unsigned i = 0; i < 3 * HOT_OPEN_MAX; i++) {
		(void)snprintf(name, sizeof(name), "module%u", i);
		kept += has(rig, name, "x.sym");
	}
	assert_int_equal(kept, hot_files_open_count(rig->hot));
	assert_in_range(kept, HOT_OPEN_MAX / 2, HOT_OPEN_MAX);
	/* Small ones have not made room for them, and no descriptor is lost. */
	hot_files_close_old(rig->hot, (MISS_CACHE_SECONDS + 1) * INT64_C(1000000));
	int after = dup(0);
	assert_int_equal(after, before + 1);
	(void)close(before);
	(void)close(after);
}

static void nothing_is_open_for_longer_than_it_holds(void **state)
{
	const struct rig *rig = *state;

	put_open(rig, "xul.pdb");
	put(rig, "small", "x.sym", SLICE("bytes"));
	hot_files_close_old(rig->hot, MISS_CACHE_SECONDS * INT64_C(1000000));
	assert_int_equal(hot_files_open_count(rig->hot), 1);
	assert_true(has(rig, "xul.pdb", "x.sym"));
	hot_files_close_old(rig->hot, MISS_CACHE_SECONDS * INT64_C(1000000) + 1);
	assert_int_equal(hot_files_open_count(rig->hot), 0);
	assert_false(has(rig, "xul.pdb", "x.sym"));
	assert_true(has(rig, "small", "x.sym"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_put_is_found, start, stop),
		cmocka_unit_test_setup_teardown(nothing_else_is, start, stop),
		cmocka_unit_test_setup_teardown(it_holds_until_its_id_arrives, start, stop),
		cmocka_unit_test_setup_teardown(they_are_no_more_than_there_may_be, start, stop),
		cmocka_unit_test_setup_teardown(a_larger_one_stays_open, start, stop),
		cmocka_unit_test_setup_teardown(no_more_are_open_than_there_may_be, start, stop),
		cmocka_unit_test_setup_teardown(
		    nothing_is_open_for_longer_than_it_holds, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
