/*
 * Lines of `plimsoll top`. The upper part has a fixed height; processes take what is left, and the
 * newest warning the last line.
 */
#include "cmd/top_screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/check.h"

enum {
	LINE_BYTES = 512,
	BAR = 30,	     /* characters of the line's picture */
	LOWER_LINES = 2,     /* refusals, warning */
	SILENT_US = 3000000, /* without a round of the loop */
	REASONS_SHOWN = 4,
	ROWS_FOR_GAPS = 30,
	LAG_BAD_US = 250000,
};

/* Text that is being put together, and how much of the line and of the screen is left. */
struct canvas {
	const struct top_screen *screen;
	struct buf *out;
	unsigned line; /* lines begun */
	unsigned column;
	bool full; /* the screen is */
};

enum tone {
	TONE_PLAIN,
	TONE_QUIET,
	TONE_STRONG,
	TONE_GOOD,
	TONE_NEAR,
	TONE_BAD
};

static void put(struct canvas *c, enum tone tone, const char *text)
{
	static const char *const codes[] = { "", "\033[2m", "\033[1m", "\033[32m", "\033[33m",
		"\033[1;31m" };
	size_t room = c->screen->columns - c->column, len = strlen(text);
	bool dressed = c->screen->colours && tone != TONE_PLAIN;

	if (c->full) {
		return;
	}
	len = len < room ? len : room;
	buf_append_str(c->out, dressed ? codes[tone] : "");
	/* What comes from the server may hold anything; a terminal obeys control characters. */
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];
		buf_append_char(c->out, byte < ' ' || byte > '~' ? '?' : text[i]);
	}
	buf_append_str(c->out, dressed ? "\033[0m" : "");
	c->column += (unsigned)len;
}

static void put_padded(struct canvas *c, enum tone tone, const char *text, unsigned column)
{
	while (c->column < column && c->column < c->screen->columns && !c->full) {
		put(c, TONE_PLAIN, " ");
	}
	put(c, tone, text);
}

static void next_line(struct canvas *c)
{
	if (c->line + 1 >= c->screen->rows) {
		c->full = true;
	}
	if (!c->full) {
		buf_append_str(c->out, c->screen->colours ? "\033[K\r\n" : "\n");
		c->line++;
		c->column = 0;
	}
}

/* An empty line, where the screen has more than processes need. */
static void leave_gap(struct canvas *c)
{
	if (c->screen->rows >= ROWS_FOR_GAPS) {
		next_line(c);
	}
}

/* ---- numbers ---- */

static double real(const struct json *object, const char *name)
{
	double n = 0;

	(void)json_get_real(json_member(object, name), &n);
	return n;
}

static int64_t whole(const struct json *object, const char *name)
{
	int64_t n = 0;

	(void)json_get_i64(json_member(object, name), &n);
	return n;
}

static void text_of(const struct json *object, const char *name, char *out, size_t size)
{
	struct slice s = SLICE("?");

	(void)json_get_string(json_member(object, name), &s);
	(void)snprintf(out, size, "%.*s", SLICE_ARG(s));
}

/* Seconds with the unit that fits. */
static void put_time(struct canvas *c, enum tone tone, double s, unsigned column)
{
	char text[32];

	if (s < 0.0995) {
		(void)snprintf(text, sizeof(text), "%.1f ms", s * 1000);
	} else if (s < 120) {
		(void)snprintf(text, sizeof(text), "%.2f s", s);
	} else {
		(void)snprintf(text, sizeof(text), "%.0f min", s / 60);
	}
	put_padded(c, tone, text, column);
}

static void put_number(
    struct canvas *c, enum tone tone, double n, const char *unit, unsigned column)
{
	char text[48];

	(void)snprintf(text, sizeof(text), n >= 100 || n == 0 ? "%.0f%s" : "%.2f%s", n, unit);
	put_padded(c, tone, text, column);
}

/* ---- the upper part ---- */

static bool is_well(const struct json *process)
{
	struct slice state = SLICE_EMPTY;

	(void)json_get_string(json_member(process, "state"), &state);
	return slice_eq(state, SLICE("serving")) && whole(process, "silence_us") < SILENT_US;
}

static const char *verdict(const struct json *now, enum tone *ret_tone)
{
	const struct json *h = json_member(now, "headline"),
			  *processes = json_member(now, "processes");

	*ret_tone = TONE_BAD;
	if (real(h, "refused_per_second") > 0) {
		return "at the line: requests are refused";
	}
	for (size_t i = 0; i < json_count(processes); i++) {
		if (!is_well(json_element(processes, i))) {
			return "not all processes serve";
		}
	}
	if (real(h, "errors_per_second") > 0) {
		return "answers fail with errors";
	}
	*ret_tone = TONE_NEAR;
	if (real(h, "mail_delay_seconds") > 120) {
		return "mail does not leave";
	}
	if (real(h, "line_share") >= real(json_member(now, "capacity"), "warn_at")) {
		return "near the line";
	}
	*ret_tone = TONE_GOOD;
	return "well below the line";
}

