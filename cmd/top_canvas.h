/*
 * Lines of `plimsoll top` while they are being drawn: bounded by the screen, and safe for a
 * terminal whatever the server says.
 */
#ifndef PLIMSOLL_CMD_TOP_CANVAS_H
#define PLIMSOLL_CMD_TOP_CANVAS_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/top_screen.h"

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

/* Appends as much of a text as the line has room for; padded: from that column on. */
void top_put(struct canvas *c, enum tone tone, const char *text);
void top_put_padded(struct canvas *c, enum tone tone, const char *text, unsigned column);

/* Seconds with the unit that fits; a number with a unit. column: as above, 0 where one is. */
void top_put_time(struct canvas *c, enum tone tone, double s, unsigned column);
void top_put_number(struct canvas *c, enum tone tone, double n, const char *unit, unsigned column);

void top_next_line(struct canvas *c);
/* An empty line, where the screen has more than processes need. */
void top_leave_gap(struct canvas *c);

/* Members of an object; 0 or "?" where there is none of that kind. */
double top_real(const struct json *object, const char *name);
int64_t top_whole(const struct json *object, const char *name);
void top_text_of(const struct json *object, const char *name, char *out, size_t size);

/* ---- top_line.c: how far it is to the line, and who is let in; a line each ---- */

void top_draw_headroom(struct canvas *c, const struct json *now);
void top_draw_use(struct canvas *c, const struct json *now);
void top_draw_classes(struct canvas *c, const struct json *now);

#endif
