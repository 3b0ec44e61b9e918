/*
 * What a plot draws where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "lab/plot.h"

enum {
	PAGE_BYTES = 1 << 20
};

static const char *text_of(struct buf *out)
{
	buf_append_char(out, '\0');
	return out->data;
}

static void a_gap_breaks_the_line(void **state)
{
	const double x[] = { 0, 1, 2, 3, 4 }, y[] = { 0, 10, (double)NAN, 5, 0 };
	const struct plot p = {
		.title = "a < b",
		.y_from_zero = true,
		.series = { { .name = "one", .x = x, .y = y, .n = 5 } },
		.n_series = 1,
	};
	struct buf out = buf_new(PAGE_BYTES);

	(void)state;
	plot_put(&p, &out);
	const char *text = text_of(&out);
	assert_non_null(strstr(text, "<h3>a &lt; b</h3>"));
	assert_non_null(strstr(text, "<polyline class=\"c0\" points=\"0.0,1000.0 250.0,0.0 \"/>"));
	assert_non_null(
	    strstr(text, "<polyline class=\"c0\" points=\"750.0,500.0 1000.0,1000.0 \"/>"));
	assert_null(strstr(text, "nan"));
	buf_free(&out);
}

static void marks_and_intervals_are_inside(void **state)
{
	const double x[] = { 1, 2 }, y[] = { 10, 100 }, low[] = { 1, 50 }, high[] = { 20, 1000 };
	const struct plot p = {
		.title = "t",
		.y_log = true,
		.y_quantity = QUANTITY_MS,
		.series = { { "one", x, y, low, high, 2, true } },
		.n_series = 1,
		.marks = { { 3, "here", false }, { 10000, "not above", true } },
		.n_marks = 2,
	};
	struct buf out = buf_new(PAGE_BYTES);

	(void)state;
	plot_put(&p, &out);
	const char *text = text_of(&out);
	/* From 1 ms to 10 s: 1000 ms stands a quarter below the top. */
	assert_non_null(strstr(text, "<path class=\"span c0\" d=\"M500.0 575.3V250.0\"/>"));
	assert_non_null(strstr(text, "<path class=\"markline\" d=\"M1000.0 0V1000\"/>"));
	assert_non_null(strstr(text, "style=\"bottom:100.0%\">not above"));
	assert_non_null(strstr(text, "<title>one: 100 ms at 2</title>"));
	buf_free(&out);
}

static void nothing_to_show_is_no_plot(void **state)
{
	const double x[] = { 0, 1 }, y[] = { 0, (double)NAN };
	const struct plot p = {
		.title = "t",
		.y_log = true,
		.series = { { .name = "one", .x = x, .y = y, .n = 2 } },
		.n_series = 1,
	};
	struct buf out = buf_new(PAGE_BYTES);

	(void)state;
	plot_put(&p, &out);
	assert_int_equal(out.len, 0);
}

static void bars_share_one_scale(void **state)
{
	const struct bar rows[] = { { "web", { 1, 1 }, 0, 0 }, { "compute", { 0, 3 }, 2, 4 } };
	const struct bars b = { .title = "cores",
		.parts = { "user", "system" },
		.n_parts = 2,
		.rows = rows,
		.n_rows = 2 };
	struct buf out = buf_new(PAGE_BYTES);

	(void)state;
	bars_put(&b, &out);
	const char *text = text_of(&out);
	assert_non_null(strstr(text, "<rect class=\"f1\" x=\"250.0\" width=\"250.0\""));
	assert_non_null(strstr(text, "<rect class=\"f1\" x=\"0.0\" width=\"750.0\""));
	assert_non_null(strstr(text, "<path class=\"interval\" d=\"M500.0 5H1000.0\"/>"));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gap_breaks_the_line),
		cmocka_unit_test(marks_and_intervals_are_inside),
		cmocka_unit_test(nothing_to_show_is_no_plot),
		cmocka_unit_test(bars_share_one_scale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
