/*
 * See pairs_event.h.
 */
#include "services/pairs/pairs_event.h"

#include "services/pairs/pairs_change.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_user.h"

static struct pairs_event event_of(struct sql_query *q)
{
	return (struct pairs_event){ .id = sql_col_i64(q, 0),
		.title = sql_col_text(q, 1),
		.place = sql_col_text(q, 2),
		.rrule = sql_col_text(q, 3),
		.reminders = sql_col_text(q, 4),
		.start_ms = sql_col_i64(q, 5),
		.end_ms = sql_col_i64(q, 6),
		.version = sql_col_i64(q, 7),
		.user = sql_col_i64(q, 8),
		.updated_ms = sql_col_i64(q, 9) };
}

static enum err keep(struct arena *arena, struct pairs_event *v)
{
	struct slice *const texts[] = { &v->title, &v->place, &v->rrule, &v->reminders };
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < sizeof(texts) / sizeof(texts[0]); i++) {
		e = arena_copy(arena, *texts[i], texts[i]);
	}
	return e;
}

enum err pairs_event_get(struct sql_db *db, struct arena *arena, int64_t couple, int64_t id,
    struct pairs_event *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_find(db, PAIRS_EVENT_GET,
	    PAIRS_VALUES(PAIRS_N("couple_id", couple), PAIRS_N("id", id)), &q, note);

	if (e == ERR_OK) {
		*ret = event_of(q);
		e = keep(arena, ret);
		sql_end(q);
	}
	return e;
}

enum err pairs_events_put(
    struct sql_db *db, int64_t couple, struct json_writer *json, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_query(db, PAIRS_EVENT_ALL,
	    PAIRS_VALUES(PAIRS_N("couple_id", couple), PAIRS_N("most", PAIRS_EVENTS_MAX)), &q,
	    note);

	if (e != ERR_OK) {
		return e;
	}
	json_begin_array(json);
	while ((e = sql_step(q)) == ERR_OK) {
		struct pairs_event v = event_of(q);
		json_begin_object(json);
		pairs_event_put(json, &v);
		json_end_object(json);
	}
	json_end_array(json);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

void pairs_event_put(struct json_writer *json, const struct pairs_event *v)
{
	pairs_put_id(json, "id", v->id);
	json_put_name(json, SLICE("title"));
	json_put_string(json, v->title);
	json_put_name(json, SLICE("place"));
	json_put_string(json, v->place);
	json_put_name(json, SLICE("start"));
	json_put_i64(json, v->start_ms);
	json_put_name(json, SLICE("end"));
	json_put_i64(json, v->end_ms);
	json_put_name(json, SLICE("rrule"));
	json_put_string(json, v->rrule);
	json_put_name(json, SLICE("reminders"));
	json_put_raw(json, v->reminders);
	json_put_name(json, SLICE("version"));
	json_put_i64(json, v->version);
	pairs_put_id(json, "user_id", v->user);
	json_put_name(json, SLICE("updated_at"));
	json_put_i64(json, v->updated_ms);
}
