/*
 * Role: web. GET and DELETE of a collection by the old filters. The ids that are meant are looked
 * up first, in order, and then the records one by one: nothing stays open while a client takes its
 * time, and an answer needs no more memory than its ids and one piece.
 */
#include "core/ev/task.h"
#include "services/sync/bso.h"
#include "services/sync/weave_filter.h"

enum {
	IDS_BYTES = 16 * 1024 * 1024, /* ids of one answer */
	PIECE = 128 * 1024,
	DELETED_AT_ONCE = 500
};

struct list {
	struct weave_call *w;
	struct weave_filter f;
	int64_t collection;
	struct buf *ids; /* each a byte of length and the id */
	struct slice rest;
	int64_t n;
	bool is_first;
	struct buf *out;
};

static enum err find(struct list *l)
{
	enum err e = weave_find(l->w, &l->f, l->collection, l->ids, &l->n);

	l->rest = buf_slice(l->ids);
	return e;
}

static bool next_id(struct list *l, struct slice *ret)
{
	if (l->rest.len == 0) {
		return false;
	}
	size_t len = (unsigned char)l->rest.ptr[0];
	*ret = slice_sub(l->rest, 1, 1 + len);
	l->rest = slice_sub(l->rest, 1 + len, l->rest.len);
	return true;
}

/* ---- answering ---- */

static struct slice content_type(const struct list *l)
{
	switch (l->w->form) {
	case WEAVE_AS_LINES:
		return SLICE("application/newlines");
	case WEAVE_AS_WHOISI:
		return SLICE("application/whoisi");
	case WEAVE_AS_JSON:
		break;
	}
	return SLICE("application/json");
}

/* What stands before a record, and where its length will. */
static size_t begin_record(struct list *l)
{
	size_t at = l->out->len;

	if (l->w->form == WEAVE_AS_JSON && !l->is_first) {
		buf_append_char(l->out, ',');
	} else if (l->w->form == WEAVE_AS_WHOISI) {
		buf_append(l->out, "\0\0\0\0", 4);
	}
	l->is_first = false;
	return at;
}

static void end_record(struct list *l, size_t at)
{
	if (l->w->form == WEAVE_AS_LINES) {
		buf_append_char(l->out, '\n');
	} else if (l->w->form == WEAVE_AS_WHOISI && !l->out->failed) {
		uint32_t len = (uint32_t)(l->out->len - at - 4);
		for (unsigned i = 0; i < 4; i++) {
			l->out->data[at + i] = (char)(len >> (24 - 8 * i) & 0xff);
		}
	}
}

static enum err put_record(struct list *l, struct slice id)
{
	struct json_writer j = json_writer_new(l->out);
	struct sql_query *q = NULL;

	if (!l->f.is_full) {
		size_t at = begin_record(l);
		json_put_string(&j, id);
		end_record(l, at);
		return ERR_OK;
	}
	enum err e = sync_bso_find(&l->w->s, l->collection, id, &q);
	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? ERR_OK : e; /* deleted meanwhile */
	}
	size_t at = begin_record(l);
	weave_write_record(&j, q);
	sql_end(q);
	end_record(l, at);
	return ERR_OK;
}

static enum err fill(struct list *l)
{
	struct slice id;
	enum err e = ERR_OK;

	while (e == ERR_OK && l->out->len < PIECE && next_id(l, &id)) {
		e = put_record(l, id);
	}
	if (l->rest.len == 0 && l->w->form == WEAVE_AS_JSON) {
		buf_append_char(l->out, ']');
	}
	return e;
}

static enum err send_pieces(struct list *l)
{
	struct http_req *req = l->w->s.c->req;
	struct slice piece = SLICE_EMPTY;
	enum err e = http_stream_begin(req, 200, content_type(l), -1);

	while (e == ERR_OK) {
		bool is_last = l->rest.len == 0;
		e = buf_finish(l->out, &piece);
		e = e == ERR_OK ? http_stream_write(req, piece) : e;
		if (e == ERR_OK && is_last) {
			return http_stream_end(req);
		}
		buf_clear(l->out);
		e = e == ERR_OK ? task_sleep(0) : e;
		e = e == ERR_OK ? fill(l) : e;
	}
	return e;
}

