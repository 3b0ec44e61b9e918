/*
 * See top_canvas.h.
 */
#include "cmd/top_canvas.h"

#include <stdio.h>
#include <string.h>

enum {
	ROWS_FOR_GAPS = 30
};

void top_put(struct canvas *c, enum tone tone, const char *text)
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

void top_put_padded(struct canvas *c, enum tone tone, const char *text, unsigned column)
{
	while (c->column < column && c->column < c->screen->columns && !c->full) {
		top_put(c, TONE_PLAIN, " ");
	}
	top_put(c, tone, text);
}

void top_next_line(struct canvas *c)
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

void top_leave_gap(struct canvas *c)
{
	if (c->screen->rows >= ROWS_FOR_GAPS) {
		top_next_line(c);
	}
}

double top_real(const struct json *object, const char *name)
{
	double n = 0;

	(void)json_get_real(json_member(object, name), &n);
	return n;
}

int64_t top_whole(const struct json *object, const char *name)
{
	int64_t n = 0;

	(void)json_get_i64(json_member(object, name), &n);
	return n;
}

void top_text_of(const struct json *object, const char *name, char *out, size_t size)
{
	struct slice s = SLICE("?");

	(void)json_get_string(json_member(object, name), &s);
	(void)snprintf(out, size, "%.*s", SLICE_ARG(s));
}

void top_put_time(struct canvas *c, enum tone tone, double s, unsigned column)
{
	char text[32];

	if (s < 0.0995) {
		(void)snprintf(text, sizeof(text), "%.1f ms", s * 1000);
	} else if (s < 120) {
		(void)snprintf(text, sizeof(text), "%.2f s", s);
	} else {
		(void)snprintf(text, sizeof(text), "%.0f min", s / 60);
	}
	top_put_padded(c, tone, text, column);
}

void top_put_number(struct canvas *c, enum tone tone, double n, const char *unit, unsigned column)
{
	char text[48];

	(void)snprintf(text, sizeof(text), n >= 100 || n == 0 ? "%.0f%s" : "%.2f%s", n, unit);
	top_put_padded(c, tone, text, column);
}
