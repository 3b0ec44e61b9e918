/*
 * JSON read one item after the other, for documents of which the caller keeps little: no tree is
 * made. As strict as json_parse() except that names may occur twice and integers may have any size.
 */
#ifndef PLIMSOLL_BASE_JSON_PULL_H
#define PLIMSOLL_BASE_JSON_PULL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/json.h"

enum json_event {
	JSON_END, /* of the document */
	JSON_BEGIN_ARRAY,
	JSON_END_ARRAY,
	JSON_BEGIN_OBJECT,
	JSON_END_OBJECT,
	JSON_NAME, /* of a member; its value follows */
	JSON_STRING,
	JSON_INT,
	JSON_LARGE_INT, /* beyond 64 bits with sign: as text */
	JSON_REAL,
	JSON_BOOL,
	JSON_NULL
};

struct json_item {
	enum json_event event;
	struct slice text; /* JSON_NAME, JSON_STRING, JSON_LARGE_INT (digits, perhaps a minus) */
	int64_t integer;   /* JSON_INT; 0 or 1: JSON_BOOL */
	double real;
};

struct json_pull;

/*
 * Begins with a copy of text in arena, where the reader lives too; texts of items are in it and
 * last as long. ERR_MEMORY, ERR_LIMIT: more than 4 GiB.
 */
NODISCARD enum err json_pull_new(
    struct arena *arena, struct slice text, struct json_pull **ret, struct err_note *note);

/*
 * The next item; JSON_END only where the document is complete and nothing follows. After an error
 * nothing may be asked any more. ERR_SYNTAX with the place in note; ERR_LIMIT: deeper than 32.
 */
NODISCARD enum err json_pull_next(struct json_pull *p, struct json_item *ret);

/* Passes over the rest of the value that *item began, which may be complete already. */
NODISCARD enum err json_pull_skip(struct json_pull *p, const struct json_item *item);

#endif