static enum err answer(struct list *l)
{
	struct slice body = SLICE_EMPTY;

	if (l->w->form == WEAVE_AS_JSON) {
		buf_append_char(l->out, '[');
	}
	l->is_first = true;
	enum err e = fill(l);
	if (e != ERR_OK) {
		return e;
	}
	sync_add_number(&l->w->s, "X-Weave-Records", l->n);
	if (l->rest.len > 0) {
		weave_add_time(l->w, 0);
		return send_pieces(l);
	}
	e = buf_finish(l->out, &body);
	if (e == ERR_OK) {
		weave_reply(l->w, content_type(l), body, 0);
	}
	return e;
}

/* ---- the two methods ---- */

/* The collection and the ids that are meant. *ret NULL: answered. */
static enum err begin(struct weave_call *w, struct list **ret)
{
	struct list *l = arena_alloc(w->s.c->arena, sizeof(*l));
	struct sync_meta *m = NULL;

	*ret = NULL;
	if (l == NULL) {
		return ERR_MEMORY;
	}
	*l = (struct list){ .w = w };
	if (!weave_filter_take(w->s.c, &l->f)) {
		weave_refuse(w->s.c, 400, WEAVE_OTHER);
		return ERR_OK;
	}
	enum err e = sync_call_meta(&w->s, &m);
	if (e != ERR_OK) {
		return e;
	}
	const struct sync_collection *in = sync_meta_find(m, w->s.collection);
	l->collection = in == NULL ? 0 : in->number; /* no record has 0 */
	l->ids = arena_buf(w->s.c->arena, IDS_BYTES);
	l->out = arena_buf(w->s.c->arena, SYNC_BSO_TEXT_MAX + PIECE);
	if (l->ids == NULL || l->out == NULL) {
		return ERR_MEMORY;
	}
	*ret = l;
	return ERR_OK;
}

enum err weave_get_list(struct weave_call *w)
{
	struct list *l;
	enum err e = begin(w, &l);

	if (e != ERR_OK || l == NULL) {
		return e;
	}
	e = find(l);
	return e == ERR_OK ? answer(l) : e;
}

/* Some of the ids at a time, so that nobody waits long for it. */
static enum err delete_found(struct list *l)
{
	struct buf *records =
	    arena_buf(l->w->s.c->arena, DELETED_AT_ONCE * (SYNC_ID_MAX + SYNC_RECORD_OVERHEAD));
	struct sync_written written = { .stamp_ms = 0 };
	bool done = true;
	enum err e = records == NULL ? ERR_MEMORY : ERR_OK;

	do {
		struct slice id;
		for (unsigned i = 0; e == ERR_OK && i < DELETED_AT_ONCE && next_id(l, &id); i++) {
			sync_record_put(records, &(struct sync_record){ .id = id });
		}
		if (e == ERR_OK) {
			e = weave_change_run(
			    l->w, SYNC_WRITE_DELETE_IDS, buf_slice(records), &written, &done);
			buf_clear(records);
		}
		/* The first was held against it; our own changes are no others'. */
		l->w->s.condition = SYNC_ALWAYS;
	} while (e == ERR_OK && done && l->rest.len > 0);
	return e == ERR_OK && done ? weave_reply_time(l->w, written.stamp_ms) : e;
}

enum err weave_delete_list(struct weave_call *w)
{
	struct list *l;
	struct sync_written written;
	bool done = false;
	enum err e = begin(w, &l);

	if (e != ERR_OK || l == NULL) {
		return e;
	}
	if (!l->f.is_any) {
		e = find(l);
		return e == ERR_OK ? delete_found(l) : e;
	}
	e = weave_change_run(w, SYNC_WRITE_DELETE_COLLECTION, SLICE_EMPTY, &written, &done);
	return e == ERR_OK && done ? weave_reply_time(w, written.stamp_ms) : e;
}
