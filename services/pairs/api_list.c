/*
 * Shared lists over the REST API.
 */
#include "services/pairs/api.h"
#include "services/pairs/pairs_list.h"

static struct pairs_change_req request(const struct api_call *a, enum pairs_kind kind)
{
	return (
	    struct pairs_change_req){ .kind = kind, .user = a->user.id, .couple = a->user.couple };
}

/* Makes the change and answers with its event, or with nothing where the row says 204. */
static enum err change(struct api_call *a, struct pairs_change_req *r)
{
	struct pairs_changed changed;
	enum err e = ERR_OK;

	if (!api_change(a, r, &changed, &e)) {
		return e;
	}
	return a->row->success == 204 ? api_send_empty(a) : api_send_event(a, &changed);
}

/* {"lists": [...]} and the like. */
static enum err answer(struct api_call *a, const char *name,
    enum err (*put)(
	struct sql_db *db, int64_t couple, struct json_writer *json, struct err_note *note))
{
	enum err e = api_begin(a);

	if (e != ERR_OK) {
		return e;
	}
	json_begin_object(&a->out);
	json_put_name(&a->out, slice_str(name));
	e = put(a->env->db, a->user.couple, &a->out, &a->c->note);
	json_end_object(&a->out);
	return e == ERR_OK ? api_send(a, a->row->success) : e;
}

enum err api_get_lists(struct api_call *a)
{
	return answer(a, "lists", pairs_lists_put);
}

/* Version and items are of one moment. */
static enum err put_list(struct api_call *a, int64_t id)
{
	struct sql_db *db = a->env->db;
	struct pairs_list l;

	sql_snapshot_begin(db);
	enum err e = pairs_list_get(db, a->c->arena, a->user.couple, id, &l, &a->c->note);
	if (e == ERR_OK) {
		json_begin_object(&a->out);
		pairs_list_put(&a->out, &l);
		json_put_name(&a->out, SLICE("items"));
		e = pairs_items_put(db, a->user.couple, id, &a->out, &a->c->note);
		json_end_object(&a->out);
	}
	sql_snapshot_end(db);
	return e;
}

enum err api_get_list(struct api_call *a)
{
	int64_t id = 0;
	enum err e = api_path_id(a, "id", &id) ? api_begin(a) : ERR_NOT_FOUND;

	if (e == ERR_OK) {
		e = put_list(a, id);
	}
	return e == ERR_OK ? api_send(a, a->row->success) : e;
}

enum err api_add_list(struct api_call *a)
{
	struct pairs_change_req r = request(a, PAIRS_ADD_LIST);

	r.client_id = api_text(a, "client_id");
	r.new_id = pairs_new_id();
	r.name = api_text(a, "name");
	return change(a, &r);
}

enum err api_edit_list(struct api_call *a)
{
	struct pairs_change_req r = request(a, PAIRS_EDIT_LIST);

	r.name = api_text(a, "name");
	r.version = api_number(a, "if_version", 0);
	return api_path_id(a, "id", &r.id) ? change(a, &r) : ERR_NOT_FOUND;
}

enum err api_delete_list(struct api_call *a)
{
	struct pairs_change_req r = request(a, PAIRS_DELETE_LIST);

	r.version = api_number(a, "if_version", 0);
	return api_path_id(a, "id", &r.id) ? change(a, &r) : ERR_NOT_FOUND;
}

/* ---- items ---- */

static void take_item(const struct api_call *a, struct pairs_change_req *r)
{
	r->text = api_text(a, "text");
	r->complete = api_number(a, "complete", 0);
	r->important = api_number(a, "important", 0);
	r->place = api_number(a, "index", 0);
	r->media = api_number(a, "media_id", 0);
	r->version = api_number(a, "if_version", 0);
	r->given = api_given(a, "text", PAIRS_GIVEN_TEXT) |
		   api_given(a, "media_id", PAIRS_GIVEN_MEDIA) |
		   api_given(a, "complete", PAIRS_GIVEN_COMPLETE) |
		   api_given(a, "important", PAIRS_GIVEN_IMPORTANT) |
		   api_given(a, "index", PAIRS_GIVEN_PLACE);
}

enum err api_add_item(struct api_call *a)
{
	struct pairs_change_req r = request(a, PAIRS_ADD_ITEM);

	take_item(a, &r);
	r.client_id = api_text(a, "client_id");
	r.new_id = pairs_new_id();
	return api_path_id(a, "id", &r.id) ? change(a, &r) : ERR_NOT_FOUND;
}

enum err api_edit_item(struct api_call *a)
{
	struct pairs_change_req r = request(a, PAIRS_EDIT_ITEM);

	take_item(a, &r);
	if (r.given == 0) {
		return api_refuse(a, 400, "invalid", "there is nothing to change");
	}
	return api_path_id(a, "id", &r.id) && api_path_id(a, "item", &r.item) ? change(a, &r)
									      : ERR_NOT_FOUND;
}

enum err api_delete_item(struct api_call *a)
{
	struct pairs_change_req r = request(a, PAIRS_DELETE_ITEM);

	r.version = api_number(a, "if_version", 0);
	return api_path_id(a, "id", &r.id) && api_path_id(a, "item", &r.item) ? change(a, &r)
									      : ERR_NOT_FOUND;
}
