/*
 * Building route tables: what is refused and with which words, and tables of the largest rows.
 */
#include "core/http/router.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static enum err no_handler(struct op_call *c)
{
	(void)c;
	return ERR_OK;
}

#define ROW(name_, method_, path_)                                                                 \
	{                                                                                          \
		.name = name_, .method = method_, .path = path_, .handle = no_handler              \
	}

/* Builds a table of two rows, which must be refused with both words in the note. */
static void assert_refused(struct op a, struct op b, const char *word, const char *other_word)
{
	const struct op one[] = { a }, two[] = { b };
	const struct http_site first = { .ops = one, .n_ops = 1 },
			       second = { .ops = two, .n_ops = 1 };
	const struct http_site *const both[] = { &first, &second };
	struct http_router *r = NULL;
	struct err_note note = { 0 };

	assert_int_equal(http_router_new(both, 2, &r, &note), ERR_CONFIG);
	assert_null(r);
	if (strstr(note.text, word) == NULL || strstr(note.text, other_word) == NULL) {
		fail_msg("\"%s\" lacks %s or %s", note.text, word, other_word);
	}
}

static void test_ambiguous_tables_are_refused(void **state)
{
	(void)state;
	assert_refused((struct op)ROW("one", HTTP_GET, "/a"), (struct op)ROW("two", HTTP_GET, "/a"),
	    "one", "two");
	assert_refused((struct op)ROW("one", HTTP_GET, "/{a}/b"),
	    (struct op)ROW("two", HTTP_GET, "/{c}/b"), "one", "two");
	assert_refused((struct op)ROW("one", HTTP_PUT, "/{a*}"),
	    (struct op)ROW("two", HTTP_PUT, "/{c*}"), "one", "two");
	assert_refused((struct op)ROW("one", HTTP_GET, "/{a:hex}"),
	    (struct op)ROW("two", HTTP_GET, "/{b:hex}"), "one", "two");
}

static void test_wrong_patterns_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "x", "/{", "/}", "/{}", "/{a", "/a}", "/x{a}",
		"/{a}x", "/{a:}", "/{a:number}", "/{:hex}", "/{*}", "/{a*}/b", "/{a:hex*}",
		"/a%20b", "/a?b", "/a#b", "/{a}/{a}", "/\x01",
		"/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}",
		"/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_refused((struct op)ROW("good", HTTP_GET, "/good"),
		    (struct op)ROW("bad.row", HTTP_GET, bad[i]), "bad.row", "route");
	}
	assert_refused((struct op)ROW("good", HTTP_GET, "/good"),
	    (struct op)ROW("bad.row", HTTP_OTHER_METHOD, "/bad"), "bad.row", "method");
}

/* A table of the rows alone. */
static struct http_router *built(const struct op *rows, unsigned n)
{
	static struct http_site site;
	const struct http_site *const sites[] = { &site };
	struct http_router *r = NULL;
	struct err_note note = { 0 };

	site = (struct http_site){ .ops = rows, .n_ops = n };
	assert_int_equal(http_router_new(sites, 1, &r, &note), ERR_OK);
	return r;
}

/* What GET finds there, without arena: the paths here have no escapes. */
static struct http_match match_of(const struct http_router *r, const char *path)
{
	struct arena none = arena_new(0);
	struct http_match match;

	assert_int_equal(
	    http_route(r, SLICE("a"), HTTP_GET, slice_str(path), &none, &match), HTTP_ROUTE_FOUND);
	return match;
}

static void test_the_most_segments_and_parameters(void **state)
{
	(void)state;
	const struct op rows[] = { ROW("eight", HTTP_GET, "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h*}"),
		ROW("sixteen", HTTP_GET, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16") };
	struct http_router *r = built(rows, 2);

	struct http_match m = match_of(r, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16");
	assert_string_equal(m.op->name, "sixteen");
	m = match_of(r, "/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16/17");
	assert_string_equal(m.op->name, "eight");
	assert_int_equal(m.n_params, HTTP_MAX_PARAMS);
	assert_true(slice_eq(http_match_get(&m, SLICE("a")), SLICE("1")));
	assert_true(slice_eq(http_match_get(&m, SLICE("h")), SLICE("8/9/10/11/12/13/14/15/16/17")));
	http_router_free(&r);
}

enum {
	MANY = 5000
};

static void test_many_rows(void **state)
{
	(void)state;
	struct op *rows = calloc(MANY, sizeof(*rows));
	struct arena arena = arena_new(1 << 20);

	assert_non_null(rows);
	for (unsigned i = 0; i < MANY; i++) {
		const char *path = arena_printf(&arena, i % 2 == 0 ? "/row/%u/end" : "/%u/{id}", i);
		assert_non_null(path);
		rows[i] = (struct op)ROW(path, HTTP_GET, path);
	}
	struct http_router *r = built(rows, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		char path[32];
		snprintf(path, sizeof(path), i % 2 == 0 ? "/row/%u/end" : "/%u/value", i);
		assert_ptr_equal(match_of(r, path).op, &rows[i]);
	}
	http_router_free(&r);
	arena_reset(&arena);
	free(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ambiguous_tables_are_refused),
		cmocka_unit_test(test_wrong_patterns_are_refused),
		cmocka_unit_test(test_the_most_segments_and_parameters),
		cmocka_unit_test(test_many_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
