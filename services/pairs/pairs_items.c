/*
 * Role: store. Changes of the items of lists. Places are 0 to n - 1 at all times: what is put
 * between, moved or taken out shifts those behind it.
 */
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_lists.h"

static enum err count(struct pairs_write *w, int64_t *ret)
{
	return pairs_number(w->t->db, PAIRS_ITEM_COUNT,
	    PAIRS_VALUES(PAIRS_N("couple_id", w->r->couple), PAIRS_N("list_id", w->r->id)), ret,
	    w->note);
}

/* Those at low .. high - 1. */
static enum err shift(struct pairs_write *w, int64_t low, int64_t high, int64_t step)
{
	if (low >= high) {
		return ERR_OK;
	}
	return pairs_run(w->t->db, PAIRS_ITEM_SHIFT,
	    PAIRS_VALUES(PAIRS_N("step", step), PAIRS_N("couple_id", w->r->couple),
		PAIRS_N("list_id", w->r->id), PAIRS_N("low", low), PAIRS_N("high", high)),
	    w->note);
}

static enum err write_item(struct pairs_write *w, enum pairs_stmt stmt, const struct pairs_item *i)
{
	return (stmt == PAIRS_ITEM_PUT ? pairs_insert : pairs_run)(w->t->db, stmt,
	    PAIRS_VALUES(PAIRS_N("couple_id", w->r->couple), PAIRS_N("list_id", w->r->id),
		PAIRS_N("id", i->id), PAIRS_N("place", i->place), PAIRS_T("label", i->text),
		PAIRS_N("complete", i->complete ? 1 : 0),
		PAIRS_N("important", i->important ? 1 : 0), PAIRS_N("user_id", i->user),
		PAIRS_N("updated_ms", i->updated_ms), PAIRS_N("media_id", i->media)),
	    w->note);
}

/* The list has a new version by it. */
static enum err finish(
    struct pairs_write *w, struct pairs_list *l, const struct pairs_item *i, bool deleted)
{
	struct json_writer json;
	enum err e = pairs_list_save(w, l);
	struct buf *body = e == ERR_OK ? pairs_json(w, &json) : NULL;

	if (body == NULL) {
		return e == ERR_OK ? ERR_MEMORY : e;
	}
	pairs_put_id(&json, "list_id", l->id);
	json_put_name(&json, SLICE("version"));
	json_put_i64(&json, l->version);
	json_put_name(&json, SLICE("item"));
	pairs_item_put(&json, i);
	json_put_name(&json, SLICE("deleted"));
	json_put_bool(&json, deleted);
	return pairs_append_json(w, "list.item", pairs_new_id(), body, &json);
}

/* A picture that the request names has to be theirs. */
static enum err check_media(struct pairs_write *w)
{
	bool has_media = false;
	enum err e = pairs_has_media(w, &has_media);

	return e == ERR_OK && !has_media ? pairs_refuse(w, PAIRS_NOT_FOUND) : e;
}

/* Fields that the request brought. */
static void edit(struct pairs_write *w, struct pairs_item *i)
{
	int64_t given = w->r->given;

	i->text = (given & PAIRS_GIVEN_TEXT) != 0 ? w->r->text : i->text;
	i->complete = (given & PAIRS_GIVEN_COMPLETE) != 0 ? w->r->complete != 0 : i->complete;
	i->important = (given & PAIRS_GIVEN_IMPORTANT) != 0 ? w->r->important != 0 : i->important;
	i->media = (given & PAIRS_GIVEN_MEDIA) != 0 ? w->r->media : i->media;
	i->user = w->r->user;
	i->updated_ms = w->t->now_ms;
}

enum err pairs_add_item(struct pairs_write *w)
{
	struct pairs_list l;
	struct pairs_item i = { .id = w->r->new_id };
	int64_t n = 0;
	enum err e = pairs_list_open(w, &l);

	if (e == ERR_OK && w->c.outcome == PAIRS_DONE) {
		e = count(w, &n);
	}
	if (e == ERR_OK && w->c.outcome == PAIRS_DONE) {
		e = check_media(w);
	}
	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	if (n >= PAIRS_ITEMS_MAX) {
		return pairs_refuse(w, PAIRS_FULL);
	}
	i.place = (w->r->given & PAIRS_GIVEN_PLACE) != 0 ? w->r->place : n;
	if (i.place > n) {
		return pairs_refuse(w, PAIRS_BAD_PLACE);
	}
	edit(w, &i);
	e = shift(w, i.place, n, 1);
	if (e == ERR_OK) {
		e = write_item(w, PAIRS_ITEM_PUT, &i);
	}
	return e == ERR_OK ? finish(w, &l, &i, false) : e;
}

/* Both are there afterwards, else the answer says why not. */
static enum err open_item(struct pairs_write *w, struct pairs_list *l, struct pairs_item *i)
{
	enum err e = pairs_list_open(w, l);

	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	e = pairs_item_get(w->t->db, w->t->arena, w->r->couple, l->id, w->r->item, i, w->note);
	return e == ERR_NOT_FOUND ? pairs_refuse(w, PAIRS_NOT_FOUND) : e;
}

static enum err move(struct pairs_write *w, struct pairs_item *i, int64_t to)
{
	int64_t from = i->place;

	i->place = to;
	return to < from ? shift(w, to, from, 1) : shift(w, from + 1, to + 1, -1);
}

enum err pairs_edit_item(struct pairs_write *w)
{
	struct pairs_list l;
	struct pairs_item i;
	int64_t n = 0;
	enum err e = open_item(w, &l, &i);

	if (e == ERR_OK && w->c.outcome == PAIRS_DONE) {
		e = count(w, &n);
	}
	if (e == ERR_OK && w->c.outcome == PAIRS_DONE) {
		e = check_media(w);
	}
	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	if ((w->r->given & PAIRS_GIVEN_PLACE) != 0) {
		if (w->r->place >= n) {
			return pairs_refuse(w, PAIRS_BAD_PLACE);
		}
		e = move(w, &i, w->r->place);
	}
	edit(w, &i);
	if (e == ERR_OK) {
		e = write_item(w, PAIRS_ITEM_EDIT, &i);
	}
	return e == ERR_OK ? finish(w, &l, &i, false) : e;
}

enum err pairs_delete_item(struct pairs_write *w)
{
	struct pairs_list l;
	struct pairs_item i;
	int64_t n = 0;
	enum err e = open_item(w, &l, &i);

	if (e == ERR_OK && w->c.outcome == PAIRS_DONE) {
		e = count(w, &n);
	}
	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	e = pairs_run(w->t->db, PAIRS_ITEM_DELETE,
	    PAIRS_VALUES(
		PAIRS_N("couple_id", w->r->couple), PAIRS_N("list_id", l.id), PAIRS_N("id", i.id)),
	    w->note);
	if (e == ERR_OK) {
		e = shift(w, i.place + 1, n, -1);
	}
	return e == ERR_OK ? finish(w, &l, &i, true) : e;
}
