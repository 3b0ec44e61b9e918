/*
 * The shared calendar as the database has it, and how answers and events show it.
 */
#ifndef PLIMSOLL_PAIRS_PAIRS_EVENT_H
#define PLIMSOLL_PAIRS_PAIRS_EVENT_H

#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/json.h"
#include "core/store/sql.h"

/* Text is in the caller's arena, or belongs to the row that is walked over. */
struct pairs_event {
	int64_t id, start_ms, end_ms, version, user, updated_ms;
	struct slice title, place, rrule, reminders; /* the last one: JSON array */
};

/* ERR_NOT_FOUND. */
NODISCARD enum err pairs_event_get(struct sql_db *db, struct arena *arena, int64_t couple,
    int64_t id, struct pairs_event *ret, struct err_note *note);

/* Writes an array of all of a couple, by their beginning. */
NODISCARD enum err pairs_events_put(
    struct sql_db *db, int64_t couple, struct json_writer *json, struct err_note *note);

/* Members of an object that has been begun. */
void pairs_event_put(struct json_writer *json, const struct pairs_event *v);

#endif
