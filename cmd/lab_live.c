/*
 * The picture is drawn over the last one by going up as many lines: what stood in the terminal
 * before stays, and the last picture stays above the report.
 */
#include "cmd/lab_live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lab/progress.h"

enum {
	PICTURE_BYTES = 65536,
	COLUMNS = 80, /* where the terminal does not say */
};

static bool can_be_drawn_on(void)
{
	const char *kind = getenv("TERM");

	return isatty(STDERR_FILENO) != 0 && kind != NULL && strcmp(kind, "dumb") != 0;
}

static void size_of_terminal(unsigned *ret_columns, unsigned *ret_rows)
{
	struct winsize size = { .ws_col = 0 };

	(void)ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	*ret_columns = size.ws_col > 0 ? size.ws_col : COLUMNS;
	*ret_rows = size.ws_row > 0 ? size.ws_row : LIVE_LINES + 1;
}

/* Each line clears what is left of the one it overwrites. */
static void draw(struct lab_live *v, unsigned columns)
{
	struct buf picture = buf_new(PICTURE_BYTES), out = buf_new(PICTURE_BYTES);
	unsigned lines = live_draw(&v->view, columns, &picture);
	struct slice rest = buf_slice(&picture);

	if (v->drawn > 0) {
		buf_printf(&out, "\033[%uA", v->drawn);
	}
	for (struct slice line; rest.len > 0;) {
		size_t end = slice_find(rest, '\n', 0);
		line = slice_sub(rest, 0, end);
		rest = slice_sub(rest, end + 1, rest.len);
		buf_append_slice(&out, line);
		buf_append_str(&out, "\033[K\r\n");
	}
	buf_append_str(&out, "\033[J");
	if (!picture.failed && !out.failed) {
		v->drawn = lines;
		(void)fwrite(out.data, 1, out.len, stderr);
		(void)fflush(stderr);
	}
	buf_free(&picture);
	buf_free(&out);
}

static void on_second(void *arg, const struct load_now *now)
{
	struct lab_live *v = arg;
	unsigned columns = 0, rows = 0;

	live_add(&v->view, now);
	size_of_terminal(&columns, &rows);
	if (!v->terminal || rows <= LIVE_LINES) {
		progress_line(NULL, now);
		v->drawn = 0;
		return;
	}
	v->view.n_roles = lab_watch_now(v->watch, v->view.roles);
	draw(v, columns);
}

void lab_live_open(
    struct lab_live *v, const char *model, struct load_plan *plan, const struct lab_watch *watch)
{
	*v = (struct lab_live){ .view = { .model = model, .url = plan->url, .users = plan->users },
		.watch = watch,
		.terminal = can_be_drawn_on() };
	plan->at_second = on_second;
	plan->second_arg = v;
}
