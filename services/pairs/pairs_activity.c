/*
 * Role: store. Activities of a couple (messages, hugs, kisses) and read marks.
 */
#include "services/pairs/pairs_change_priv.h"
#include "services/pairs/pairs_db.h"

enum err pairs_add_activity(struct pairs_write *w)
{
	bool has_media = false;
	enum err e = pairs_has_media(w, &has_media);

	if (e == ERR_OK && !has_media) {
		return pairs_refuse(w, PAIRS_NOT_FOUND);
	}
	return e == ERR_OK
		   ? pairs_append(w, w->r->couple, "activity", w->r->new_id, w->r->user, w->r->body)
		   : e;
}

/* What there is of an activity under a number. */
struct found {
	int64_t seq, user;
	bool is_activity, is_deleted;
};

static enum err find(struct pairs_write *w, struct found *ret)
{
	struct sql_query *q;
	enum err e = pairs_find(w->t->db, PAIRS_STREAM_BY_ID,
	    PAIRS_VALUES(PAIRS_N("couple_id", w->r->couple), PAIRS_N("id", w->r->id)), &q, w->note);

	if (e == ERR_OK) {
		*ret = (struct found){ .seq = sql_col_i64(q, 0),
			.user = sql_col_i64(q, 2),
			.is_activity = slice_eq(sql_col_text(q, 1), SLICE("activity")),
			.is_deleted =
			    slice_starts(sql_col_text(q, 4), SLICE("{\"deleted\":true")) };
		sql_end(q);
	}
	return e;
}

/* Its number stays, with nothing in it. */
static enum err blank(struct pairs_write *w, const struct found *f)
{
	struct json_writer json;
	struct slice text = SLICE_EMPTY;
	struct buf *body = pairs_json(w, &json);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	json_put_name(&json, SLICE("deleted"));
	json_put_bool(&json, true);
	pairs_put_id(&json, "id", w->r->id);
	json_end_object(&json);
	enum err e = buf_finish(body, &text);
	return e == ERR_OK ? pairs_run(w->t->db, PAIRS_STREAM_BLANK,
				 PAIRS_VALUES(PAIRS_T("body", text),
				     PAIRS_N("couple_id", w->r->couple), PAIRS_N("seq", f->seq)),
				 w->note)
			   : e;
}

enum err pairs_delete_activity(struct pairs_write *w)
{
	struct found f;
	struct json_writer json;
	enum err e = find(w, &f);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && (!f.is_activity || f.is_deleted))) {
		return pairs_refuse(w, PAIRS_NOT_FOUND);
	}
	if (e == ERR_OK && f.user != w->r->user) {
		return pairs_refuse(w, PAIRS_NOT_OWN);
	}
	if (e == ERR_OK) {
		e = blank(w, &f);
	}
	if (e != ERR_OK) {
		return e;
	}
	struct buf *body = pairs_json(w, &json);
	if (body == NULL) {
		return ERR_MEMORY;
	}
	pairs_put_id(&json, "id", w->r->id);
	json_put_name(&json, SLICE("deleted_seq"));
	json_put_i64(&json, f.seq);
	return pairs_append_json(w, "activity.deleted", pairs_new_id(), body, &json);
}

/* Marks only go forward. */
enum err pairs_mark_read(struct pairs_write *w)
{
	struct sql_query *q;
	struct json_writer json;
	enum err e = pairs_find(
	    w->t->db, PAIRS_COUPLE_GET, PAIRS_VALUES(PAIRS_N("id", w->r->couple)), &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	int64_t head = sql_col_i64(q, 2);
	sql_end(q);
	if (w->r->up_to > head || w->r->up_to <= w->user.read_seq) {
		return pairs_refuse(w, w->r->up_to > head ? PAIRS_BAD_PLACE : PAIRS_NOTHING);
	}
	e = pairs_run(w->t->db, PAIRS_USER_READ,
	    PAIRS_VALUES(PAIRS_N("read_seq", w->r->up_to), PAIRS_N("id", w->r->user)), w->note);
	struct buf *body = e == ERR_OK ? pairs_json(w, &json) : NULL;
	if (body == NULL) {
		return e == ERR_OK ? ERR_MEMORY : e;
	}
	pairs_put_id(&json, "user_id", w->r->user);
	json_put_name(&json, SLICE("up_to"));
	json_put_i64(&json, w->r->up_to);
	return pairs_append_json(w, "read", pairs_new_id(), body, &json);
}
