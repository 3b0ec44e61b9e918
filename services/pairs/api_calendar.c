/*
 * The shared calendar over the REST API.
 */
#include "services/pairs/api.h"
#include "services/pairs/pairs_event.h"

enum err api_get_calendar(struct api_call *a)
{
	enum err e = api_begin(a);

	if (e != ERR_OK) {
		return e;
	}
	json_begin_object(&a->out);
	json_put_name(&a->out, SLICE("events"));
	e = pairs_events_put(a->env->db, a->user.couple, &a->out, &a->c->note);
	json_end_object(&a->out);
	return e == ERR_OK ? api_send(a, a->row->success) : e;
}

static enum err change(struct api_call *a, struct pairs_change_req *r)
{
	struct pairs_changed changed;
	enum err e = ERR_OK;

	r->user = a->user.id;
	r->couple = a->user.couple;
	if (!api_change(a, r, &changed, &e)) {
		return e;
	}
	return a->row->success == 204 ? api_send_empty(a) : api_send_event(a, &changed);
}

static void take_event(const struct api_call *a, struct pairs_change_req *r)
{
	r->name = api_text(a, "title");
	r->where = api_text(a, "place");
	r->rrule = api_text(a, "rrule");
	r->reminders = api_text(a, "reminders");
	r->start_ms = api_number(a, "start", 0);
	r->end_ms = api_number(a, "end", 0);
	r->given = api_given(a, "title", PAIRS_GIVEN_NAME) |
		   api_given(a, "place", PAIRS_GIVEN_WHERE) |
		   api_given(a, "rrule", PAIRS_GIVEN_RRULE) |
		   api_given(a, "reminders", PAIRS_GIVEN_REMINDERS) |
		   api_given(a, "start", PAIRS_GIVEN_START) | api_given(a, "end", PAIRS_GIVEN_END);
}

enum err api_add_event(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_ADD_EVENT,
		.client_id = api_text(a, "client_id"),
		.new_id = pairs_new_id() };

	take_event(a, &r);
	return change(a, &r);
}

enum err api_edit_event(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_EDIT_EVENT,
		.version = api_number(a, "if_version", 0) };

	take_event(a, &r);
	if (r.given == 0) {
		return api_refuse(a, 400, "invalid", "there is nothing to change");
	}
	return api_path_id(a, "id", &r.id) ? change(a, &r) : ERR_NOT_FOUND;
}

enum err api_delete_event(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_DELETE_EVENT,
		.version = api_number(a, "if_version", 0) };

	return api_path_id(a, "id", &r.id) ? change(a, &r) : ERR_NOT_FOUND;
}
