/*
 * What a page is made of: references turned, texts escaped, the gzip form and hash of what came
 * out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#define ZLIB_CONST
#include <zlib.h>

#include "services/identity/page.h"

static const struct asset template = {
	.path = "t.html",
	.content_type = "text/html; charset=utf-8",
	.bytes = { "<html lang=\"{language}\"><title>{title}</title><link href=\"/identity/a.css\">"
		   "<h1>{title}</h1>{text}.",
	    98 },
};

static struct arena arena;

static int begin(void **state)
{
	(void)state;
	arena = arena_new(4 * 1024 * 1024);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_reset(&arena);
	return 0;
}

static void is(struct slice got, const char *want)
{
	char text[2000];

	assert_int_equal(slice_to_cstr(got, text, sizeof(text)), ERR_OK);
	assert_string_equal(text, want);
}

static void test_references_are_turned(void **state)
{
	const struct asset from = { .path = "p",
		.content_type = "text/html",
		.bytes = SLICE("<a href=\"/identity/x\"><b src=\"/identity/y\"> /identity/ \"/") };
	struct asset made;

	(void)state;
	assert_int_equal(page_make(&arena, &from, SLICE("https://c/v/1"), &made), ERR_OK);
	is(made.bytes,
	    "<a href=\"https://c/v/1/identity/x\"><b src=\"https://c/v/1/identity/y\"> /identity/ "
	    "\"/");
	assert_string_equal(made.vary, "Accept-Encoding,Accept-Language");
	assert_int_equal(strlen(made.hash), 10);
}

static enum err make_text(
    struct arena *a, struct slice base, struct slice text, struct slice title, struct asset *ret)
{
	const struct page_words words = { .text = text, .title = title, .language = SLICE("de") };

	return page_make_text(a, &template, base, &words, ret);
}

static void test_a_text_becomes_a_page(void **state)
{
	struct asset made;

	(void)state;
	assert_int_equal(make_text(&arena, SLICE("/v/1"),
			     SLICE("# A & B\r\n\r\nfirst <i>\r\nsecond\n\n## Part\nthird {title}"),
			     SLICE("none"), &made),
	    ERR_OK);
	is(made.bytes,
	    "<html lang=\"de\"><title>A &amp; B</title><link href=\"/v/1/identity/a.css\"><h1>A &amp; B</h1>"
	    "<p>first &lt;i&gt;\nsecond</p>\n<h2>Part</h2>\n<p>third {title}</p>\n.");
	assert_int_equal(make_text(&arena, SLICE(""), SLICE(""), SLICE("T"), &made), ERR_OK);
	is(made.bytes,
	    "<html lang=\"de\"><title>T</title><link href=\"/identity/a.css\"><h1>T</h1>.");
}

static void test_the_gzip_form_is_the_same_page(void **state)
{
	static char text[8000], out[9000];
	struct asset made;
	z_stream z = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(
	    make_text(&arena, SLICE(""), SLICE_OF(text, sizeof(text)), SLICE("T"), &made), ERR_OK);
	assert_in_range(made.gzip.len, 20, 300);
	assert_int_equal(inflateInit2(&z, 31), Z_OK);
	z.next_in = (const Bytef *)made.gzip.ptr;
	z.avail_in = (uInt)made.gzip.len;
	z.next_out = (Bytef *)out;
	z.avail_out = sizeof(out);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_true(slice_eq(SLICE_OF(out, z.total_out), made.bytes));
	inflateEnd(&z);
}

static void test_a_page_beyond_all_bounds_is_an_error(void **state)
{
	struct arena small = arena_new(1000);
	struct asset made;
	char text[3000];

	(void)state;
	memset(text, '&', sizeof(text));
	assert_int_equal(
	    make_text(&small, SLICE(""), SLICE_OF(text, sizeof(text)), SLICE("T"), &made),
	    ERR_MEMORY);
	arena_reset(&small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_references_are_turned, begin, end),
		cmocka_unit_test_setup_teardown(test_a_text_becomes_a_page, begin, end),
		cmocka_unit_test_setup_teardown(test_the_gzip_form_is_the_same_page, begin, end),
		cmocka_unit_test_setup_teardown(
		    test_a_page_beyond_all_bounds_is_an_error, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
