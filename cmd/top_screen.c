/*
 * Lines of `plimsoll top`. The upper part has a fixed height; processes take what is left, and the
 * newest warning the last line.
 */
#include "cmd/top_screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/top_canvas.h"
#include "core/base/check.h"

enum {
	LINE_BYTES = 512,
	BAR = 30,	     /* characters of the line's picture */
	LOWER_LINES = 2,     /* refusals, warning */
	SILENT_US = 3000000, /* without a round of the loop */
	REASONS_SHOWN = 4,
	LAG_BAD_US = 250000,
};

/* ---- the upper part ---- */

static bool is_well(const struct json *process)
{
	struct slice state = SLICE_EMPTY;

	(void)json_get_string(json_member(process, "state"), &state);
	return slice_eq(state, SLICE("serving")) && top_whole(process, "silence_us") < SILENT_US;
}

static const char *verdict(const struct json *now, enum tone *ret_tone)
{
	const struct json *h = json_member(now, "headline"),
			  *processes = json_member(now, "processes");

	*ret_tone = TONE_BAD;
	if (top_real(h, "refused_per_second") > 0) {
		return "at the line: requests are refused";
	}
	for (size_t i = 0; i < json_count(processes); i++) {
		if (!is_well(json_element(processes, i))) {
			return "not all processes serve";
		}
	}
	if (top_real(h, "errors_per_second") > 0) {
		return "answers fail with errors";
	}
	*ret_tone = TONE_NEAR;
	if (top_real(h, "mail_delay_seconds") > 120) {
		return "mail does not leave";
	}
	if (top_real(h, "line_share") >= top_real(json_member(now, "capacity"), "warn_at")) {
		return "near the line";
	}
	*ret_tone = TONE_GOOD;
	return "well below the line";
}

static void draw_title(struct canvas *c, const struct json *now)
{
	char version[32];

	top_text_of(now, "version", version, sizeof(version));
	top_put(c, TONE_STRONG, "plimsoll ");
	top_put(c, TONE_PLAIN, version);
	top_put(c, TONE_QUIET, " at ");
	top_put(c, TONE_QUIET, c->screen->address);
	top_put(c, TONE_QUIET, "   q ends");
	top_next_line(c);
}

/* line [#########-----------] 45 %  compute   well below the line */
static void draw_line(struct canvas *c, const struct json *now)
{
	double share = top_real(json_member(now, "headline"), "line_share");
	char bar[BAR + 1], text[64], fullest[32];
	enum tone tone = TONE_PLAIN;
	const char *words = verdict(now, &tone);
	int filled = (int)(share * BAR + 0.5);

	memset(bar, '.', BAR);
	memset(bar, '#', (size_t)(filled < 0 ? 0 : filled > BAR ? BAR : filled));
	bar[BAR] = '\0';
	top_text_of(now, "fullest", fullest, sizeof(fullest));
	top_put(c, TONE_PLAIN, "line [");
	top_put(c, tone, bar);
	(void)snprintf(text, sizeof(text), "] %3.0f %% %s", share * 100, fullest);
	top_put(c, TONE_PLAIN, text);
	top_put_padded(c, tone, words, 54);
	top_next_line(c);
	top_leave_gap(c);
}

/* A row of three: a number with its unit, a rate that should be 0, a time. */
static void draw_three(struct canvas *c, const struct json *h, const char *const title[3],
    const char *const name[3], const char *unit)
{
	double rate = top_real(h, name[1]);

	top_put(c, TONE_QUIET, title[0]);
	top_put_number(c, TONE_STRONG, top_real(h, name[0]), unit, 14);
	top_put_padded(c, TONE_QUIET, title[1], 28);
	top_put_number(c, rate > 0 ? TONE_BAD : TONE_PLAIN, rate, "/s", 40);
	top_put_padded(c, TONE_QUIET, title[2], 54);
	top_put_time(c, TONE_PLAIN, top_real(h, name[2]), 67);
	top_next_line(c);
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
	(void)snprintf(cores, sizeof(cores), "%.2f of %" PRId64, top_real(h, "cores_busy"),
	    top_whole(now, "cores"));
	top_put(c, TONE_QUIET, "cores busy");
	top_put_padded(c, TONE_PLAIN, cores, 14);
	top_put_padded(c, TONE_QUIET, "mail delay", 28);
	top_put_time(c, TONE_PLAIN, top_real(h, "mail_delay_seconds"), 40);
	top_next_line(c);
}

/* A figure with several values in one line: name value  name value ... */
static void draw_values(
    struct canvas *c, const struct json *now, const char *title, const char *name, bool times)
{
	const struct json *values = json_member(json_member(now, "headline"), name), *v = NULL;
	struct slice label;
	void *cursor = NULL;

	top_put(c, TONE_QUIET, title);
	while (json_next(values, &cursor, &label, &v)) {
		char text[48];
		double n = 0;
		size_t dot = slice_find(label, '.', 0);
		struct slice words = dot < label.len ? slice_sub(label, dot + 1, label.len) : label;
		(void)snprintf(text, sizeof(text), "  %.*s ", SLICE_ARG(words));
		top_put(c, TONE_QUIET, text);
		if (!json_get_real(v, &n)) {
			top_put(c, TONE_QUIET, "-");
		} else if (times) {
			top_put_time(c, TONE_PLAIN, n, 0);
		} else {
			top_put_number(c, TONE_PLAIN, n, "", 0);
		}
	}
	top_next_line(c);
}

/* ---- processes ---- */

static const struct json *process_before(const struct canvas *c, int64_t pid)
{
	const struct json *all = json_member(c->screen->before, "processes");

	for (size_t i = 0; i < json_count(all); i++) {
		if (top_whole(json_element(all, i), "pid") == pid) {
			return json_element(all, i);
		}
	}
	return NULL;
}

