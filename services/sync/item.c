/*
 * One record: GET and DELETE of it; and the JSON that records are shown as.
 */
#include "services/sync/bso.h"

#include "services/sync/change.h"
#include "services/sync/db.h"
#include "services/sync/sync_priv.h"

void sync_bso_write(struct json_writer *w, const struct sync_bso *b)
{
	char text[SYNC_TIME_SIZE];

	json_begin_object(w);
	json_put_name(w, SLICE("id"));
	json_put_string(w, b->id);
	json_put_name(w, SLICE("modified"));
	json_put_raw(w, sync_time_text(b->modified_ms, text));
	json_put_name(w, SLICE("payload"));
	json_put_string(w, b->payload);
	if (b->has_sortindex) {
		json_put_name(w, SLICE("sortindex"));
		json_put_i64(w, b->sortindex);
	}
	json_end_object(w);
}

void sync_bso_read(struct sql_query *q, bool with_payload, struct sync_bso *ret)
{
	ret->id = sql_col_text(q, 0);
	ret->modified_ms = sql_col_i64(q, 1);
	ret->has_sortindex = !sql_col_is_null(q, 2);
	ret->sortindex = ret->has_sortindex ? sql_col_i64(q, 2) : 0;
	ret->payload = with_payload ? sql_col_blob(q, 3) : SLICE_EMPTY;
}

static bool text_at(struct sql_query *q, int column, struct slice *ret)
{
	bool is_there = !sql_col_is_null(q, column);

	*ret = is_there ? sql_col_text(q, column) : SLICE_EMPTY;
	return is_there;
}

bool sync_bso_parentid(struct sql_query *q, struct slice *ret)
{
	return text_at(q, 5, ret);
}

bool sync_bso_predecessorid(struct sql_query *q, struct slice *ret)
{
	return text_at(q, 6, ret);
}

enum err sync_bso_find(
    struct sync_call *s, int64_t number, struct slice id, struct sql_query **ret_q)
{
	const struct svc_env *env = s->c->env;
	struct sql_query *q;
	enum err e = sync_begin(env->db, SYNC_BSO_GET, &q, &s->c->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", s->user.uid);
	sql_bind_i64(q, "collection", number);
	sql_bind_text(q, "id", id);
	e = sql_step(q);
	bool is_dead = e == ERR_OK && sql_col_i64(q, 4) != 0 && sql_col_i64(q, 4) <= s->now_ms;
	if (e != ERR_OK || is_dead) {
		sql_end(q);
		return is_dead || e == ERR_END ? ERR_NOT_FOUND : e;
	}
	*ret_q = q;
	return ERR_OK;
}

/* The record as text, which is the caller's to free; its time even if it does not fit. */
static enum err read_item(
    struct sync_call *s, const struct sync_collection *c, struct buf *out, int64_t *ret_ms)
{
	struct json_writer w = json_writer_new(out);
	struct sync_bso b;
	struct sql_query *q;
	enum err e = sync_bso_find(s, c->number, s->item, &q);

	if (e == ERR_OK) {
		sync_bso_read(q, true, &b);
		*ret_ms = b.modified_ms;
		sync_bso_write(&w, &b);
		sql_end(q);
	}
	return e;
}

enum err sync_get_item(struct op_call *c)
{
	struct sync_call s;
	struct sync_meta *m = NULL;
	struct slice text = SLICE_EMPTY;
	int64_t modified_ms = 0;

	if (!sync_call_begin(c, SYNC_BODY_NONE, &s)) {
		return ERR_OK;
	}
	struct buf *body = arena_buf(c->arena, SYNC_BSO_TEXT_MAX);
	if (body == NULL) {
		return ERR_MEMORY;
	}
	enum err e = sync_call_meta(&s, &m);
	if (e != ERR_OK) {
		return e;
	}
	const struct sync_collection *in = sync_meta_find(m, s.collection);
	e = in == NULL ? ERR_NOT_FOUND : read_item(&s, in, body, &modified_ms);
	if (e == ERR_NOT_FOUND) {
		sync_refuse(c, 404, SYNC_CODE_OTHER);
		return ERR_OK;
	}
	if (e != ERR_OK || !sync_call_holds(&s, modified_ms)) {
		return e;
	}
	e = buf_finish(body, &text);
	if (e == ERR_OK) {
		sync_reply(&s, 200, text, modified_ms);
	}
	return e;
}
