/*
 * Role: web. The operations of the old storage: which method does what to which path, records one
 * by one, and deleting everything.
 */
#include "core/base/json.h"
#include "services/sync/bso.h"
#include "services/sync/upload_body.h"
#include "services/sync/weave.h"

enum {
	ANSWER_OVERHEAD = 128
};

/* "collection" or "collection/item" behind storage/. False: answered with 404. */
static bool take_names(struct weave_call *w)
{
	size_t slash = slice_find(w->rest, '/', 0);

	w->s.collection = slice_sub(w->rest, 0, slash);
	w->s.item = slice_sub(w->rest, slash + 1, w->rest.len);
	bool is_good =
	    sync_name_is_good(w->s.collection) &&
	    (slash == w->rest.len ||
		(sync_id_is_good(w->s.item) && slice_find(w->s.item, '/', 0) == w->s.item.len));
	if (!is_good) {
		weave_refuse(w->s.c, 404, WEAVE_OTHER);
	}
	return is_good;
}

/* ---- reading ---- */

void weave_write_record(struct json_writer *j, struct sql_query *q)
{
	char text[SYNC_TIME_SIZE];
	struct sync_bso b;
	struct slice near = SLICE_EMPTY;

	sync_bso_read(q, true, &b);
	json_begin_object(j);
	json_put_name(j, SLICE("id"));
	json_put_string(j, b.id);
	json_put_name(j, SLICE("modified"));
	json_put_raw(j, sync_time_text(b.modified_ms, text));
	if (b.has_sortindex) {
		json_put_name(j, SLICE("sortindex"));
		json_put_i64(j, b.sortindex);
	}
	if (sync_bso_parentid(q, &near)) {
		json_put_name(j, SLICE("parentid"));
		json_put_string(j, near);
	}
	if (sync_bso_predecessorid(q, &near)) {
		json_put_name(j, SLICE("predecessorid"));
		json_put_string(j, near);
	}
	json_put_name(j, SLICE("payload"));
	json_put_string(j, b.payload);
	json_end_object(j);
}

enum err weave_get_item(struct weave_call *w)
{
	struct sync_meta *m = NULL;
	struct buf *body = arena_buf(w->s.c->arena, SYNC_BSO_TEXT_MAX);
	struct sql_query *q = NULL;
	struct slice text = SLICE_EMPTY;
	enum err e = body == NULL ? ERR_MEMORY : sync_call_meta(&w->s, &m);

	if (e != ERR_OK) {
		return e;
	}
	const struct sync_collection *in = sync_meta_find(m, w->s.collection);
	e = in == NULL ? ERR_NOT_FOUND : sync_bso_find(&w->s, in->number, w->s.item, &q);
	if (e == ERR_NOT_FOUND) {
		weave_refuse(w->s.c, 404, WEAVE_OTHER);
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	struct json_writer j = json_writer_new(body);
	weave_write_record(&j, q);
	sql_end(q);
	e = buf_finish(body, &text);
	if (e == ERR_OK) {
		weave_reply(w, SLICE("application/json"), text, 0);
	}
	return e;
}

/* GET storage/... */
enum err weave_get(struct op_call *c)
{
	struct weave_call w;
	enum err e;

	if (!weave_begin(c, &w, &e) || !take_names(&w)) {
		return e;
	}
	return w.s.item.len > 0 ? weave_get_item(&w) : weave_get_list(&w);
}

/* ---- writing ---- */

/* {"modified":T,"success":[...],"failed":{...}} */
static enum err reply_many(struct weave_call *w, const struct sync_upload *u, int64_t modified_ms)
{
	struct buf *body =
	    arena_buf(w->s.c->arena, u->success.len + u->failed.len + ANSWER_OVERHEAD);
	char time[SYNC_TIME_SIZE];
	struct slice text = SLICE_EMPTY;

