/*
 * See pairs_list.h.
 */
#include "services/pairs/pairs_list.h"

#include "services/pairs/pairs_change.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_user.h"

static struct pairs_list list_of(struct sql_query *q)
{
	return (struct pairs_list){ .id = sql_col_i64(q, 0),
		.name = sql_col_text(q, 1),
		.version = sql_col_i64(q, 2),
		.user = sql_col_i64(q, 3),
		.updated_ms = sql_col_i64(q, 4) };
}

static struct pairs_item item_of(struct sql_query *q)
{
	return (struct pairs_item){ .id = sql_col_i64(q, 0),
		.place = sql_col_i64(q, 1),
		.text = sql_col_text(q, 2),
		.complete = sql_col_i64(q, 3) != 0,
		.important = sql_col_i64(q, 4) != 0,
		.user = sql_col_i64(q, 5),
		.updated_ms = sql_col_i64(q, 6),
		.media = sql_col_i64(q, 7) };
}

enum err pairs_list_get(struct sql_db *db, struct arena *arena, int64_t couple, int64_t id,
    struct pairs_list *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_find(db, PAIRS_LIST_GET,
	    PAIRS_VALUES(PAIRS_N("couple_id", couple), PAIRS_N("id", id)), &q, note);

	if (e == ERR_OK) {
		*ret = list_of(q);
		e = arena_copy(arena, ret->name, &ret->name);
		sql_end(q);
	}
	return e;
}

enum err pairs_item_get(struct sql_db *db, struct arena *arena, int64_t couple, int64_t list,
    int64_t id, struct pairs_item *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_find(db, PAIRS_ITEM_GET,
	    PAIRS_VALUES(PAIRS_N("couple_id", couple), PAIRS_N("list_id", list), PAIRS_N("id", id)),
	    &q, note);

	if (e == ERR_OK) {
		*ret = item_of(q);
		e = arena_copy(arena, ret->text, &ret->text);
		sql_end(q);
	}
	return e;
}

enum err pairs_lists_put(
    struct sql_db *db, int64_t couple, struct json_writer *json, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_query(db, PAIRS_LIST_ALL,
	    PAIRS_VALUES(PAIRS_N("couple_id", couple), PAIRS_N("most", PAIRS_LISTS_MAX)), &q, note);

	if (e != ERR_OK) {
		return e;
	}
	json_begin_array(json);
	while ((e = sql_step(q)) == ERR_OK) {
		struct pairs_list l = list_of(q);
		json_begin_object(json);
		pairs_list_put(json, &l);
		json_end_object(json);
	}
	json_end_array(json);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

enum err pairs_items_put(struct sql_db *db, int64_t couple, int64_t list, struct json_writer *json,
    struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_query(db, PAIRS_ITEM_ALL,
	    PAIRS_VALUES(PAIRS_N("couple_id", couple), PAIRS_N("list_id", list),
		PAIRS_N("most", PAIRS_ITEMS_MAX)),
	    &q, note);

	if (e != ERR_OK) {
		return e;
	}
	json_begin_array(json);
	while ((e = sql_step(q)) == ERR_OK) {
		struct pairs_item i = item_of(q);
		pairs_item_put(json, &i);
	}
	json_end_array(json);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

void pairs_list_put(struct json_writer *json, const struct pairs_list *l)
{
	pairs_put_id(json, "id", l->id);
	json_put_name(json, SLICE("name"));
	json_put_string(json, l->name);
	json_put_name(json, SLICE("version"));
	json_put_i64(json, l->version);
	pairs_put_id(json, "user_id", l->user);
	json_put_name(json, SLICE("updated_at"));
	json_put_i64(json, l->updated_ms);
}

void pairs_item_put(struct json_writer *json, const struct pairs_item *i)
{
	json_begin_object(json);
	pairs_put_id(json, "id", i->id);
	json_put_name(json, SLICE("index"));
	json_put_i64(json, i->place);
	json_put_name(json, SLICE("text"));
	json_put_string(json, i->text);
	json_put_name(json, SLICE("complete"));
	json_put_bool(json, i->complete);
	json_put_name(json, SLICE("important"));
	json_put_bool(json, i->important);
	pairs_put_id_or_null(json, "media_id", i->media);
	pairs_put_id(json, "user_id", i->user);
	json_put_name(json, SLICE("updated_at"));
	json_put_i64(json, i->updated_ms);
	json_end_object(json);
}
