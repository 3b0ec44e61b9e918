/*
 * What is known to be missing: until its id arrives, over a span of time, and not after the table
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

static void parts_of_keys_do_not_run_into_each_other(void **state)
{
	const struct slice a[] = { SLICE("ab"), SLICE("c") }, b[] = { SLICE("a"), SLICE("bc") };
	struct miss_cache *m = open_table();

	(void)state;
	assert_true(miss_cache_hash(m, a, 2) != miss_cache_hash(m, b, 2));
	miss_cache_close(&m);
}

#define ID    SLICE("44E4EC8C2F41492B9369D6B9A059577C2")
#define OTHER SLICE("F6A89660AF084CB2AFED7753C75BBEAC2")

static void a_mark_holds_until_its_id_arrives(void **state)
{
	struct miss_cache *m = open_table(), *other = NULL;
	uint64_t hash = hash_of(m, "key"), stamp = miss_cache_stamp(m, hash, ID, SECOND_US);
	struct err_note note = { 0 };

	(void)state;
	miss_cache_mark(m, hash, stamp);
	assert_true(miss_cache_has(m, hash, miss_cache_stamp(m, hash, ID, SECOND_US)));
	assert_false(miss_cache_has(m, hash_of(m, "another"), stamp));
	miss_cache_forget(m, OTHER); /* of another part, but for one secret in 4096 */
	miss_cache_forget(m, SLICE_EMPTY);
	miss_cache_forget(m, ID);
	assert_false(miss_cache_has(m, hash, miss_cache_stamp(m, hash, ID, SECOND_US)));
	/* What was looked for before is not believed after it. */
	miss_cache_mark(m, hash, stamp);
	assert_false(miss_cache_has(m, hash, miss_cache_stamp(m, hash, ID, SECOND_US)));
	/* One of this process' own. */
	assert_int_equal(miss_cache_open(NULL, &other, &note), ERR_OK);
	assert_false(miss_cache_has(other, hash, stamp));
	miss_cache_close(&other);
	miss_cache_close(&m);
}

/* Ids are asked for in either case, and filled up with zeros. */
static void an_id_arrives_however_it_is_written(void **state)
{
	struct miss_cache *m = open_table();
	const struct slice asked[] = { SLICE("05c38f13023be8be"), SLICE("05C38F13023BE8BE"),
		SLICE("05c38f13023be8be00000000000000000000000000000000") };

	(void)state;
	for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
		uint64_t hash = hash_of(m, "key");
		uint64_t stamp = miss_cache_stamp(m, hash, asked[i], 0);
		miss_cache_mark(m, hash, stamp);
		miss_cache_forget(m, asked[0]);
		assert_true(stamp != miss_cache_stamp(m, hash, asked[i], 0));
	}
	miss_cache_close(&m);
}

static void few_others_are_forgotten_with_it(void **state)
{
	struct miss_cache *m = open_table();
	char id[34];
	unsigned kept = 0;

	(void)state;
	uint64_t hash = hash_of(m, "key"), stamp = miss_cache_stamp(m, hash, ID, 0);
	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(id, sizeof(id), "%08X%024X1", i * 2654435761u, i);
		struct slice other = slice_str(id);
		uint64_t before = miss_cache_stamp(m, hash, other, 0);
		miss_cache_forget(m, ID);
		kept += miss_cache_stamp(m, hash, other, 0) == before;
	}
	assert_true(kept >= 90); /* each but for one in 4096 */
	miss_cache_mark(m, hash, stamp);
	miss_cache_forget_all(m);
	assert_false(miss_cache_has(m, hash, miss_cache_stamp(m, hash, OTHER, 0)));
	miss_cache_close(&m);
}

/* For every key once within its span, and at its own moment. */
static void marks_end_at_different_times(void **state)
{
	struct miss_cache *m = open_table();
	unsigned ended = 0;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		const struct slice part = SLICE_OF(&i, sizeof(i));
		uint64_t hash = miss_cache_hash(m, &part, 1);
		uint64_t from = miss_cache_stamp(m, hash, ID, 0);
		uint64_t half = miss_cache_stamp(m, hash, ID, MISS_CACHE_SECONDS * INT64_C(500000));
		assert_true(half == from || half == from + 1);
		assert_true(miss_cache_stamp(m, hash, ID, MISS_CACHE_SECONDS * INT64_C(1000000)) ==
			    from + 1);
		ended += half != from;
	}
	assert_true(ended > 300 && ended < 700);
	miss_cache_close(&m);
}