	if (body == NULL) {
		return ERR_MEMORY;
	}
	int64_t ms = modified_ms != 0 ? modified_ms : sync_grid_ms(w->s.now_ms);
	struct json_writer j = json_writer_new(body);
	json_begin_object(&j);
	json_put_name(&j, SLICE("modified"));
	json_put_raw(&j, sync_time_text(ms, time));
	json_put_name(&j, SLICE("success"));
	json_put_raw(&j, buf_slice(&u->success));
	json_put_name(&j, SLICE("failed"));
	json_put_raw(&j, buf_slice(&u->failed));
	json_end_object(&j);
	enum err e = buf_finish(body, &text);
	if (e == ERR_OK) {
		weave_reply(w, SLICE("application/json"), text, ms);
	}
	return e;
}

static enum err store(struct weave_call *w, enum weave_body_kind kind, const struct sync_upload *u)
{
	struct sync_written written = { .stamp_ms = 0 };
	bool done = true;
	/* Of nothing there is nothing to store: the collection does not appear. */
	enum err e = u->n == 0 ? ERR_OK
			       : weave_change_run(
				     w, SYNC_WRITE_PUT, buf_slice(&u->records), &written, &done);

	if (e != ERR_OK || !done) {
		return e;
	}
	return kind == WEAVE_BODY_ONE ? weave_reply_time(w, written.modified_ms)
				      : reply_many(w, u, written.modified_ms);
}

static bool brings_lines(struct op_call *c)
{
	struct slice type = http_header_get(c->req, SLICE("Content-Type"));

	return slice_eq_nocase(slice_trim(slice_sub(type, 0, slice_find(type, ';', 0))),
	    SLICE("application/newlines"));
}

static enum err upload(struct weave_call *w)
{
	struct op_call *c = w->s.c;
	struct sync_body *body = NULL;
	struct sync_upload u;
	enum weave_body_kind kind;
	enum err e = sync_body_read(c, WEAVE_BODY_MAX, &body);

	if (e != ERR_OK) {
		return e;
	}
	e = weave_body_read(
	    buf_slice(&body->bytes), brings_lines(c), w->s.item, &u, &kind, &c->note);
	sync_body_end(body);
	if (e == ERR_SYNTAX || e == ERR_INVALID) {
		weave_refuse(c, 400, e == ERR_SYNTAX ? WEAVE_JSON : WEAVE_INVALID);
		e = ERR_OK;
	} else if (e == ERR_OK) {
		e = store(w, kind, &u);
	}
	sync_upload_free(&u);
	return e;
}

/* PUT storage/...: of a collection it is a POST. */
enum err weave_put(struct op_call *c)
{
	struct weave_call w;
	enum err e;

	return weave_begin(c, &w, &e) && take_names(&w) ? upload(&w) : e;
}

/* POST storage/collection. */
enum err weave_post(struct op_call *c)
{
	struct weave_call w;
	enum err e;

	if (!weave_begin(c, &w, &e) || !take_names(&w)) {
		return e;
	}
	if (w.s.item.len > 0) {
		weave_refuse(c, 405, WEAVE_OTHER);
		return ERR_OK;
	}
	return upload(&w);
}

/* ---- deleting ---- */

/* Of a record: that there is none is no failure. */
static enum err delete_item(struct weave_call *w)
{
	struct buf *records = arena_buf(w->s.c->arena, SYNC_ID_MAX + SYNC_RECORD_OVERHEAD);
	struct sync_written written;
	bool done = false;

	if (records == NULL) {
		return ERR_MEMORY;
	}
	sync_record_put(records, &(struct sync_record){ .id = w->s.item });
	enum err e =
	    weave_change_run(w, SYNC_WRITE_DELETE_IDS, buf_slice(records), &written, &done);
	return e == ERR_OK && done ? weave_reply_time(w, written.stamp_ms) : e;
}

/* DELETE storage/... */
enum err weave_delete(struct op_call *c)
{
	struct weave_call w;
	enum err e;

	if (!weave_begin(c, &w, &e) || !take_names(&w)) {
		return e;
	}
	return w.s.item.len > 0 ? delete_item(&w) : weave_delete_list(&w);
}

/* DELETE of the storage, or of all that a user has there: not by mistake. */
enum err weave_delete_all(struct op_call *c)
{
	struct weave_call w;
	struct sync_written written;
	bool done = false;
	enum err e;

	if (!weave_begin(c, &w, &e)) {
		return e;
	}
	if (http_header_get(c->req, SLICE("X-Confirm-Delete")).ptr == NULL) {
		weave_refuse(c, 400, WEAVE_OVERWRITE);
		return ERR_OK;
	}
	e = weave_change_run(&w, SYNC_WRITE_DELETE_ALL, SLICE_EMPTY, &written, &done);
	return e == ERR_OK && done ? weave_reply_time(&w, written.stamp_ms) : e;
}
