/*
 * Lines of `plimsoll top` about the load line: the headroom, use of roles, classes of requests.
 */
#include <stdio.h>

#include "cmd/top_canvas.h"

enum {
	LINE_BYTES = 512
};

/* peak 68 % of the line with 12000 users; the line is at 17600; 2.1 months at 20 % a month */
void top_draw_headroom(struct canvas *c, const struct json *now)
{
	const struct json *capacity = json_member(now, "capacity");
	double peak = 0, line = 0, months = 0;
	char text[LINE_BYTES];

	top_put(c, TONE_QUIET, "headroom");
	if (!json_get_real(json_member(capacity, "peak_share"), &peak)) {
		top_put_padded(c, TONE_QUIET, "known after the first window", 14);
		top_next_line(c);
		return;
	}
	(void)snprintf(text, sizeof(text), "day's peak %.0f %%", peak * 100);
	top_put_padded(c, TONE_PLAIN, text, 14);
	if (json_get_real(json_member(capacity, "line_users"), &line)) {
		(void)snprintf(text, sizeof(text), " with %.0f users, line at %.0f",
		    top_real(capacity, "peak_users"), line);
		top_put(c, TONE_PLAIN, text);
	}
	if (json_get_real(json_member(capacity, "months"), &months)) {
		(void)snprintf(text, sizeof(text), ", %.1f months at %.0f %%", months,
		    top_real(capacity, "growth") * 100);
		top_put(c, TONE_PLAIN, text);
	}
	top_next_line(c);
}

static double longest_wait(const struct json *now, struct slice role)
{
	const struct json *all = json_member(now, "processes");
	int64_t longest_us = 0;

	for (size_t i = 0; i < json_count(all); i++) {
		const struct json *p = json_element(all, i);
		struct slice name = SLICE_EMPTY;
		(void)json_get_string(json_member(p, "role"), &name);
		int64_t us = top_whole(p, "queue_wait_us");
		longest_us = slice_eq(name, role) && us > longest_us ? us : longest_us;
	}
	return (double)longest_us / 1e6;
}

/* Use of each role over the window of warnings, and the wait that new work has to expect there. */
void top_draw_use(struct canvas *c, const struct json *now)
{
	const struct json *capacity = json_member(now, "capacity");
	const struct json *roles = json_member(capacity, "roles"), *v = NULL;
	double warn_at = top_real(capacity, "warn_at");
	struct slice role;
	void *cursor = NULL;

	top_put(c, TONE_QUIET, "use");
	while (json_next(roles, &cursor, &role, &v)) {
		char text[48];
		double share = 0, wait_s = longest_wait(now, role);
		(void)json_get_real(v, &share);
		(void)snprintf(text, sizeof(text), "  %.*s ", SLICE_ARG(role));
		top_put(c, TONE_QUIET, text);
		(void)snprintf(text, sizeof(text), "%.0f%%", share * 100);
		top_put(c, share >= warn_at ? TONE_NEAR : TONE_PLAIN, text);
		if (wait_s >= 0.001) {
			top_put(c, TONE_QUIET, "+");
			top_put_time(c, TONE_PLAIN, wait_s, 0);
		}
	}
	top_next_line(c);
}

/* Rates since the answer before: let in, and how many more were refused. */
void top_draw_classes(struct canvas *c, const struct json *now)
{
	const struct json *classes = json_member(now, "classes"), *v = NULL;
	const struct json *before = json_member(c->screen->before, "classes");
	double seconds =
	    (double)(top_whole(now, "now_ms") - top_whole(c->screen->before, "now_ms")) / 1000;
	struct slice label;
	void *cursor = NULL;

	top_put(c, TONE_QUIET, "let in");
	while (before != NULL && seconds > 0 && json_next(classes, &cursor, &label, &v)) {
		char name[24], text[64];
		(void)snprintf(name, sizeof(name), "%.*s", SLICE_ARG(label));
		const struct json *old = json_member(before, name);
		double in =
		    (double)(top_whole(v, "admitted") - top_whole(old, "admitted")) / seconds;
		double out =
		    (double)(top_whole(v, "refused") - top_whole(old, "refused")) / seconds;
		(void)snprintf(text, sizeof(text), "  %s ", name);
		top_put(c, TONE_QUIET, text);
		(void)snprintf(text, sizeof(text), in >= 10 || in <= 0 ? "%.0f" : "%.1f", in);
		top_put(c, TONE_PLAIN, text);
		if (out > 0) {
			(void)snprintf(text, sizeof(text), "-%.0f", out);
			top_put(c, TONE_BAD, text);
		}
	}
	top_next_line(c);
}
