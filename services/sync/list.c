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
#include "services/sync/bso.h"
#include "services/sync/db.h"
#include "services/sync/params.h"
#include "services/sync/bso_record.h"
#include "services/sync/sync_priv.h"

enum {
	WHOLE_MAX = 256 * 1024, /* bytes of an answer that is not sent in pieces */
	PIECE = 64 * 1024,
	FULL_ROWS = 100, /* of one query: PostgreSQL sends them all at once */
	ID_ROWS = 2000,
	NO_SORTINDEX = -1000000000 /* below all that can be */
};

/* Later than any id among equals. */
#define LAST_ID SLICE("\x7f")

struct found {
	struct slice id;
	int64_t modified_ms, sortindex;
	bool has_sortindex;
};

struct list {
	struct sync_call s;
	struct sync_list_params p;
	int64_t collection;	       /* number */
	int64_t older_ms;	       /* bound of the answer */
	struct sync_place place, last; /* behind which to read on; of the last record sent */
	char place_id[SYNC_ID_MAX], last_id[SYNC_ID_MAX];
	int64_t left; /* records that may still be sent */
	int64_t n;    /* sent */
	bool has_more, is_done;
	struct buf *out;
	struct json_writer writer;
	/* With ids=: what was found, in order. */
	struct found *found;
	unsigned n_found, at_found;
};

/* ---- places ---- */

static void set_place(struct sync_place *place, char id[SYNC_ID_MAX], int64_t at, struct slice from)
{
	size_t len = from.len < SYNC_ID_MAX ? from.len : SYNC_ID_MAX;

	memcpy(id, from.ptr, len);
	*place = (struct sync_place){ at, SLICE_OF(id, len) };
}

static int64_t at_of(
    const struct list *l, int64_t modified_ms, bool has_sortindex, int64_t sortindex)
{
	return l->p.sort != SYNC_INDEX ? modified_ms : has_sortindex ? sortindex : NO_SORTINDEX;
}

/* Behind which the first record comes. */
static void set_first_place(struct list *l)
{
	if (l->p.has_offset) {
		set_place(&l->place, l->place_id, l->p.offset.at, l->p.offset.id);
	} else if (l->p.sort == SYNC_NEWEST) {
		set_place(&l->place, l->place_id, l->older_ms, SLICE_EMPTY);
	} else if (l->p.sort == SYNC_OLDEST) {
		set_place(&l->place, l->place_id, l->p.newer_ms, LAST_ID);
	} else {
		set_place(&l->place, l->place_id, INT64_MAX, SLICE_EMPTY);
	}
}

/* ---- the database ---- */

static enum err begin_rows(
    struct list *l, bool full, int64_t most, struct sql_query **ret, struct err_note *note)
{
	static const enum sync_stmt stmts[][2] = { [SYNC_NEWEST] = { SYNC_NEWEST_IDS,
						       SYNC_NEWEST_FULL },
		[SYNC_OLDEST] = { SYNC_OLDEST_IDS, SYNC_OLDEST_FULL },
		[SYNC_INDEX] = { SYNC_INDEX_IDS, SYNC_INDEX_FULL } };
	const struct svc_env *env = l->s.c->env;
	struct sql_query *q;
	enum err e = sync_begin(env->db, stmts[l->p.sort][full ? 1 : 0], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", l->s.user.uid);
	sql_bind_i64(q, "collection", l->collection);
	if (l->p.sort != SYNC_OLDEST) {
		sql_bind_i64(q, "newer_ms", l->p.newer_ms);
	}
	if (l->p.sort != SYNC_NEWEST) {
		sql_bind_i64(q, "older_ms", l->older_ms);
	}
	sql_bind_i64(q, "at_ms", l->place.at);
	sql_bind_text(q, "at_id", l->place.id);
	sql_bind_i64(q, "now_ms", l->s.now_ms);
	sql_bind_i64(q, "most", most);
	*ret = q;
	return ERR_OK;
}

static void put_bso(struct list *l, const struct sync_bso *b)
{
	if (l->p.is_full) {
		sync_bso_write(&l->writer, b);
	} else {
		json_put_string(&l->writer, b->id);
	}
	if (l->s.answers_lines) {
		buf_append_char(l->out, '\n');
		l->writer.comma = false;
	}
	set_place(
	    &l->last, l->last_id, at_of(l, b->modified_ms, b->has_sortindex, b->sortindex), b->id);
	l->n++;
	l->left--;
}

/* One query's records, or as many as fit. */
static enum err read_page(struct list *l, size_t until)
{
	const int64_t rows = l->p.is_full ? FULL_ROWS : ID_ROWS;
	int64_t most = l->left < rows ? l->left + 1 : rows, n = 0;
	struct sql_query *q;
	enum err e = begin_rows(l, l->p.is_full, most, &q, &l->s.c->note);

