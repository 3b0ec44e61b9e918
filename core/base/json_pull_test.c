/*
 * The pull reader: what it yields, what it refuses, and that it agrees with the tree reader.
 */
#include "core/base/json_pull.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum {
	ARENA_MAX = 1 << 20
};

/* The items as text: "[ i1 s:a ]". */
static enum err spell(const char *text, struct buf *out)
{
	struct arena arena = arena_new(ARENA_MAX);
	struct json_pull *p = NULL;
	struct json_item item = { .event = JSON_NULL };
	enum err e = json_pull_new(&arena, slice_str(text), &p, NULL);

	while (e == ERR_OK && (e = json_pull_next(p, &item)) == ERR_OK && item.event != JSON_END) {
		static const char *const marks[] = { "", "[", "]", "{", "}", "n:", "s:", "i", "L",
			"r", "b", "0" };
		buf_printf(out, " %s", marks[item.event]);
		if (item.event == JSON_INT || item.event == JSON_BOOL) {
			buf_append_i64(out, item.integer);
		} else if (item.event == JSON_REAL) {
			buf_printf(out, "%g", item.real);
		} else if (item.text.len > 0 && item.event >= JSON_NAME) {
			buf_append_slice(out, item.text);
		}
		item.text = SLICE_EMPTY;
	}
	arena_reset(&arena);
	return e;
}

static void items_come_in_the_order_of_the_text(void **state)
{
	(void)state;
	static const struct {
		const char *text, *items;
	} rows[] = {
		{ "1", " i1" },
		{ " [ ] ", " [ ]" },
		{ "{}", " { }" },
		{ "{\"a\":[1,-1,{\"b\":null}],\"a\":true}",
		    " { n:a [ i1 i-1 { n:b 0 } ] n:a b1 }" },
		{ "[\"x\\u0041\",false,[[]]]", " [ s:xA b0 [ [ ] ] ]" },
		{ "9223372036854775807", " i9223372036854775807" },
		{ "-9223372036854775808", " i-9223372036854775808" },
		{ "9223372036854775808", " L9223372036854775808" },
		{ "[-9223372036854775809]", " [ L-9223372036854775809 ]" },
		{ "[1.0,1e2,-0,0]", " [ r1 r100 i0 i0 ]" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = buf_new(1000);
		assert_int_equal(spell(rows[i].text, &out), ERR_OK);
		buf_append_char(&out, '\0');
		assert_string_equal(out.data, rows[i].items);
		buf_free(&out);
	}
}

static void what_is_no_json_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "", " ", "[", "]", "{", "[1", "[1,", "[1,]", "[,1]",
		"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{1:2}", "1 2", "[1 2]", "[1}", "{\"a\":1]",
		"tru", "01", "-", "1.", "1e", "+1", "\"a", "\"\\x\"", "\"\xff\"", "nul",
		"[\"a\":1]", "NaN", "1e999", "[00]", "-01" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct buf out = buf_new(1000);
		if (spell(texts[i], &out) != ERR_SYNTAX) {
			fail_msg("taken: %s", texts[i]);
		}
		buf_free(&out);
	}
}

static void depth_is_limited(void **state)
{
	(void)state;
	char text[2 * JSON_MAX_DEPTH + 4] = "";
	struct buf out = buf_new(1000);

	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	assert_int_equal(spell(text, &out), ERR_OK);
	memset(text, '[', JSON_MAX_DEPTH + 1);
	assert_int_equal(spell(text, &out), ERR_LIMIT);
	buf_free(&out);
}

static void values_can_be_passed_over(void **state)
{
	(void)state;
	struct arena arena = arena_new(ARENA_MAX);
	struct json_pull *p = NULL;
	struct json_item item;

	assert_int_equal(
	    json_pull_new(&arena, SLICE("[{\"a\":[1,{}]},[],5,\"x\"]"), &p, NULL), ERR_OK);
	assert_int_equal(json_pull_next(p, &item), ERR_OK);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(json_pull_next(p, &item), ERR_OK);
		assert_int_equal(json_pull_skip(p, &item), ERR_OK);
	}
	assert_int_equal(json_pull_next(p, &item), ERR_OK);
	assert_int_equal(item.event, JSON_END_ARRAY);
	assert_int_equal(json_pull_next(p, &item), ERR_OK);
	assert_int_equal(item.event, JSON_END);
	arena_reset(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_in_the_order_of_the_text),
		cmocka_unit_test(what_is_no_json_is_refused),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(values_can_be_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
