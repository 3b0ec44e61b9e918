/*
 * GET of a collection. Records are read page by page behind the place of the last one, with no
 * query open while a client takes its time. An answer that fits into the first piece goes out
 * whole; of a longer one the number of records and the place of the last are counted first, because
 * headers precede it, and then it is sent in pieces.
 *
 * What others write meanwhile is later than the time that the answer tells: records that were
 * changed since are left out, and the client finds them with its next "newer".
 */
#include "core/ev/task.h"
#include "services/sync/list_priv.h"
#include "services/sync/sync_priv.h"

enum {
	WHOLE_MAX = 256 * 1024, /* bytes of an answer that is not sent in pieces */
	PIECE = 64 * 1024
};

static enum err fill(struct sync_list *l, size_t until)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && !l->is_done && l->out->len < until) {
		e = l->p.has_ids ? sync_list_read_found(l, until) : sync_list_read_page(l, until);
	}
	return e;
}

static struct slice content_type(const struct sync_list *l)
{
	return l->s.answers_lines ? SLICE("application/newlines") : SLICE("application/json");
}

static void add_headers(
    struct sync_list *l, int64_t n, const struct sync_place *last, int64_t modified_ms)
{
	sync_add_number(&l->s, "X-Weave-Records", n);
	if (l->has_more && n > 0) {
		http_add_header(l->s.c->req, SLICE("X-Weave-Next-Offset"),
		    sync_offset_text(l->s.c->arena, l->p.sort, last));
	}
	sync_add_times(&l->s, modified_ms);
}

static void close_array(struct sync_list *l)
{
	if (!l->s.answers_lines) {
		json_end_array(&l->writer);
	}
}

static enum err reply_whole(struct sync_list *l, int64_t modified_ms)
{
	struct slice body = SLICE_EMPTY;

	close_array(l);
	enum err e = buf_finish(l->out, &body);
	if (e == ERR_OK) {
		add_headers(l, l->n, &l->last, modified_ms);
		http_reply(l->s.c->req, 200, content_type(l), body);
	}
	return e;
}

static enum err send_pieces(struct sync_list *l)
{
	struct slice piece = SLICE_EMPTY;
	enum err e = ERR_OK;

	for (;;) {
		if (e == ERR_OK && l->is_done) {
			close_array(l);
		}
		if (e == ERR_OK) {
			e = buf_finish(l->out, &piece);
		}
		if (e == ERR_OK) {
			e = http_stream_write(l->s.c->req, piece);
		}
		if (e != ERR_OK || l->is_done) {
			return e == ERR_OK ? http_stream_end(l->s.c->req) : e;
		}
		buf_clear(l->out);
		e = task_sleep(0); /* others' turn, even if the client takes all at once */
		if (e == ERR_OK) {
			e = fill(l, PIECE);
		}
	}
}

static enum err reply_in_pieces(struct sync_list *l, int64_t modified_ms)
{
	struct sync_place last = { 0, SLICE_EMPTY };
	char last_id[SYNC_ID_MAX];
	int64_t n = 0;
	enum err e = ERR_OK;

	if (l->p.has_ids) {
		n = l->p.limit < l->n_found ? l->p.limit : l->n_found;
		l->has_more = n < l->n_found;
		if (n > 0) {
			const struct sync_found *f = &l->found[n - 1];
			sync_list_set_place(&last, last_id,
			    sync_list_at(l, f->modified_ms, f->has_sortindex, f->sortindex), f->id);
		}
	} else {
		struct sync_place place = l->place;
		char place_id[SYNC_ID_MAX];
		memcpy(place_id, l->place_id, sizeof(place_id));
		sync_list_set_first_place(l);
		e = sync_list_survey(l, &n, &last, last_id);
		sync_list_set_place(
		    &l->place, l->place_id, place.at, SLICE_OF(place_id, place.id.len));
	}
	if (e != ERR_OK) {
		return e;
	}
	add_headers(l, n, &last, modified_ms);
	e = http_stream_begin(l->s.c->req, 200, content_type(l), -1);
	return e == ERR_OK ? send_pieces(l) : e;
}

static enum err reply(struct sync_list *l, int64_t modified_ms)
{
	enum err e = l->p.has_ids ? sync_list_find_ids(l) : ERR_OK;

	l->left = l->p.limit;
	sync_list_set_first_place(l);
	if (!l->s.answers_lines) {
		json_begin_array(&l->writer);
	}
	if (e == ERR_OK) {
		e = fill(l, WHOLE_MAX);
	}
	if (e != ERR_OK) {
		return e;
	}
	return l->is_done ? reply_whole(l, modified_ms) : reply_in_pieces(l, modified_ms);
}

enum err sync_get_list(struct op_call *c)
{
	struct sync_list *l = arena_alloc(c->arena, sizeof(*l));
	struct sync_meta *m = NULL;

	if (l == NULL) {
		return ERR_MEMORY;
	}
	if (!sync_call_begin(c, SYNC_BODY_NONE, &l->s)) {
		return ERR_OK;
	}
	if (!sync_list_params_take(c, &l->p)) {
		sync_refuse(c, 400, SYNC_CODE_OTHER);
		return ERR_OK;
	}
	enum err e = sync_call_meta(&l->s, &m);
	if (e != ERR_OK) {
		return e;
	}
	const struct sync_collection *in = sync_meta_find(m, l->s.collection);
	int64_t modified_ms = in == NULL ? 0 : in->modified_ms;
	if (!sync_call_holds(&l->s, modified_ms)) {
		return ERR_OK;
	}
	l->out = arena_buf(c->arena, SYNC_BSO_TEXT_MAX + WHOLE_MAX);
	if (l->out == NULL) {
		return ERR_MEMORY;
	}
	l->writer = json_writer_new(l->out);
	l->collection = in == NULL ? 0 : in->number; /* no record has 0 */
	l->older_ms = l->p.older_ms < modified_ms + 1 ? l->p.older_ms : modified_ms + 1;
	return reply(l, modified_ms);
}