	if (e != ERR_OK) {
		return e;
	}
	while (l->out->len < until && !l->is_done && (e = sql_step(q)) == ERR_OK) {
		struct sync_bso b;
		if (l->left == 0) {
			l->has_more = l->is_done = true;
			break;
		}
		n++;
		sync_bso_read(q, l->p.is_full, &b);
		put_bso(l, &b);
	}
	l->is_done = l->is_done || (e == ERR_END && n < most);
	sql_end(q);
	if (n > 0) {
		set_place(&l->place, l->place_id, l->last.at, l->last.id);
	}
	return e == ERR_END ? ERR_OK : e;
}

/* How many records there will be, and the last of them if there are more behind it. */
static enum err survey(
    struct list *l, int64_t *ret_n, struct sync_place *last, char id[SYNC_ID_MAX])
{
	int64_t most = l->p.limit < INT64_MAX - 1 ? l->p.limit + 1 : INT64_MAX;
	struct sql_query *q;
	enum err e = begin_rows(l, false, most, &q, &l->s.c->note);

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK && *ret_n < l->p.limit) {
		struct sync_bso b;
		sync_bso_read(q, false, &b);
		set_place(last, id, at_of(l, b.modified_ms, b.has_sortindex, b.sortindex), b.id);
		*ret_n += 1;
	}
	l->has_more = e == ERR_OK;
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* ---- ids= ---- */

/* By place: negative if a comes first. */
static int compare(const struct list *l, const struct found *a, const struct found *b)
{
	int64_t at_a = at_of(l, a->modified_ms, a->has_sortindex, a->sortindex);
	int64_t at_b = at_of(l, b->modified_ms, b->has_sortindex, b->sortindex);
	size_t len = a->id.len < b->id.len ? a->id.len : b->id.len;
	int order = (at_a > at_b) - (at_a < at_b);

	order = order != 0 ? order : memcmp(a->id.ptr, b->id.ptr, len);
	order = order != 0 ? order : (a->id.len > b->id.len) - (a->id.len < b->id.len);
	return l->p.sort == SYNC_OLDEST ? order : -order;
}

/* Into its place; one that is there already stays alone. */
static void insert_found(struct list *l, const struct found *f)
{
	unsigned i = l->n_found;

	for (unsigned k = 0; k < l->n_found; k++) {
		if (slice_eq(l->found[k].id, f->id)) {
			return;
		}
	}
	while (i > 0 && compare(l, f, &l->found[i - 1]) < 0) {
		l->found[i] = l->found[i - 1];
		i--;
	}
	l->found[i] = *f;
	l->n_found++;
}

static bool is_wanted(const struct list *l, const struct found *f)
{
	struct found offset = { .id = l->p.offset.id,
		.modified_ms = l->p.offset.at,
		.sortindex = l->p.offset.at,
		.has_sortindex = true };

	return f->modified_ms > l->p.newer_ms && f->modified_ms < l->older_ms &&
	       (!l->p.has_offset || compare(l, f, &offset) > 0);
}

static enum err find_ids(struct list *l)
{
	l->found = arena_alloc(l->s.c->arena, sizeof(struct found) * SYNC_IDS_MAX);
	if (l->found == NULL) {
		return ERR_MEMORY;
	}
	for (unsigned i = 0; i < l->p.ids.n; i++) {
		struct sync_bso b;
		struct sql_query *q;
		enum err e = sync_bso_find(&l->s, l->collection, l->p.ids.list[i], &q);
		if (e == ERR_NOT_FOUND) {
			continue;
		}
		if (e != ERR_OK) {
			return e;
		}
		sync_bso_read(q, false, &b);
		sql_end(q);
		const struct found f = { .id = l->p.ids.list[i],
			.modified_ms = b.modified_ms,
			.sortindex = b.sortindex,
			.has_sortindex = b.has_sortindex };
		if (is_wanted(l, &f)) {
			insert_found(l, &f);
		}
	}
	return ERR_OK;
}

static enum err put_found(struct list *l, const struct found *f)
{
	struct sync_bso b = { .id = f->id,
		.modified_ms = f->modified_ms,
		.sortindex = f->sortindex,
		.has_sortindex = f->has_sortindex };
	struct sql_query *q = NULL;

