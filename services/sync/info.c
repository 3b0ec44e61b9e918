/*
 * GET info/...: what a store holds, all of it from the user's one row. Only what has expired since
 * must be looked up, and only where something has.
 */
#include "core/base/json.h"
#include "services/sync/storage_call.h"
#include "services/sync/db.h"
#include "services/sync/sync_priv.h"

enum {
	ANSWER_MAX = 64 * 1024
};

/* ---- what is common ---- */

enum err sync_subtract_expired(struct sync_call *s, struct sync_meta *m)
{
	const struct svc_env *env = s->c->env;
	struct sql_query *q;

	if (m->expiry_ms == 0 || m->expiry_ms > s->now_ms) {
		return ERR_OK;
	}
	enum err e = sync_begin(env->db, SYNC_EXPIRED_SUMS, &q, &s->c->note);
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", m->uid);
	sql_bind_i64(q, "now_ms", s->now_ms);
	while ((e = sql_step(q)) == ERR_OK) {
		struct sync_collection *c = sync_meta_by_number(m, sql_col_i64(q, 0));
		if (c != NULL) {
			/* The row was read before: a write may have come between. */
			int64_t n = sql_col_i64(q, 1), bytes = sql_col_i64(q, 2);
			c->count -= n < c->count ? n : c->count;
			c->bytes -= bytes < c->bytes ? bytes : c->bytes;
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* Puts the value of a collection. False: it is to be left out. */
typedef bool put_fn(struct json_writer *w, const struct sync_collection *c);

static enum err reply_object(struct sync_call *s, const struct sync_meta *m, put_fn *put)
{
	struct buf *body = arena_buf(s->c->arena, ANSWER_MAX);
	struct slice text = SLICE_EMPTY;
	int64_t n = 0;

	if (body == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(body);
	json_begin_object(&w);
	for (unsigned i = 0; i < m->n; i++) {
		n += put(&w, &m->list[i]) ? 1 : 0;
	}
	json_end_object(&w);
	enum err e = buf_finish(body, &text);
	if (e == ERR_OK) {
		sync_add_number(s, "X-Weave-Records", n);
		sync_reply(s, 200, text, m->storage_ms);
	}
	return e;
}

/* The user's row, if the request is to be answered from it; NULL: it is answered. */
static enum err begin(struct op_call *c, struct sync_call *s, bool is_exact, struct sync_meta **ret)
{
	struct sync_meta *m = NULL;

	*ret = NULL;
	if (!sync_call_begin(c, SYNC_BODY_NONE, s)) {
		return ERR_OK;
	}
	enum err e = sync_call_meta(s, &m);
	if (e != ERR_OK || !sync_call_holds(s, m->storage_ms)) {
		return e;
	}
	e = is_exact ? sync_subtract_expired(s, m) : ERR_OK;
	*ret = e == ERR_OK ? m : NULL;
	return e;
}

/* ---- the five ---- */

static bool put_time(struct json_writer *w, const struct sync_collection *c)
{
	char text[SYNC_TIME_SIZE];

	json_put_name(w, sync_collection_name(c));
	json_put_raw(w, sync_time_text(c->modified_ms, text));
	return true;
}

enum err sync_info_collections(struct op_call *c)
{
	struct sync_call s;
	struct sync_meta *m;
	enum err e = begin(c, &s, false, &m);

	return m == NULL ? e : reply_object(&s, m, put_time);
}

static bool put_count(struct json_writer *w, const struct sync_collection *c)
{
	if (c->count == 0) {
		return false;
	}
	json_put_name(w, sync_collection_name(c));
	json_put_i64(w, c->count);
	return true;
}

enum err sync_info_counts(struct op_call *c)
{
	struct sync_call s;
	struct sync_meta *m;
	enum err e = begin(c, &s, true, &m);

	return m == NULL ? e : reply_object(&s, m, put_count);
}

/* A part of 1,024 has ten decimals at most. */
void sync_put_kilobytes(struct json_writer *w, int64_t bytes)
{
	char text[48];
	int n = snprintf(text, sizeof(text), "%lld.%010lld", (long long)(bytes / 1024),
	    (long long)(bytes % 1024 * 9765625));

	while (n > 2 && text[n - 1] == '0' && text[n - 2] != '.') {
		n--;
	}
	json_put_raw(w, SLICE_OF(text, (size_t)n));
}

static bool put_usage(struct json_writer *w, const struct sync_collection *c)
{
	json_put_name(w, sync_collection_name(c));
	sync_put_kilobytes(w, c->bytes);
	return true;
}

enum err sync_info_usage(struct op_call *c)
{
	struct sync_call s;
	struct sync_meta *m;
	enum err e = begin(c, &s, true, &m);

	return m == NULL ? e : reply_object(&s, m, put_usage);
}

enum err sync_info_quota(struct op_call *c)
{
	const struct sync_state *state = c->state;
	struct sync_call s;
	struct sync_meta *m;
	struct slice text = SLICE_EMPTY;
	struct buf *body = arena_buf(c->arena, ANSWER_MAX);
	enum err e = begin(c, &s, true, &m);

	if (m == NULL) {
		return e;
	}
	if (body == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(body);
	json_begin_array(&w);
	sync_put_kilobytes(&w, sync_meta_bytes(m));
	if (state->limits.quota_bytes > 0) {
		sync_put_kilobytes(&w, state->limits.quota_bytes);
	} else {
		json_put_null(&w);
	}
	json_end_array(&w);
	e = buf_finish(body, &text);
	if (e == ERR_OK) {
		sync_reply(&s, 200, text, m->storage_ms);
	}
	return e;
}

static void put_limit(struct json_writer *w, const char *name, int64_t n)
{
	json_put_name(w, slice_str(name));
	json_put_i64(w, n);
}

enum err sync_info_configuration(struct op_call *c)
{
	const struct sync_limits *l = &((const struct sync_state *)c->state)->limits;
	struct sync_call s;
	struct slice text = SLICE_EMPTY;

	if (!sync_call_begin(c, SYNC_BODY_NONE, &s) || !sync_call_holds(&s, 0)) {
		return ERR_OK;
	}
	struct buf *body = arena_buf(c->arena, ANSWER_MAX);
	if (body == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(body);
	json_begin_object(&w);
	put_limit(&w, "max_post_records", l->post_records);
	put_limit(&w, "max_post_bytes", l->post_bytes);
	put_limit(&w, "max_record_payload_bytes", l->record_bytes);
	put_limit(&w, "max_request_bytes", l->request_bytes);
	put_limit(&w, "max_total_records", l->total_records);
	put_limit(&w, "max_total_bytes", l->total_bytes);
	if (l->quota_bytes > 0) {
		put_limit(&w, "max_quota_limit", l->quota_bytes);
	}
	json_end_object(&w);
	enum err e = buf_finish(body, &text);
	if (e == ERR_OK) {
		sync_reply(&s, 200, text, 0);
	}
	return e;
}
