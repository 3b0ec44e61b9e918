/*
 * Files in memory: found as they were put there, by all parts of their key, until something arrives
 * that has the id; no more bytes than there may be.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	struct symbol_file f;
	struct slice bytes;

	return hot_files_get(rig->hot, &key, 1, &f, &bytes);
}

static void put(const struct rig *rig, const char *name, const char *file, struct slice bytes)
{
	const struct hot_key key = key_of(rig, name, file);
	const struct symbol_file f = { .key = { slice_str(name), ID, slice_str(file) },
		.blob = SLICE("0a0b"),
		.size = 17,
		.used_ms = 5 };

	hot_files_put(rig->hot, &key, &f, bytes);
}

static void what_was_put_is_found(void **state)
{
	const struct rig *rig = *state;
	char name[] = "xul.pdb", bytes[] = "the bytes";
	struct symbol_file f;
	struct slice got;

	put(rig, name, "xul.sym", SLICE_OF(bytes, sizeof(bytes)));
	const struct hot_key key = key_of(rig, "xul.pdb", "xul.sym");
	memset(name, 'x', sizeof(name) - 1);
	memset(bytes, 'x', sizeof(bytes));
	assert_true(hot_files_get(rig->hot, &key, 77, &f, &got));
	assert_true(slice_eq(f.key.debug_file, SLICE("xul.pdb")));
	assert_true(slice_eq(f.key.debug_id, ID) && slice_eq(f.key.file, SLICE("xul.sym")));
	assert_true(slice_eq(f.blob, SLICE("0a0b")) && f.md5.len == 0 && f.size == 17);
	assert_true(got.len == sizeof(bytes) && memcmp(got.ptr, "the bytes", got.len) == 0);
	/* Its use was counted by whoever got it first. */
	assert_int_equal(f.used_ms, 5);
	assert_true(hot_files_get(rig->hot, &key, 78, &f, &got));
	assert_int_equal(f.used_ms, 77);
}

static void nothing_else_is(void **state)
{
	const struct rig *rig = *state;
	struct symbol_file f;
	struct slice got;

	put(rig, "xul.pdb", "xul.sym", SLICE("bytes"));
	assert_false(has(rig, "xul.pdb", "xul.pd_"));
	assert_false(has(rig, "xul.pdbx", "ul.sym"));
	/* Not even where two hashes are the same. */
	struct hot_key other = key_of(rig, "other", "xul.sym"),
		       key = key_of(rig, "xul.pdb", "xul.sym");
	other.hash = key.hash;
	other.stamp = key.stamp;
	assert_true(hot_files_get(rig->hot, &key, 1, &f, &got));
	assert_false(hot_files_get(rig->hot, &other, 1, &f, &got));
}

static void it_holds_until_its_id_arrives(void **state)
{
	const struct rig *rig = *state;
	const struct slice parts[] = { SLICE("xul.pdb"), ID, SLICE("xul.sym") };
	struct symbol_file f;
	struct slice got;

	put(rig, "xul.pdb", "xul.sym", SLICE("bytes"));
	struct hot_key later =
	    hot_key_of(rig->misses, parts, 3, ID, 2 * MISS_CACHE_SECONDS * 1000000);
	assert_false(hot_files_get(rig->hot, &later, 1, &f, &got));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_put_is_found, start, stop),
		cmocka_unit_test_setup_teardown(nothing_else_is, start, stop),
		cmocka_unit_test_setup_teardown(it_holds_until_its_id_arrives, start, stop),
		cmocka_unit_test_setup_teardown(they_are_no_more_than_there_may_be, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
