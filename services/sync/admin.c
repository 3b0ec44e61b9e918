/*
 * See admin.h.
 */
#include "services/sync/admin.h"

#include "core/base/json.h"
#include "services/sync/bso_body.h"
#include "services/sync/bso.h"
#include "services/sync/db.h"
#include "services/sync/write.h"

enum {
	PAGE_ROWS = 100,
	LINES_MAX = 100,
	LINE_ARENA = 64 * 1024
};

enum err sync_user_after(struct sql_db *db, int64_t uid, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sync_begin(db, SYNC_META_AFTER, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", uid);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e;
}

/* ---- export ---- */

/* The walk over one collection, from its oldest record on. */
struct walk {
	struct sql_db *db;
	int64_t uid, now_ms;
	const struct sync_collection *c;
	int64_t at_ms; /* the last record seen */
	char at_id[SYNC_ID_MAX];
	size_t at_len;
	sync_line_fn *fn;
	void *arg;
	struct err_note *note;
};

static void put_if(struct json_writer *j, const char *name, bool is_there, struct slice text)
{
	if (is_there) {
		json_put_name(j, slice_str(name));
		json_put_string(j, text);
	}
}

/* The row that q stands on. */
static enum err give(struct walk *w, const struct sync_bso *b, struct sql_query *q)
{
	struct slice parent, predecessor;
	bool has_parent = sync_bso_parentid(q, &parent);
	bool has_predecessor = sync_bso_predecessorid(q, &predecessor);
	int64_t expires_ms = sql_col_i64(q, 4);
	struct buf line = buf_new(SYNC_BSO_TEXT_MAX);
	struct json_writer j = json_writer_new(&line);
	char text[SYNC_TIME_SIZE];
	struct slice bytes = SLICE_EMPTY;

	json_begin_object(&j);
	json_put_name(&j, SLICE("collection"));
	json_put_string(&j, sync_collection_name(w->c));
	json_put_name(&j, SLICE("id"));
	json_put_string(&j, b->id);
	json_put_name(&j, SLICE("modified"));
	json_put_raw(&j, sync_time_text(b->modified_ms, text));
	json_put_name(&j, SLICE("payload"));
	json_put_string(&j, b->payload);
	if (b->has_sortindex) {
		json_put_name(&j, SLICE("sortindex"));
		json_put_i64(&j, b->sortindex);
	}
	put_if(&j, "parentid", has_parent, parent);
	put_if(&j, "predecessorid", has_predecessor, predecessor);
	if (expires_ms > 0) {
		json_put_name(&j, SLICE("ttl"));
		json_put_i64(&j, (expires_ms - w->now_ms + 999) / 1000);
	}
	json_end_object(&j);
	buf_append_char(&line, '\n');
	enum err e = buf_finish(&line, &bytes);
	e = e == ERR_OK ? w->fn(w->arg, bytes) : e;
	buf_free(&line);
	return e;
}

/* *ret_n: rows of this page. */
static enum err walk_page(struct walk *w, int64_t *ret_n)
{
	struct sql_query *q;
	char bound[SYNC_ID_MAX]; /* what is bound must stay while the query runs */
	enum err e = sync_begin(w->db, SYNC_EXPORT, &q, w->note), given = ERR_OK;

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", w->uid);
	sql_bind_i64(q, "collection", w->c->number);
	sql_bind_i64(q, "at_ms", w->at_ms);
	memcpy(bound, w->at_id, w->at_len);
	sql_bind_text(q, "at_id", SLICE_OF(bound, w->at_len));
	sql_bind_i64(q, "now_ms", w->now_ms);
	sql_bind_i64(q, "most", PAGE_ROWS);
	while (given == ERR_OK && (e = sql_step(q)) == ERR_OK) {
		struct sync_bso b;
		sync_bso_read(q, true, &b);
		given = give(w, &b, q);
		w->at_ms = b.modified_ms;
		w->at_len = b.id.len < SYNC_ID_MAX ? b.id.len : SYNC_ID_MAX;
		memcpy(w->at_id, b.id.ptr, w->at_len);
		*ret_n += 1;
	}
	sql_end(q);
	return given != ERR_OK ? given : e == ERR_END ? ERR_OK : e;
}

enum err sync_export(struct sql_db *db, struct sync_meta *m, int64_t now_ms, sync_line_fn *fn,
    void *arg, struct err_note *note)
{
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && i < m->n; i++) {
		struct walk w = { .db = db,
			.uid = m->uid,
			.now_ms = now_ms,
			.c = &m->list[i],
			.fn = fn,
			.arg = arg,
			.note = note };
		int64_t n = PAGE_ROWS;
		while (e == ERR_OK && n == PAGE_ROWS) {
			e = walk_page(&w, &n);
		}
	}
	return e;
}

