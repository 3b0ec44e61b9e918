/*
 * PUT of a record and POST to a collection. Bodies are read by the handler itself, so that nobody
 * gets memory before his token was looked at.
 */
#include "core/base/json.h"
#include "services/sync/bso_body.h"
#include "services/sync/change.h"
#include "services/sync/params.h"
#include "services/sync/upload_body.h"

enum {
	ANSWER_OVERHEAD = 128
};

/* ---- bodies ---- */

/* An answer to a body that cannot be taken; other errors are the caller's. */
static enum err refuse_body(struct sync_call *s, enum err e)
{
	if (e == ERR_INVALID) {
		sync_refuse(s->c, 400, SYNC_CODE_INVALID);
		return ERR_OK;
	}
	return e; /* ERR_LIMIT: 413 with 17 */
}

/* ---- PUT ---- */

static enum err put_records(struct sync_call *s, struct slice records)
{
	struct sync_write_req r = sync_change_new(s, SYNC_WRITE_PUT);
	struct sync_written w;
	bool done = false;

	r.records = records;
	enum err e = sync_change_run(s, &r, &w, &done);
	if (e == ERR_OK && done) {
		char *text = arena_alloc(s->c->arena, SYNC_TIME_SIZE);
		if (text == NULL) {
			return ERR_MEMORY;
		}
		sync_add_quota(s, &w);
		sync_reply(s, 200, sync_time_text(w.modified_ms, text), w.modified_ms);
	}
	return e;
}

enum err sync_put_item(struct op_call *c)
{
	const struct sync_state *state = c->state;
	struct sync_call s;
	struct sync_body *body = NULL;
	struct sync_upload u;

	if (!sync_call_begin(c, SYNC_BODY_ONE, &s)) {
		return ERR_OK;
	}
	enum err e = sync_body_read(c, state->limits.request_bytes, &body);
	if (e != ERR_OK) {
		return e;
	}
	e = sync_item_read(
	    buf_slice(&body->bytes), s.collection, s.item, &state->limits, &u, &c->note);
	sync_body_end(body);
	e = e == ERR_OK ? put_records(&s, buf_slice(&u.records)) : refuse_body(&s, e);
	sync_upload_free(&u);
	return e;
}

/* ---- POST ---- */

/* What the client says that it will send, against a limit. */
static bool is_within(struct sync_call *s, const char *name, int64_t max)
{
	struct slice text = http_header_get(s->c->req, slice_str(name));
	uint64_t n = 0;

	if (text.ptr == NULL) {
		return true;
	}
	enum err e = slice_to_u64(slice_trim(text), (uint64_t)max, &n);
	if (e != ERR_OK) {
		sync_refuse(s->c, 400, e == ERR_LIMIT ? SYNC_CODE_LIMIT : SYNC_CODE_OTHER);
	}
	return e == ERR_OK;
}

static bool announces_too_much(struct sync_call *s, bool has_batch)
{
	const struct sync_limits *l = &((const struct sync_state *)s->c->state)->limits;

	return !is_within(s, "X-Weave-Records", l->post_records) ||
	       !is_within(s, "X-Weave-Bytes", l->post_bytes) ||
	       (has_batch && (!is_within(s, "X-Weave-Total-Records", l->total_records) ||
				 !is_within(s, "X-Weave-Total-Bytes", l->total_bytes)));
}

static enum sync_write_kind kind_of(const struct sync_post_params *p)
{
	if (!p->has_batch || (p->batch == 0 && p->commits)) {
		return SYNC_WRITE_PUT;
	}
	return p->commits ? SYNC_WRITE_COMMIT : SYNC_WRITE_APPEND;
}

/* {"modified":T or "batch":"N", "success":[...],"failed":{...}} */
static enum err reply_upload(struct sync_call *s, enum sync_write_kind kind,
    const struct sync_written *w, const struct sync_upload *u)
{
	struct buf *body = arena_buf(s->c->arena, u->success.len + u->failed.len + ANSWER_OVERHEAD);
	char time[SYNC_TIME_SIZE], number[32];
	struct slice text = SLICE_EMPTY;

	if (body == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer j = json_writer_new(body);
	json_begin_object(&j);
	if (kind == SYNC_WRITE_APPEND) {
		(void)snprintf(number, sizeof(number), "%lld", (long long)w->batch);
		json_put_name(&j, SLICE("batch"));
		json_put_string(&j, slice_str(number));
	} else {
		json_put_name(&j, SLICE("modified"));
		json_put_raw(&j, sync_time_text(w->modified_ms, time));
	}
	json_put_name(&j, SLICE("success"));
	json_put_raw(&j, buf_slice(&u->success));
	json_put_name(&j, SLICE("failed"));
	json_put_raw(&j, buf_slice(&u->failed));
	json_end_object(&j);
	enum err e = buf_finish(body, &text);
	if (e == ERR_OK) {
		sync_add_quota(s, w);
		sync_reply(s, kind == SYNC_WRITE_APPEND ? 202 : 200, text, w->modified_ms);
	}
	return e;
}

static enum err post_records(
    struct sync_call *s, const struct sync_post_params *p, const struct sync_upload *u)
{
	struct sync_write_req r = sync_change_new(s, kind_of(p));
	struct sync_written w;
	bool done = false;

	r.batch = p->batch;
	r.records = buf_slice(&u->records);
	enum err e = sync_change_run(s, &r, &w, &done);
	return e == ERR_OK && done ? reply_upload(s, r.kind, &w, u) : e;
}

enum err sync_post_list(struct op_call *c)
{
	const struct sync_state *state = c->state;
	struct sync_call s;
	struct sync_post_params p;
	struct sync_body *body = NULL;
	struct sync_upload u;

	if (!sync_call_begin(c, SYNC_BODY_MANY, &s)) {
		return ERR_OK;
	}
	if (!sync_post_params_take(c, &p)) {
		sync_refuse(c, 400, SYNC_CODE_OTHER);
		return ERR_OK;
	}
	if (announces_too_much(&s, p.has_batch)) {
		return ERR_OK;
	}
	enum err e = sync_body_read(c, state->limits.request_bytes, &body);
	if (e != ERR_OK) {
		return e;
	}
	e = sync_upload_read(
	    buf_slice(&body->bytes), s.brings_lines, s.collection, &state->limits, &u, &c->note);
	sync_body_end(body);
	e = e == ERR_OK ? post_records(&s, &p, &u) : refuse_body(&s, e);
	sync_upload_free(&u);
	return e;
}
