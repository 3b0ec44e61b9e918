/*
 * Shared lists as the database has them, and how answers and events show them.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_LIST_H
#define PLIMSOLL_PAIRS_PAIRS_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/store/sql.h"

/* Text is in the caller's arena, or belongs to the row that is walked over. */
struct pairs_list {
	int64_t id, version, user, updated_ms;
	struct slice name;
};

struct pairs_item {
	int64_t id, place, user, updated_ms;
	struct slice text;
	int64_t media; /* a picture; 0: none */
	bool complete, important;
};

/* ERR_NOT_FOUND. */
NODISCARD enum err pairs_list_get(struct sql_db *db, struct arena *arena, int64_t couple,
    int64_t id, struct pairs_list *ret, struct err_note *note);
NODISCARD enum err pairs_item_get(struct sql_db *db, struct arena *arena, int64_t couple,
    int64_t list, int64_t id, struct pairs_item *ret, struct err_note *note);

/* Writes an array of all lists of a couple; of all items of a list. */
NODISCARD enum err pairs_lists_put(
    struct sql_db *db, int64_t couple, struct json_writer *json, struct err_note *note);
NODISCARD enum err pairs_items_put(struct sql_db *db, int64_t couple, int64_t list,
    struct json_writer *json, struct err_note *note);

/* Members of an object that has been begun. */
void pairs_list_put(struct json_writer *json, const struct pairs_list *l);
/* An object. */
void pairs_item_put(struct json_writer *json, const struct pairs_item *i);

#endif