	if (l->p.is_full) {
		enum err e = sync_bso_find(&l->s, l->collection, f->id, &q);
		if (e != ERR_OK) {
			return e == ERR_NOT_FOUND ? ERR_OK : e; /* deleted meanwhile */
		}
		sync_bso_read(q, true, &b);
	}
	put_bso(l, &b);
	if (q != NULL) {
		sql_end(q);
	}
	return ERR_OK;
}

static enum err read_found(struct list *l, size_t until)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && l->out->len < until && l->at_found < l->n_found && l->left > 0) {
		e = put_found(l, &l->found[l->at_found++]);
	}
	l->is_done = l->at_found == l->n_found || l->left == 0;
	l->has_more = l->at_found < l->n_found;
	return e;
}

/* ---- answering ---- */

static enum err fill(struct list *l, size_t until)
{
	enum err e = ERR_OK;

	while (e == ERR_OK && !l->is_done && l->out->len < until) {
		e = l->p.has_ids ? read_found(l, until) : read_page(l, until);
	}
	return e;
}

static struct slice content_type(const struct list *l)
{
	return l->s.answers_lines ? SLICE("application/newlines") : SLICE("application/json");
}

static void add_headers(
    struct list *l, int64_t n, const struct sync_place *last, int64_t modified_ms)
{
	sync_add_number(&l->s, "X-Weave-Records", n);
	if (l->has_more && n > 0) {
		http_add_header(l->s.c->req, SLICE("X-Weave-Next-Offset"),
		    sync_offset_text(l->s.c->arena, l->p.sort, last));
	}
	sync_add_times(&l->s, modified_ms);
}

static void close_array(struct list *l)
{
	if (!l->s.answers_lines) {
		json_end_array(&l->writer);
	}
}

static enum err reply_whole(struct list *l, int64_t modified_ms)
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

static enum err send_pieces(struct list *l)
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

static enum err reply_in_pieces(struct list *l, int64_t modified_ms)
{
	struct sync_place last = { 0, SLICE_EMPTY };
	char last_id[SYNC_ID_MAX];
	int64_t n = 0;
	enum err e = ERR_OK;

	if (l->p.has_ids) {
		n = l->p.limit < l->n_found ? l->p.limit : l->n_found;
		l->has_more = n < l->n_found;
		if (n > 0) {
			const struct found *f = &l->found[n - 1];
			set_place(&last, last_id,
			    at_of(l, f->modified_ms, f->has_sortindex, f->sortindex), f->id);
		}
	} else {
		struct sync_place place = l->place;
		char place_id[SYNC_ID_MAX];
		memcpy(place_id, l->place_id, sizeof(place_id));
		set_first_place(l);
		e = survey(l, &n, &last, last_id);
		set_place(&l->place, l->place_id, place.at, SLICE_OF(place_id, place.id.len));
	}
	if (e != ERR_OK) {
		return e;
	}
	add_headers(l, n, &last, modified_ms);
	e = http_stream_begin(l->s.c->req, 200, content_type(l), -1);
	return e == ERR_OK ? send_pieces(l) : e;
}

static enum err reply(struct list *l, int64_t modified_ms)
{
	enum err e = l->p.has_ids ? find_ids(l) : ERR_OK;

	l->left = l->p.limit;
	set_first_place(l);
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
	struct list *l = arena_alloc(c->arena, sizeof(*l));
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
