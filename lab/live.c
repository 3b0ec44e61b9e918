/*
 * A bar for the time, a table of now and so far, two plots of a line each, the target.
 */
#include "lab/live.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "lab/formula.h"

enum {
	LINE_BYTES = 400,
	BAR_MAX = 50,
	LABEL = 12,	 /* columns before a plot */
	PLOT_SPARE = 14, /* and behind it */
};

void live_add(struct live *v, const struct load_now *now)
{
	const struct load_second *s = &now->second;

	v->now = *now;
	v->now.latency = NULL;
	if (now->to_warm > 0) {
		return;
	}
	v->begun += s->begun;
	v->done += s->done;
	v->refused += s->refused;
	v->failed += s->failed;
	v->gave_up += s->gave_up;
	v->counted_s += s->length_s;
	v->rates[v->n_course % LIVE_COURSE] = s->length_s > 0 ? s->done / s->length_s : 0;
	v->p99_ms[v->n_course % LIVE_COURSE] = (double)s->p99_us / 1000;
	v->n_course++;
}

/* A line that is cut where the terminal ends; control characters of a name do no harm. */
static void put_line(struct buf *out, unsigned columns, const char *line)
{
	size_t len = strlen(line);

	len = len < columns ? len : columns;
	for (size_t i = 0; i < len; i++) {
		char c = line[i];
		buf_append_char(out, c >= ' ' && c <= '~' ? c : '?');
	}
	buf_append_char(out, '\n');
}

static void put_time(const struct live *v, unsigned columns, struct buf *out)
{
	char line[LINE_BYTES], bar[BAR_MAX + 1];
	double all_s = v->now.at_s + v->now.left_s;
	double share = all_s > 0 ? v->now.at_s / all_s : 0;

	if (v->now.to_warm > 0) {
		(void)snprintf(line, sizeof(line), "preparing users: %llu of %llu",
		    (unsigned long long)v->now.warmed, (unsigned long long)v->now.to_warm);
	} else {
		for (int i = 0; i < BAR_MAX; i++) {
			bar[i] = i < share * BAR_MAX ? '#' : '.';
		}
		bar[BAR_MAX] = '\0';
		(void)snprintf(line, sizeof(line), "[%s] %.0f s, %.0f s left%s", bar, v->now.at_s,
		    v->now.left_s,
		    v->now.warming_up	? ", warming up"
		    : v->now.left_s > 0 ? ""
					: ", what has begun ends");
	}
	put_line(out, columns, line);
}

static void put_rate(const char *name, uint32_t now, uint64_t all, const struct live *v,
    unsigned columns, struct buf *out)
{
	char line[LINE_BYTES];
	double length_s = v->now.second.length_s;

	(void)snprintf(line, sizeof(line), "%-*s %10.1f %10.1f", LABEL, name,
	    length_s > 0 ? now / length_s : 0, v->counted_s > 0 ? (double)all / v->counted_s : 0);
	put_line(out, columns, line);
}

/* One column a second, eight heights, the newest on the right. */
static void put_plot(const char *name, const double *values, const struct live *v, unsigned columns,
    const char *unit, struct buf *out)
{
	static const char *const heights[] = { "\u2581", "\u2582", "\u2583", "\u2584", "\u2585",
		"\u2586", "\u2587", "\u2588" };
	unsigned n = v->n_course < LIVE_COURSE ? v->n_course : LIVE_COURSE;
	double most = 0;

	if (columns < LABEL + PLOT_SPARE + 8) {
		return;
	}
	n = n < columns - LABEL - PLOT_SPARE ? n : columns - LABEL - PLOT_SPARE;
	for (unsigned i = v->n_course - n; i < v->n_course; i++) {
		most = fmax(most, values[i % LIVE_COURSE]);
	}
	buf_printf(out, "%-*s ", LABEL, name);
	for (unsigned i = v->n_course - n; i < v->n_course; i++) {
		double share = most > 0 ? values[i % LIVE_COURSE] / most : 0;
		int height = (int)(share * 7.999);
		buf_append_str(out, heights[height < 0 ? 0 : height > 7 ? 7 : height]);
	}
	buf_printf(out, " %.4g %s\n", most, unit);
}

static void put_target(const struct live *v, unsigned columns, struct buf *out)
{
	char line[LINE_BYTES] = "";
	size_t at = (size_t)snprintf(line, sizeof(line), "%-*s", LABEL, "target");

	for (unsigned i = 0; i < v->n_roles && at < sizeof(line); i++) {
		at += (size_t)snprintf(line + at, sizeof(line) - at, "%s %s %.2f",
		    i == 0 ? "" : ",", v->roles[i].name, v->roles[i].cpu_s);
	}
	put_line(out, columns > 6 ? columns : 6, line);
}

unsigned live_draw(const struct live *v, unsigned columns, struct buf *out)
{
	char line[LINE_BYTES];
	struct buf users = buf_new(64);
	size_t from = out->len;
	unsigned lines = 0;

	formula_put_number(v->users, &users);
	buf_append_char(&users, '\0');
	(void)snprintf(line, sizeof(line), "%s: %s active users against %s", v->model,
	    users.failed ? "?" : users.data, v->url);
	buf_free(&users);
	put_line(out, columns, line);
	put_time(v, columns, out);
	if (v->now.to_warm == 0) {
		const struct load_second *s = &v->now.second;
		(void)snprintf(line, sizeof(line), "%-*s %10s %10s   %u running", LABEL, "a second",
		    "now", "mean", v->now.running);
		put_line(out, columns, line);
		put_rate("begun", s->begun, v->begun, v, columns, out);
		put_rate("done", s->done, v->done, v, columns, out);
		put_rate("refused", s->refused, v->refused, v, columns, out);
		put_rate("failed", s->failed + s->gave_up, v->failed + v->gave_up, v, columns, out);
		(void)snprintf(line, sizeof(line), "%-*s p50 %.1f ms, p99 %.1f ms", LABEL,
		    "latency", (double)s->p50_us / 1000, (double)s->p99_us / 1000);
		put_line(out, columns, line);
		put_plot("done/s", v->rates, v, columns, "", out);
		put_plot("p99", v->p99_ms, v, columns, "ms", out);
		if (v->n_roles > 0) {
			put_target(v, columns, out);
		}
	}
	for (size_t i = from; i < out->len; i++) {
		lines += out->data[i] == '\n' ? 1 : 0;
	}
	return lines;
}