static void a_lasting_mark_holds_for_its_span(void **state)
{
	struct miss_cache *m = open_table();
	const int64_t span = 600 * INT64_C(1000000);
	uint64_t hash = hash_of(m, "key");
	int64_t end = span - (int64_t)(hash % (uint64_t)span); /* of the span that 0 is in */

	(void)state;
	miss_cache_mark(m, hash, miss_cache_stamp_lasting(hash, end - 1, span));
	assert_true(miss_cache_has(m, hash, miss_cache_stamp_lasting(hash, 0, span)));
	assert_false(miss_cache_has(m, hash, miss_cache_stamp_lasting(hash, end, span)));
	miss_cache_mark(m, hash, miss_cache_stamp_lasting(hash, end, span));
	miss_cache_forget(m, ID);
	miss_cache_forget_all(m);
	assert_true(miss_cache_has(m, hash, miss_cache_stamp_lasting(hash, end + span - 1, span)));
	assert_false(miss_cache_has(m, hash, miss_cache_stamp_lasting(hash, end + span, span)));
	miss_cache_close(&m);
}

/* The count of time begins anew with the machine, so that an old stamp may come again. */
static void what_an_earlier_server_knew_is_void(void **state)
{
	struct miss_cache *m = open_table();
	const uint64_t id = miss_cache_id(m), hash = hash_of(m, "key");

	(void)state;
	miss_cache_mark(m, hash, miss_cache_stamp(m, hash, ID, SECOND_US));
	miss_cache_close(&m);
	m = open_table();
	for (int64_t at = 0; at < 100; at++) {
		uint64_t again = hash_of(m, "key");
		uint64_t now = miss_cache_stamp(m, again, ID, at * SECOND_US);
		assert_false(miss_cache_has(m, again, now));
	}
	assert_true(id != 0 && miss_cache_id(m) == id);
	miss_cache_close(&m);
}

/* Whoever asks for a key once takes no place from what others are asked about only now and then. */
static void what_lasts_is_kept_while_others_come(void **state)
{
	enum {
		LASTING = 20000,
		ONCE = 300000
	};
	struct miss_cache *m = open_table();
	unsigned kept = 0, newest = 0;

	(void)state;
	for (uint64_t i = 0; i < LASTING + ONCE; i++) {
		const struct slice part = SLICE_OF(&i, sizeof(i));
		uint64_t hash = miss_cache_hash(m, &part, 1);
		miss_cache_mark(m, hash,
		    i < LASTING ? miss_cache_stamp_lasting(hash, 0, 600 * (int64_t)SECOND_US)
				: miss_cache_stamp(m, hash, ID, 0));
	}
	for (uint64_t i = 0; i < LASTING + ONCE; i++) {
		const struct slice part = SLICE_OF(&i, sizeof(i));
		uint64_t hash = miss_cache_hash(m, &part, 1);
		if (i < LASTING) {
			kept += miss_cache_has(
			    m, hash, miss_cache_stamp_lasting(hash, 0, 600 * (int64_t)SECOND_US));
		} else if (i >= LASTING + ONCE - 10000) {
			newest += miss_cache_has(m, hash, miss_cache_stamp(m, hash, ID, 0));
		}
	}
	assert_true(kept >= LASTING - LASTING / 1000);
	assert_true(newest >= 8000);
	miss_cache_close(&m);
}

static void what_has_lasted_gives_its_place(void **state)
{
	enum {
		KEYS = 20000
	};
	const int64_t span_us = 600 * (int64_t)SECOND_US;
	struct miss_cache *m = open_table();
	unsigned kept = 0;

	(void)state;
	/* Ten spans, each with keys of its own: more than there are places. */
	for (uint64_t i = 0; i < 10 * KEYS; i++) {
		const struct slice part = SLICE_OF(&i, sizeof(i));
		uint64_t hash = miss_cache_hash(m, &part, 1);
		int64_t now_us = (int64_t)(i / KEYS) * 3 * span_us;
		miss_cache_mark(m, hash, miss_cache_stamp_lasting(hash, now_us, span_us));
		kept += i >= 9 * KEYS;
	}
	for (uint64_t i = 9 * KEYS; i < 10 * KEYS; i++) {
		const struct slice part = SLICE_OF(&i, sizeof(i));
		uint64_t hash = miss_cache_hash(m, &part, 1);
		kept -= !miss_cache_has(
		    m, hash, miss_cache_stamp_lasting(hash, 9 * 3 * span_us, span_us));
	}
	assert_true(kept >= KEYS - KEYS / 1000);
	miss_cache_close(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    parts_of_keys_do_not_run_into_each_other, start, stop),
		cmocka_unit_test_setup_teardown(a_mark_holds_until_its_id_arrives, start, stop),
		cmocka_unit_test_setup_teardown(an_id_arrives_however_it_is_written, start, stop),
		cmocka_unit_test_setup_teardown(few_others_are_forgotten_with_it, start, stop),
		cmocka_unit_test_setup_teardown(marks_end_at_different_times, start, stop),
		cmocka_unit_test_setup_teardown(a_lasting_mark_holds_for_its_span, start, stop),
		cmocka_unit_test_setup_teardown(what_an_earlier_server_knew_is_void, start, stop),
		cmocka_unit_test_setup_teardown(what_lasts_is_kept_while_others_come, start, stop),
		cmocka_unit_test_setup_teardown(what_has_lasted_gives_its_place, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