static void draw_title(struct canvas *c, const struct json *now)
{
	char version[32];

	text_of(now, "version", version, sizeof(version));
	put(c, TONE_STRONG, "plimsoll ");
	put(c, TONE_PLAIN, version);
	put(c, TONE_QUIET, " at ");
	put(c, TONE_QUIET, c->screen->address);
	put(c, TONE_QUIET, "   q ends");
	next_line(c);
}

/* line [#########-----------] 45 %  compute   well below the line */
static void draw_line(struct canvas *c, const struct json *now)
{
	double share = real(json_member(now, "headline"), "line_share");
	char bar[BAR + 1], text[64], fullest[32];
	enum tone tone = TONE_PLAIN;
	const char *words = verdict(now, &tone);
	int filled = (int)(share * BAR + 0.5);

	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)(filled < 0 ? 0 : filled > BAR ? BAR : filled));
	bar[BAR] = '\0';
	text_of(now, "fullest", fullest, sizeof(fullest));
	put(c, TONE_PLAIN, "line [");
	put(c, tone, bar);
	(void)snprintf(text, sizeof(text), "] %3.0f %% %s", share * 100, fullest);
	put(c, TONE_PLAIN, text);
	put_padded(c, tone, words, 54);
	next_line(c);
	leave_gap(c);
}

/* peak 68 % of the line with 12000 users; the line is at 17600; 2.1 months at 20 % a month */
static void draw_headroom(struct canvas *c, const struct json *now)
{
	const struct json *capacity = json_member(now, "capacity");
	double peak = 0, line = 0, months = 0;
	char text[LINE_BYTES];

	put(c, TONE_QUIET, "headroom");
	if (!json_get_real(json_member(capacity, "peak_share"), &peak)) {
		put_padded(c, TONE_QUIET, "known after the first window", 14);
		next_line(c);
		return;
	}
	(void)snprintf(text, sizeof(text), "day's peak %.0f %%", peak * 100);
	put_padded(c, TONE_PLAIN, text, 14);
	if (json_get_real(json_member(capacity, "line_users"), &line)) {
		(void)snprintf(text, sizeof(text), " with %.0f users, line at %.0f",
		    real(capacity, "peak_users"), line);
		put(c, TONE_PLAIN, text);
	}
	if (json_get_real(json_member(capacity, "months"), &months)) {
		(void)snprintf(text, sizeof(text), ", %.1f months at %.0f %%", months,
		    real(capacity, "growth") * 100);
		put(c, TONE_PLAIN, text);
	}
	next_line(c);
}

static double longest_wait(const struct json *now, struct slice role)
{
	const struct json *all = json_member(now, "processes");
	int64_t longest_us = 0;

	for (size_t i = 0; i < json_count(all); i++) {
		const struct json *p = json_element(all, i);
		struct slice name = SLICE_EMPTY;
		(void)json_get_string(json_member(p, "role"), &name);
		int64_t us = whole(p, "queue_wait_us");
		longest_us = slice_eq(name, role) && us > longest_us ? us : longest_us;
	}
	return (double)longest_us / 1e6;
}

/* Use of each role over the window of warnings, and the wait that new work has to expect there. */
static void draw_use(struct canvas *c, const struct json *now)
{
	const struct json *capacity = json_member(now, "capacity");
	const struct json *roles = json_member(capacity, "roles"), *v = NULL;
	double warn_at = real(capacity, "warn_at");
	struct slice role;
	void *cursor = NULL;

	put(c, TONE_QUIET, "use");
	while (json_next(roles, &cursor, &role, &v)) {
		char text[48];
		double share = 0, wait_s = longest_wait(now, role);
		(void)json_get_real(v, &share);
		(void)snprintf(text, sizeof(text), "  %.*s ", SLICE_ARG(role));
		put(c, TONE_QUIET, text);
		(void)snprintf(text, sizeof(text), "%.0f%%", share * 100);
		put(c, share >= warn_at ? TONE_NEAR : TONE_PLAIN, text);
		if (wait_s >= 0.001) {
			put(c, TONE_QUIET, "+");
			put_time(c, TONE_PLAIN, wait_s, 0);
		}
	}
	next_line(c);
}