/* Share of the time between the two answers, in percent; below 0: not known. */
static double used(
    const struct canvas *c, const struct json *now, const struct json *p, const char *name)
{
	const struct json *before = process_before(c, top_whole(p, "pid"));
	int64_t ms = top_whole(now, "now_ms") - top_whole(c->screen->before, "now_ms");

	if (before == NULL || ms <= 0) {
		return -1;
	}
	double share = (double)(top_whole(p, name) - top_whole(before, name)) / (double)ms / 10;
	return share < 0 ? 0 : share;
}

static void put_share(struct canvas *c, double percent, unsigned column)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%4.0f %%", percent);
	top_put_padded(c, TONE_PLAIN, percent < 0 ? "   -" : text, column);
}

static void draw_process(struct canvas *c, const struct json *now, const struct json *p)
{
	char role[24], state[24], text[48];
	bool down = false;

	top_text_of(p, "role", role, sizeof(role));
	top_text_of(p, "state", state, sizeof(state));
	down = strcmp(state, "empty") == 0;
	(void)snprintf(text, sizeof(text), "%s %" PRId64, role, top_whole(p, "instance"));
	top_put(c, TONE_PLAIN, text);
	bool silent = !down && top_whole(p, "silence_us") >= SILENT_US;
	top_put_padded(c, is_well(p) ? TONE_PLAIN : TONE_BAD,
	    down     ? "down"
	    : silent ? "silent"
		     : state,
	    12);
	double busy = used(c, now, p, "busy_us");
	put_share(c, busy > 100 ? 100 : busy, 22);
	put_share(c, used(c, now, p, "cpu_us"), 30);
	(void)snprintf(text, sizeof(text), "%6" PRId64, top_whole(p, "queue_len"));
	top_put_padded(c, TONE_PLAIN, text, 37);
	top_put_time(c, TONE_PLAIN, (double)top_whole(p, "queue_wait_us") / 1e6, 46);
	int64_t lag_us = top_whole(p, "loop_lag_us");
	top_put_time(c, lag_us > LAG_BAD_US ? TONE_BAD : TONE_PLAIN, (double)lag_us / 1e6, 57);
	(void)snprintf(text, sizeof(text), "%4" PRId64, top_whole(p, "restarts"));
	top_put_padded(c, top_whole(p, "restarts") > 0 ? TONE_BAD : TONE_PLAIN, text, 68);
	top_next_line(c);
}

static void draw_processes(struct canvas *c, const struct json *now)
{
	const struct json *all = json_member(now, "processes");
	char text[64];
	size_t n = json_count(all);
	unsigned rows = c->screen->rows, used_rows = c->line + 1 + LOWER_LINES + 1;
	size_t room = rows > used_rows ? rows - used_rows : 0;

	top_put(c, TONE_QUIET,
	    "process     state        busy     cpu   queue  wait       loop lag   restarts");
	top_next_line(c);
	for (size_t i = 0; i < n && i < (n > room ? room - (room > 0) : n); i++) {
		draw_process(c, now, json_element(all, i));
	}
	if (n > room) {
		(void)snprintf(text, sizeof(text), "... of %zu processes", n);
		top_put(c, TONE_QUIET, text);
		top_next_line(c);
	}
}

/* ---- the last lines ---- */

static void draw_refused(struct canvas *c, const struct json *now)
{
	const struct json *why = json_member(now, "refused_why"), *v = NULL;
	const struct json *before = json_member(c->screen->before, "refused_why");
	double seconds =
	    (double)(top_whole(now, "now_ms") - top_whole(c->screen->before, "now_ms")) / 1000;
	struct slice label;
	void *cursor = NULL;
	unsigned shown = 0;

	top_put(c, TONE_QUIET, "refused by");
	while (before != NULL && seconds > 0 && shown < REASONS_SHOWN &&
	       json_next(why, &cursor, &label, &v)) {
		char name[32], text[64];
		int64_t n = 0;
		(void)json_get_i64(v, &n);
		(void)snprintf(name, sizeof(name), "%.*s", SLICE_ARG(label));
		double rate = (double)(n - top_whole(before, name)) / seconds;
		if (rate > 0) {
			(void)snprintf(text, sizeof(text), "  %s %.1f/s", name, rate);
			top_put(c, TONE_BAD, text);
			shown++;
		}
	}
	top_put(c, TONE_QUIET, shown == 0 ? "  nobody now" : "");
	top_next_line(c);
}

static void draw_warning(struct canvas *c, const struct json *now)
{
	char line[LINE_BYTES];
	const struct json *newest = json_element(json_member(now, "warnings"), 0);

	top_text_of(newest, "line", line, sizeof(line));
	top_put(c, TONE_QUIET, newest == NULL ? "no warnings" : "newest warning: ");
	top_put(c, TONE_PLAIN, newest == NULL ? "" : line);
}

void top_draw(const struct top_screen *s, const struct json *now, struct buf *out)
{
	struct canvas c = { .screen = s, .out = out };

	CHECK(s->columns > 0 && s->rows > 0);
	draw_title(&c, now);
	draw_line(&c, now);
	top_draw_headroom(&c, now);
	top_draw_use(&c, now);
	draw_figures(&c, now);
	draw_values(&c, now, "p99", "latency_p99_seconds", true);
	draw_values(&c, now, "per s", "activities_per_second", false);
	top_draw_classes(&c, now);
	top_leave_gap(&c);
	draw_processes(&c, now);
	draw_refused(&c, now);
	draw_warning(&c, now);
}
