/*
 * Members of JSON objects as the protocol writes them: a name and a text, number, flag or time.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOLS_JSON_H
#define PLIMSOLL_SYMBOLS_SYMBOLS_JSON_H

#include "core/base/json.h"

void symbols_put_text(struct json_writer *w, struct slice name, struct slice value);
/* null for an empty text. */
void symbols_put_text_or_null(struct json_writer *w, struct slice name, struct slice value);
void symbols_put_number(struct json_writer *w, struct slice name, int64_t n);
void symbols_put_flag(struct json_writer *w, struct slice name, bool flag);
/* A value that is JSON already. */
void symbols_put_raw(struct json_writer *w, struct slice name, struct slice json);
/* null for 0. */
void symbols_put_time(struct json_writer *w, struct slice name, int64_t ms);

/* auth_api.c: [{id, codename, name}] of a set of enum symbols_permission. */
void symbols_put_permissions(struct json_writer *w, uint32_t permissions);

/* The name under which clients know one of the two storages. */
struct slice symbols_bucket(bool is_try);

#endif
