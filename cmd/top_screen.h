/*
 * The picture of `plimsoll top`: from two answers of /live to lines of text.
 */
#ifndef PLIMSOLL_CMD_TOP_SCREEN_H
#define PLIMSOLL_CMD_TOP_SCREEN_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/json.h"

struct top_screen {
	unsigned columns, rows;
	bool colours;
	const char *address;	   /* of the server */
	const struct json *before; /* the answer before; NULL: none yet */
};

/*
 * Draws the answer: at most rows lines of at most columns characters, a line end after each but
 * the last.
 */
void top_draw(const struct top_screen *s, const struct json *now, struct buf *out);

#endif
