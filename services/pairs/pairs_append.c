/*
 * Role: store. The stream of a couple: giving a change its number; and how much a couple has.
 */
#include "services/pairs/pairs_change_priv.h"
#include "services/pairs/pairs_db.h"

enum err pairs_count(struct pairs_write *w, enum pairs_stmt stmt, int64_t most, bool *ret_full)
{
	int64_t n = 0;
	enum err e = pairs_number(
	    w->t->db, stmt, PAIRS_VALUES(PAIRS_N("couple_id", w->r->couple)), &n, w->note);

	*ret_full = n >= most;
	return e;
}

struct buf *pairs_json(struct pairs_write *w, struct json_writer *ret)
{
	struct buf *body = arena_buf(w->t->arena, PAIRS_BODY_MAX);

	if (body != NULL) {
		*ret = json_writer_new(body);
		json_begin_object(ret);
	}
	return body;
}

enum err pairs_append(struct pairs_write *w, int64_t couple, const char *event, int64_t id,
    int64_t user, struct slice body)
{
	struct sql_db *db = w->t->db;
	int64_t seq = 0;
	enum err e =
	    pairs_number(db, PAIRS_COUPLE_NEXT, PAIRS_VALUES(PAIRS_N("id", couple)), &seq, w->note);

	if (e == ERR_OK) {
		e = pairs_insert(db, PAIRS_STREAM_PUT,
		    PAIRS_VALUES(PAIRS_N("couple_id", couple), PAIRS_N("seq", seq),
			PAIRS_N("id", id), PAIRS_T("event", slice_str(event)),
			PAIRS_N("user_id", user), PAIRS_N("at_ms", w->t->now_ms),
			PAIRS_T("body", body)),
		    w->note);
	}
	if (e == ERR_OK && (w->r->notice != PAIRS_NOTICE_NONE || w->r->push != 0)) {
		e = pairs_put_notices(w, couple, seq, event, user, body);
	}
	if (e == ERR_OK) {
		w->c.seq = seq;
		w->c.user = user;
		w->c.couple = couple;
		w->c.at_ms = w->t->now_ms;
		w->c.event = slice_str(event);
		w->c.body = body;
	}
	return e;
}

enum err pairs_append_json(struct pairs_write *w, const char *event, int64_t id, struct buf *body,
    struct json_writer *json)
{
	struct slice text = SLICE_EMPTY;

	json_end_object(json);
	enum err e = buf_finish(body, &text);
	return e == ERR_OK ? pairs_append(w, w->r->couple, event, id, w->r->user, text) : e;
}
