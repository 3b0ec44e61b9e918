/*
 * What is known to be missing: until the next upload, over a span of time, and not after the table
 * was opened anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "services/symbols/miss_cache.h"

enum {
	SECOND_US = 1000000
};

static char path[64];

static struct miss_cache *open_table(void)
{
	struct miss_cache *m = NULL;
	struct err_note note = { 0 };

	assert_int_equal(miss_cache_open(path, &m, &note), ERR_OK);
	return m;
}

static uint64_t hash_of(const struct miss_cache *m, const char *key)
{
	const struct slice part = slice_str(key);

	return miss_cache_hash(m, &part, 1);
}

static int start(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/plimsoll-misses-XXXXXX");
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	(void)close(fd);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	return unlink(path);
}

static void a_mark_holds_until_the_next_upload(void **state)
{
	struct miss_cache *m = open_table(), *other = NULL;
	uint64_t stamp = miss_cache_stamp(m, SECOND_US), hash = hash_of(m, "key");
	struct err_note note = { 0 };

	(void)state;
	miss_cache_mark(m, hash, stamp);
	assert_true(miss_cache_has(m, hash, miss_cache_stamp(m, 2 * SECOND_US)));
	assert_false(miss_cache_has(m, hash_of(m, "another"), stamp));
	miss_cache_forget(m);
	assert_false(miss_cache_has(m, hash, miss_cache_stamp(m, SECOND_US)));
	/* One of this process' own. */
	assert_int_equal(miss_cache_open(NULL, &other, &note), ERR_OK);
	assert_false(miss_cache_has(other, hash, stamp));
	miss_cache_close(&other);
	miss_cache_close(&m);
}

static void a_lasting_mark_holds_for_its_span(void **state)
{
	struct miss_cache *m = open_table();
	uint64_t stamp = miss_cache_stamp_lasting(600 * INT64_C(1000000), 600 * INT64_C(1000000));
	uint64_t hash = hash_of(m, "key");

	(void)state;
	miss_cache_mark(m, hash, stamp);
	miss_cache_forget(m);
	assert_true(miss_cache_has(
	    m, hash, miss_cache_stamp_lasting(1199 * INT64_C(1000000), 600 * INT64_C(1000000))));
	assert_false(miss_cache_has(
	    m, hash, miss_cache_stamp_lasting(1200 * INT64_C(1000000), 600 * INT64_C(1000000))));
	miss_cache_close(&m);
}

/* The count of time begins anew with the machine, so that an old stamp may come again. */
static void what_an_earlier_server_knew_is_void(void **state)
{
	struct miss_cache *m = open_table();
	const uint64_t id = miss_cache_id(m), stamp = miss_cache_stamp(m, SECOND_US);

	(void)state;
	miss_cache_mark(m, hash_of(m, "key"), stamp);
	miss_cache_close(&m);
	m = open_table();
	for (int64_t at = 0; at < 100; at++) {
		uint64_t now = miss_cache_stamp(m, at * SECOND_US);
		assert_false(miss_cache_has(m, hash_of(m, "key"), now));
	}
	assert_true(id != 0 && miss_cache_id(m) == id);
	miss_cache_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_mark_holds_until_the_next_upload, start, stop),
		cmocka_unit_test_setup_teardown(a_lasting_mark_holds_for_its_span, start, stop),
		cmocka_unit_test_setup_teardown(what_an_earlier_server_knew_is_void, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