/* Rates since the answer before: let in, and how many more were refused. */
static void draw_classes(struct canvas *c, const struct json *now)
{
	const struct json *classes = json_member(now, "classes"), *v = NULL;
	const struct json *before = json_member(c->screen->before, "classes");
	double seconds = (double)(whole(now, "now_ms") - whole(c->screen->before, "now_ms")) / 1000;
	struct slice label;
	void *cursor = NULL;

	put(c, TONE_QUIET, "let in");
	while (before != NULL && seconds > 0 && json_next(classes, &cursor, &label, &v)) {
		char name[24], text[64];
		(void)snprintf(name, sizeof(name), "%.*s", SLICE_ARG(label));
		const struct json *old = json_member(before, name);
		double in = (double)(whole(v, "admitted") - whole(old, "admitted")) / seconds;
		double out = (double)(whole(v, "refused") - whole(old, "refused")) / seconds;
		(void)snprintf(text, sizeof(text), "  %s ", name);
		put(c, TONE_QUIET, text);
		(void)snprintf(text, sizeof(text), in >= 10 || in <= 0 ? "%.0f" : "%.1f", in);
		put(c, TONE_PLAIN, text);
		if (out > 0) {
			(void)snprintf(text, sizeof(text), "-%.0f", out);
			put(c, TONE_BAD, text);
		}
	}
	next_line(c);
}

/* A row of three: a number with its unit, a rate that should be 0, a time. */
static void draw_three(struct canvas *c, const struct json *h, const char *const title[3],
    const char *const name[3], const char *unit)
{
	double rate = real(h, name[1]);

	put(c, TONE_QUIET, title[0]);
	put_number(c, TONE_STRONG, real(h, name[0]), unit, 14);
	put_padded(c, TONE_QUIET, title[1], 28);
	put_number(c, rate > 0 ? TONE_BAD : TONE_PLAIN, rate, "/s", 40);
	put_padded(c, TONE_QUIET, title[2], 54);
	put_time(c, TONE_PLAIN, real(h, name[2]), 67);
	next_line(c);
}

static void draw_figures(struct canvas *c, const struct json *now)
{
	static const char *const titles[][3] = { { "active users", "refused", "queue wait" },
		{ "goodput", "errors", "commit p99" } };
	static const char *const names[][3] = { { "active_users", "refused_per_second",
						    "queue_wait_seconds" },
		{ "goodput_per_second", "errors_per_second", "store_commit_p99_seconds" } };
	const struct json *h = json_member(now, "headline");
	char cores[32];

	draw_three(c, h, titles[0], names[0], "");
	draw_three(c, h, titles[1], names[1], "/s");
	(void)snprintf(
	    cores, sizeof(cores), "%.2f of %" PRId64, real(h, "cores_busy"), whole(now, "cores"));
	put(c, TONE_QUIET, "cores busy");
	put_padded(c, TONE_PLAIN, cores, 14);
	put_padded(c, TONE_QUIET, "mail delay", 28);
	put_time(c, TONE_PLAIN, real(h, "mail_delay_seconds"), 40);
	next_line(c);
}

/* A figure with several values in one line: name value  name value ... */
static void draw_values(
    struct canvas *c, const struct json *now, const char *title, const char *name, bool times)
{
	const struct json *values = json_member(json_member(now, "headline"), name), *v = NULL;
	struct slice label;
	void *cursor = NULL;

	put(c, TONE_QUIET, title);
	while (json_next(values, &cursor, &label, &v)) {
		char text[48];
		double n = 0;
		size_t dot = slice_find(label, '.', 0);
		struct slice words = dot < label.len ? slice_sub(label, dot + 1, label.len) : label;
		(void)snprintf(text, sizeof(text), "  %.*s ", SLICE_ARG(words));
		put(c, TONE_QUIET, text);
		if (!json_get_real(v, &n)) {
			put(c, TONE_QUIET, "-");
		} else if (times) {
			put_time(c, TONE_PLAIN, n, 0);
		} else {
			put_number(c, TONE_PLAIN, n, "", 0);
		}
	}
	next_line(c);
}

/* ---- processes ---- */

static const struct json *process_before(const struct canvas *c, int64_t pid)
{
	const struct json *all = json_member(c->screen->before, "processes");

	for (size_t i = 0; i < json_count(all); i++) {
		if (whole(json_element(all, i), "pid") == pid) {
			return json_element(all, i);
		}
	}
	return NULL;
}

/* Share of the time between the two answers, in percent; below 0: not known. */
static double used(
    const struct canvas *c, const struct json *now, const struct json *p, const char *name)
{
	const struct json *before = process_before(c, whole(p, "pid"));
	int64_t ms = whole(now, "now_ms") - whole(c->screen->before, "now_ms");

	if (before == NULL || ms <= 0) {
		return -1;
	}
	double share = (double)(whole(p, name) - whole(before, name)) / (double)ms / 10;
	return share < 0 ? 0 : share;
}

