/*
 * Role: store. Changes of the shared calendar.
 */
#include "services/pairs/pairs_change_priv.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_event.h"

static enum err append(struct pairs_write *w, const struct pairs_event *v, bool deleted)
{
	struct json_writer json;
	struct buf *body = pairs_json(w, &json);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	pairs_event_put(&json, v);
	json_put_name(&json, SLICE("deleted"));
	json_put_bool(&json, deleted);
	return pairs_append_json(w, "event", pairs_new_id(), body, &json);
}

static void edit(struct pairs_write *w, struct pairs_event *v)
{
	const struct pairs_change_req *r = w->r;

	v->title = (r->given & PAIRS_GIVEN_NAME) != 0 ? r->name : v->title;
	v->place = (r->given & PAIRS_GIVEN_WHERE) != 0 ? r->where : v->place;
	v->rrule = (r->given & PAIRS_GIVEN_RRULE) != 0 ? r->rrule : v->rrule;
	v->reminders = (r->given & PAIRS_GIVEN_REMINDERS) != 0 ? r->reminders : v->reminders;
	v->start_ms = (r->given & PAIRS_GIVEN_START) != 0 ? r->start_ms : v->start_ms;
	v->end_ms = (r->given & PAIRS_GIVEN_END) != 0 ? r->end_ms : v->end_ms;
	v->user = r->user;
	v->updated_ms = w->t->now_ms;
}

enum err pairs_add_event(struct pairs_write *w)
{
	struct pairs_event v = { .id = w->r->new_id,
		.title = SLICE_EMPTY,
		.place = SLICE_EMPTY,
		.rrule = SLICE_EMPTY,
		.reminders = SLICE("[]"),
		.version = 1 };
	bool full = false;
	enum err e = pairs_count(w, PAIRS_EVENT_COUNT, PAIRS_EVENTS_MAX, &full);

	if (e == ERR_OK && full) {
		return pairs_refuse(w, PAIRS_FULL);
	}
	edit(w, &v);
	if (v.end_ms < v.start_ms) {
		return pairs_refuse(w, PAIRS_BAD_TIMES);
	}
	if (e == ERR_OK) {
		e = pairs_insert(w->t->db, PAIRS_EVENT_PUT,
		    PAIRS_VALUES(PAIRS_N("couple_id", w->r->couple), PAIRS_N("id", v.id),
			PAIRS_T("title", v.title), PAIRS_T("place", v.place),
			PAIRS_T("rrule", v.rrule), PAIRS_T("reminders", v.reminders),
			PAIRS_N("start_ms", v.start_ms), PAIRS_N("end_ms", v.end_ms),
			PAIRS_N("user_id", v.user), PAIRS_N("updated_ms", v.updated_ms)),
		    w->note);
	}
	return e == ERR_OK ? append(w, &v, false) : e;
}

/* The event that the request names, at the version it wants; else the answer says why not. */
static enum err open_event(struct pairs_write *w, struct pairs_event *ret)
{
	enum err e = pairs_event_get(w->t->db, w->t->arena, w->r->couple, w->r->id, ret, w->note);

	if (e == ERR_NOT_FOUND) {
		return pairs_refuse(w, PAIRS_NOT_FOUND);
	}
	if (e == ERR_OK && w->r->version != 0 && w->r->version != ret->version) {
		return pairs_refuse(w, PAIRS_STALE);
	}
	return e;
}

enum err pairs_edit_event(struct pairs_write *w)
{
	struct pairs_event v;
	enum err e = open_event(w, &v);

	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	edit(w, &v);
	v.version++;
	if (v.end_ms < v.start_ms) {
		return pairs_refuse(w, PAIRS_BAD_TIMES);
	}
	e = pairs_run(w->t->db, PAIRS_EVENT_EDIT,
	    PAIRS_VALUES(PAIRS_T("title", v.title), PAIRS_T("place", v.place),
		PAIRS_T("rrule", v.rrule), PAIRS_T("reminders", v.reminders),
		PAIRS_N("start_ms", v.start_ms), PAIRS_N("end_ms", v.end_ms),
		PAIRS_N("version", v.version), PAIRS_N("user_id", v.user),
		PAIRS_N("updated_ms", v.updated_ms), PAIRS_N("couple_id", w->r->couple),
		PAIRS_N("id", v.id)),
	    w->note);
	return e == ERR_OK ? append(w, &v, false) : e;
}

enum err pairs_delete_event(struct pairs_write *w)
{
	struct pairs_event v;
	enum err e = open_event(w, &v);

	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	e = pairs_run(w->t->db, PAIRS_EVENT_DELETE,
	    PAIRS_VALUES(PAIRS_N("couple_id", w->r->couple), PAIRS_N("id", v.id)), w->note);
	return e == ERR_OK ? append(w, &v, true) : e;
}
