/*
 * Role: store. Changes of lists. The version of a list is that of its items, too: who changes
 * something with if_version has seen all of it.
 */
#include "services/pairs/pairs_lists.h"

#include "services/pairs/pairs_db.h"

enum err pairs_list_open(struct pairs_write *w, struct pairs_list *ret)
{
	enum err e = pairs_list_get(w->t->db, w->t->arena, w->r->couple, w->r->id, ret, w->note);

	if (e == ERR_NOT_FOUND) {
		return pairs_refuse(w, PAIRS_NOT_FOUND);
	}
	if (e == ERR_OK && w->r->version != 0 && w->r->version != ret->version) {
		return pairs_refuse(w, PAIRS_STALE);
	}
	return e;
}

enum err pairs_list_save(struct pairs_write *w, struct pairs_list *l)
{
	l->version++;
	l->updated_ms = w->t->now_ms;
	return pairs_run(w->t->db, PAIRS_LIST_EDIT,
	    PAIRS_VALUES(PAIRS_T("name", l->name), PAIRS_N("version", l->version),
		PAIRS_N("updated_ms", l->updated_ms), PAIRS_N("couple_id", w->r->couple),
		PAIRS_N("id", l->id)),
	    w->note);
}

static enum err append(struct pairs_write *w, const struct pairs_list *l, bool deleted)
{
	struct json_writer json;
	struct buf *body = pairs_json(w, &json);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	pairs_list_put(&json, l);
	json_put_name(&json, SLICE("deleted"));
	json_put_bool(&json, deleted);
	return pairs_append_json(w, "list", pairs_new_id(), body, &json);
}

enum err pairs_add_list(struct pairs_write *w)
{
	const struct pairs_list l = { .id = w->r->new_id,
		.name = w->r->name,
		.version = 1,
		.user = w->r->user,
		.updated_ms = w->t->now_ms };
	bool full = false;
	enum err e = pairs_count(w, PAIRS_LIST_COUNT, PAIRS_LISTS_MAX, &full);

	if (e == ERR_OK && full) {
		return pairs_refuse(w, PAIRS_FULL);
	}
	if (e == ERR_OK) {
		e = pairs_insert(w->t->db, PAIRS_LIST_PUT,
		    PAIRS_VALUES(PAIRS_N("couple_id", w->r->couple), PAIRS_N("id", l.id),
			PAIRS_T("name", l.name), PAIRS_N("user_id", l.user),
			PAIRS_N("updated_ms", l.updated_ms)),
		    w->note);
	}
	return e == ERR_OK ? append(w, &l, false) : e;
}

enum err pairs_edit_list(struct pairs_write *w)
{
	struct pairs_list l;
	enum err e = pairs_list_open(w, &l);

	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	l.name = w->r->name;
	e = pairs_list_save(w, &l);
	return e == ERR_OK ? append(w, &l, false) : e;
}

enum err pairs_delete_list(struct pairs_write *w)
{
	struct pairs_list l;
	enum err e = pairs_list_open(w, &l);

	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	e = pairs_run(w->t->db, PAIRS_ITEM_DELETE_ALL,
	    PAIRS_VALUES(PAIRS_N("couple_id", w->r->couple), PAIRS_N("list_id", l.id)), w->note);
	if (e == ERR_OK) {
		e = pairs_run(w->t->db, PAIRS_LIST_DELETE,
		    PAIRS_VALUES(PAIRS_N("couple_id", w->r->couple), PAIRS_N("id", l.id)), w->note);
	}
	return e == ERR_OK ? append(w, &l, true) : e;
}