static void put_share(struct canvas *c, double percent, unsigned column)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%4.0f %%", percent);
	put_padded(c, TONE_PLAIN, percent < 0 ? "   -" : text, column);
}

static void draw_process(struct canvas *c, const struct json *now, const struct json *p)
{
	char role[24], state[24], text[48];
	bool down = false;

	text_of(p, "role", role, sizeof(role));
	text_of(p, "state", state, sizeof(state));
	down = strcmp(state, "empty") == 0;
	(void)snprintf(text, sizeof(text), "%s %" PRId64, role, whole(p, "instance"));
	put(c, TONE_PLAIN, text);
	bool silent = !down && whole(p, "silence_us") >= SILENT_US;
	put_padded(c, is_well(p) ? TONE_PLAIN : TONE_BAD,
	    down     ? "down"
	    : silent ? "silent"
		     : state,
	    12);
	double busy = used(c, now, p, "busy_us");
	put_share(c, busy > 100 ? 100 : busy, 22);
	put_share(c, used(c, now, p, "cpu_us"), 30);
	(void)snprintf(text, sizeof(text), "%6" PRId64, whole(p, "queue_len"));
	put_padded(c, TONE_PLAIN, text, 37);
	put_time(c, TONE_PLAIN, (double)whole(p, "queue_wait_us") / 1e6, 46);
	int64_t lag_us = whole(p, "loop_lag_us");
	put_time(c, lag_us > LAG_BAD_US ? TONE_BAD : TONE_PLAIN, (double)lag_us / 1e6, 57);
	(void)snprintf(text, sizeof(text), "%4" PRId64, whole(p, "restarts"));
	put_padded(c, whole(p, "restarts") > 0 ? TONE_BAD : TONE_PLAIN, text, 68);
	next_line(c);
}

static void draw_processes(struct canvas *c, const struct json *now)
{
	const struct json *all = json_member(now, "processes");
	char text[64];
	size_t n = json_count(all);
	unsigned rows = c->screen->rows, used_rows = c->line + 1 + LOWER_LINES + 1;
	size_t room = rows > used_rows ? rows - used_rows : 0;

	put(c, TONE_QUIET,
	    "process     state        busy     cpu   queue  wait       loop lag   restarts");
	next_line(c);
	for (size_t i = 0; i < n && i < (n > room ? room - (room > 0) : n); i++) {
		draw_process(c, now, json_element(all, i));
	}
	if (n > room) {
		(void)snprintf(text, sizeof(text), "... of %zu processes", n);
		put(c, TONE_QUIET, text);
		next_line(c);
	}
}

/* ---- the last lines ---- */

static void draw_refused(struct canvas *c, const struct json *now)
{
	const struct json *why = json_member(now, "refused_why"), *v = NULL;
	const struct json *before = json_member(c->screen->before, "refused_why");
	double seconds = (double)(whole(now, "now_ms") - whole(c->screen->before, "now_ms")) / 1000;
	struct slice label;
	void *cursor = NULL;
	unsigned shown = 0;

	put(c, TONE_QUIET, "refused by");
	while (before != NULL && seconds > 0 && shown < REASONS_SHOWN &&
	       json_next(why, &cursor, &label, &v)) {
		char name[32], text[64];
		int64_t n = 0;
		(void)json_get_i64(v, &n);
		(void)snprintf(name, sizeof(name), "%.*s", SLICE_ARG(label));
		double rate = (double)(n - whole(before, name)) / seconds;
		if (rate > 0) {
			(void)snprintf(text, sizeof(text), "  %s %.1f/s", name, rate);
			put(c, TONE_BAD, text);
			shown++;
		}
	}
	put(c, TONE_QUIET, shown == 0 ? "  nobody now" : "");
	next_line(c);
}

static void draw_warning(struct canvas *c, const struct json *now)
{
	char line[LINE_BYTES];
	const struct json *newest = json_element(json_member(now, "warnings"), 0);

	text_of(newest, "line", line, sizeof(line));
	put(c, TONE_QUIET, newest == NULL ? "no warnings" : "newest warning: ");
	put(c, TONE_PLAIN, newest == NULL ? "" : line);
}

void top_draw(const struct top_screen *s, const struct json *now, struct buf *out)
{
	struct canvas c = { .screen = s, .out = out };

	CHECK(s->columns > 0 && s->rows > 0);
	draw_title(&c, now);
	draw_line(&c, now);
	draw_headroom(&c, now);
	draw_use(&c, now);
	draw_figures(&c, now);
	draw_values(&c, now, "p99", "latency_p99_seconds", true);
	draw_values(&c, now, "per s", "activities_per_second", false);
	draw_classes(&c, now);
	leave_gap(&c);
	draw_processes(&c, now);
	draw_refused(&c, now);
	draw_warning(&c, now);
}
