/*
 * The JSON reader with long strings, many members, and little memory.
 */
#include "core/base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_reset(&arena);
	return 0;
}

/* The scanner goes by 16 bytes: every kind of byte at every distance from start and end. */
static void test_long_strings_of_every_length(void **state)
{
	static const struct {
		const char *in, *out; /* out NULL: refused */
	} rows[] = { { "x", "x" }, { "\\n", "\n" }, { "\xc3\xa4", "\xc3\xa4" },
		{ "\\ud83d\\ude00", "\xf0\x9f\x98\x80" }, { "\x1f", NULL }, { "\xff", NULL },
		{ "\xc3", NULL }, { "\\", NULL } };
	char text[200], wanted[200];

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * 50 * 50; i++) {
		int before = (int)(i % 50), after = (int)(i / 50 % 50);
		const char *in = rows[i / 2500].in, *out = rows[i / 2500].out;
		struct arena own = arena_new(1 << 14);
		const struct json *v = NULL;
		struct slice s;
		snprintf(text, sizeof(text), "\"%0*d%s%0*d\"", before + 1, 0, in, after + 1, 0);
		enum err e = json_parse(&own, slice_str(text), &v, NULL);
		assert_int_equal(e, out == NULL ? ERR_SYNTAX : ERR_OK);
		if (out != NULL) {
			snprintf(
			    wanted, sizeof(wanted), "%0*d%s%0*d", before + 1, 0, out, after + 1, 0);
			assert_true(json_get_string(v, &s) && slice_eq(s, slice_str(wanted)));
		}
		arena_reset(&own);
	}
}

/* {"m0":0,"m1":1,...}; the last name is the one of member twin. */
static void put_members(struct buf *out, int64_t n, int64_t twin)
{
	struct json_writer w = json_writer_new(out);
	char name[32];

	json_begin_object(&w);
	for (int64_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "m%lld", (long long)(i == n - 1 ? twin : i));
		json_put_name(&w, slice_str(name));
		json_put_i64(&w, i);
	}
	json_end_object(&w);
}

static void test_many_members_are_found_and_kept_in_order(void **state)
{
	static const int64_t rows[] = { 1, 15, 16, 17, 18, 100, 5000 };

	(void)state;
	for (size_t row = 0; row < COUNT(rows); row++) {
		struct buf b = buf_new(1 << 20);
		const struct json *v = NULL, *value = NULL;
		void *cursor = NULL;
		struct slice name;
		char wanted[32];
		int64_t n = rows[row], got = -1;
		put_members(&b, n, n - 1);
		assert_int_equal(json_parse(&arena, buf_slice(&b), &v, NULL), ERR_OK);
		assert_int_equal(json_count(v), n);
		for (int64_t i = 0; i < n; i++) {
			snprintf(wanted, sizeof(wanted), "m%lld", (long long)i);
			assert_true(json_next(v, &cursor, &name, &value));
			assert_true(slice_eq(name, slice_str(wanted)));
			assert_true(json_get_i64(value, &got) && got == i);
			assert_ptr_equal(json_member(v, wanted), value);
		}
		assert_false(json_next(v, &cursor, &name, &value));
		assert_null(json_member(v, "m"));
		assert_null(json_member(v, "m99999"));
		assert_null(json_member(v, ""));
		buf_free(&b);
	}
}

static void test_duplicate_among_many_members_is_refused(void **state)
{
	static const struct {
		int64_t n, twin;
	} rows[] = { { 2, 0 }, { 16, 0 }, { 16, 14 }, { 17, 0 }, { 17, 15 }, { 5000, 0 },
		{ 5000, 2500 }, { 5000, 4998 } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b = buf_new(1 << 20);
		const struct json *v = NULL;
		put_members(&b, rows[i].n, rows[i].twin);
		assert_int_equal(json_parse(&arena, buf_slice(&b), &v, NULL), ERR_SYNTAX);
		buf_free(&b);
	}
}

/* Comparing every name with every other would take minutes here; the test's time limit is one. */
static void test_hostile_number_of_members_is_no_hostile_time(void **state)
{
	struct arena own = arena_new(64 << 20);
	struct buf b = buf_new(16 << 20);
	const struct json *v = NULL;

	(void)state;
	put_members(&b, 300000, 300000);
	assert_int_equal(json_parse(&own, buf_slice(&b), &v, NULL), ERR_OK);
	assert_int_equal(json_count(v), 300000);
	buf_free(&b);
	arena_reset(&own);
}

static void test_arena_bounds_a_document(void **state)
{
	static const char *const rows[] = { "1", "\"text\"", "[1,2,[3,4,{\"a\":5}]]" };
	static char many[20001];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enum err e = ERR_MEMORY;
		for (size_t max = 0; e != ERR_OK; max += 8) {
			struct arena own = arena_new(max);
			const struct json *v = NULL;
			e = json_parse(&own, slice_str(rows[i]), &v, NULL);
			assert_true(e == ERR_OK || (e == ERR_MEMORY && v == NULL && max < 4096));
			arena_reset(&own);
		}
	}
	/* 10,000 elements do not fit beside their text, and are not gathered elsewhere either. */
	for (size_t i = 0; i < sizeof(many) - 1; i++) {
		many[i] = i % 2 == 1 ? ',' : '1';
	}
	many[0] = '[';
	many[1] = ' ';
	many[sizeof(many) - 2] = ']';
	struct arena own = arena_new(64 * 1024);
	const struct json *v = NULL;
	assert_int_equal(json_parse(&own, slice_str(many), &v, NULL), ERR_MEMORY);
	arena_reset(&own);
	assert_int_equal(json_parse(&arena, slice_str(many), &v, NULL), ERR_OK);
	assert_int_equal(json_count(v), 9999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		T(test_long_strings_of_every_length),
		T(test_many_members_are_found_and_kept_in_order),
		T(test_duplicate_among_many_members_is_refused),
		T(test_hostile_number_of_members_is_no_hostile_time),
		T(test_arena_bounds_a_document),
#undef T
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