/* ---- import ---- */

void sync_import_init(struct sync_import *in, const struct conf *conf, int64_t uid)
{
	*in = (struct sync_import){ .conf = conf,
		.uid = uid,
		.lines = buf_new(2 * (size_t)sync_limits_of(conf).request_bytes) };
}

void sync_import_fini(struct sync_import *in)
{
	buf_free(&in->lines);
}

static enum err put(
    struct sync_import *in, struct txn *t, const struct sync_upload *u, struct err_note *note)
{
	const struct rpc_call_info info = { .from = ROLE_WEB };
	struct buf message = buf_new(SYNC_MESSAGE_MAX), reply = buf_new(64);
	struct sync_written w = { .outcome = SYNC_OUTCOMES };

	sync_write_req_put(&message, &(struct sync_write_req){ .kind = SYNC_WRITE_PUT,
					 .uid = in->uid,
					 .collection = slice_str(in->collection),
					 .item = SLICE_EMPTY,
					 .quota_bytes = sync_limits_of(in->conf).quota_bytes,
					 .records = buf_slice(&u->records) });
	enum err e = message.failed
			 ? err_note_set(note, ERR_LIMIT, "too much for one write")
			 : sync_write.handle(t, &info, buf_slice(&message), &reply, note);
	if (e == ERR_OK && (!sync_written_take(buf_slice(&reply), &w) || w.outcome != SYNC_DONE)) {
		e = err_note_set(note, ERR_INVALID, "%s",
		    w.outcome == SYNC_OVER_QUOTA ? "that is more than [sync] quota"
						 : "the store has too many collections");
	}
	in->records += e == ERR_OK ? u->n : 0;
	buf_free(&message);
	buf_free(&reply);
	return e;
}

enum err sync_import_flush(struct sync_import *in, struct txn *t, struct err_note *note)
{
	struct sync_limits limits = sync_limits_of(in->conf);
	struct sync_upload u;

	if (in->n == 0) {
		return ERR_OK;
	}
	/* Lines are counted here; whatever one of them may hold fits. */
	limits.post_records = LINES_MAX;
	limits.post_bytes = INT32_MAX;
	limits.takes_parents = true;
	enum err e = sync_upload_read(
	    buf_slice(&in->lines), true, slice_str(in->collection), &limits, &u, note);
	if (e == ERR_OK && !slice_eq(buf_slice(&u.failed), SLICE("{}"))) {
		e = err_note_set(note, ERR_INVALID, "records that cannot be: %.*s",
		    u.failed.len < 100 ? (int)u.failed.len : 100, u.failed.data);
	} else if (e == ERR_INVALID) {
		e = err_note_set(note, e, "lines that are no records, or an id twice");
	}
	e = e == ERR_OK ? put(in, t, &u, note) : e;
	sync_upload_free(&u);
	buf_clear(&in->lines);
	in->n = 0;
	return e;
}

enum err sync_import_line(
    struct sync_import *in, struct txn *t, struct slice line, struct err_note *note)
{
	struct arena arena = arena_new(LINE_ARENA + line.len * 16);
	const struct json *doc = NULL;
	struct slice name = SLICE_EMPTY;
	enum err e = json_parse(&arena, line, &doc, note);

	if (e == ERR_OK &&
	    (!json_get_string(json_member(doc, "collection"), &name) || !sync_name_is_good(name))) {
		e = err_note_set(note, ERR_INVALID, "a line without collection");
	}
	bool is_other = !slice_eq(name, slice_str(in->collection));
	bool is_full = in->n == LINES_MAX || in->lines.len + line.len > in->lines.max / 2;
	if (e == ERR_OK && (is_other || is_full)) {
		e = sync_import_flush(in, t, note);
	}
	if (e == ERR_OK) {
		e = slice_to_cstr(name, in->collection, sizeof(in->collection));
		buf_append_slice(&in->lines, line);
		buf_append_char(&in->lines, '\n');
		in->n++;
	}
	arena_reset(&arena);
	return e == ERR_OK && in->lines.failed ? err_note_set(note, ERR_LIMIT, "a line is too long")
					       : e;
}
