/*
 * /api/uploads/files/: the files of all uploads, for those who may see all, and one of them with
 * what is known of it (symbols.md 1.6).
 */
#include "services/symbols/upload_files_api.h"

#include <stdio.h>

#include "services/symbols/listing.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_who.h"
#include "services/symbols/upload_row.h"

enum {
	PAGE_ROWS = 40,
	KEY_PARTS_MAX = 8 /* of the filter "key" */
};

struct upload_line upload_line_of(struct sql_query *q)
{
	return (struct upload_line){ .id = sql_col_i64(q, 0),
		.upload = sql_col_i64(q, 1),
		.key = { sql_col_text(q, 2), sql_col_text(q, 3), sql_col_text(q, 4) },
		.is_try = sql_col_i64(q, 5) != 0,
		.is_compressed = sql_col_i64(q, 6) != 0,
		.is_update = sql_col_i64(q, 7) != 0,
		.size = sql_col_i64(q, 8),
		.md5 = sql_col_text(q, 9),
		.created_ms = sql_col_i64(q, 10),
		.completed_ms = sql_col_i64(q, 11) };
}

static struct slice key_of(const struct upload_line *l, char out[SYMBOL_KEY_MAX])
{
	(void)snprintf(out, SYMBOL_KEY_MAX, "%.*s/%.*s/%.*s", SLICE_ARG(l->key.debug_file),
	    SLICE_ARG(l->key.debug_id), SLICE_ARG(l->key.file));
	return slice_str(out);
}

void upload_line_put(struct json_writer *w, const struct upload_line *l)
{
	char key[SYMBOL_KEY_MAX];

	symbols_put_number(w, SLICE("id"), l->id);
	symbols_put_text(w, SLICE("key"), key_of(l, key));
	symbols_put_number(w, SLICE("size"), l->size);
	symbols_put_flag(w, SLICE("compressed"), l->is_compressed);
	symbols_put_flag(w, SLICE("update"), l->is_update);
	symbols_put_text(w, SLICE("bucket_name"), symbols_bucket(l->is_try));
	symbols_put_time(w, SLICE("created_at"), l->created_ms);
	symbols_put_time(w, SLICE("completed_at"), l->completed_ms);
}

static void put_upload(struct json_writer *w, const struct upload_line *l)
{
	json_put_name(w, SLICE("upload"));
	json_begin_object(w);
	symbols_put_number(w, SLICE("id"), l->upload);
	symbols_put_flag(w, SLICE("try_symbols"), l->is_try);
	json_end_object(w);
}

/* ---- the list ---- */

enum storage {
	STORAGE_ANY,
	STORAGE_REGULAR,
	STORAGE_TRY,
	STORAGE_NONE
};

struct files_page {
	struct slice key_parts[KEY_PARTS_MAX]; /* all must occur */
	unsigned n_key_parts;
	enum storage storage;
	struct listing l;
};

static bool takes_key(const struct files_page *p, const struct upload_line *l)
{
	char text[SYMBOL_KEY_MAX];
	struct slice key = p->n_key_parts > 0 ? key_of(l, text) : SLICE_EMPTY;

	for (unsigned i = 0; i < p->n_key_parts; i++) {
		if (memmem(key.ptr, key.len, p->key_parts[i].ptr, p->key_parts[i].len) == NULL) {
			return false;
		}
	}
	return p->storage == STORAGE_ANY ||
	       p->storage == (l->is_try ? STORAGE_TRY : STORAGE_REGULAR);
}

static enum err walk_some(struct op_call *c, struct files_page *p, int64_t *id, int64_t *ret_n)
{
	const struct svc_env *env = c->env;
	struct sql_query *q;
	int64_t before = *id;
	enum err e = symbols_begin(env->db, SYMBOLS_UPLOAD_FILES_BEFORE, &q, &c->note);

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", before);
	sql_bind_i64(q, "most", LISTING_BATCH);
	while ((e = sql_step(q)) == ERR_OK) {
		const struct upload_line l = upload_line_of(q);
		*id = l.id;
		*ret_n += 1;
		p->l.scanned++;
		if (takes_key(p, &l) &&
		    listing_takes(&p->l, l.size, l.created_ms, l.completed_ms)) {
			listing_add(&p->l, l.id, l.size);
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err walk(struct op_call *c, struct files_page *p)
{
	int64_t before = INT64_MAX, n = LISTING_BATCH;
	bool is_full = false;
	enum err e = ERR_OK;

	while (e == ERR_OK && n == LISTING_BATCH && !is_full) {
		e = walk_some(c, p, &before, &n);
		e = e == ERR_OK ? listing_is_full(&p->l, &is_full) : e;
	}
	return e;
}

/* Begins a query of one line. ERR_NOT_FOUND. */
static enum err begin_line(struct op_call *c, int64_t id, struct sql_query **ret)
{
	const struct svc_env *env = c->env;
	enum err e = symbols_begin(env->db, SYMBOLS_UPLOAD_FILE_GET, ret, &c->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(*ret, "id", id);
	e = sql_step(*ret);
	if (e != ERR_OK) {
		sql_end(*ret);
	}
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

static enum err put_page(struct op_call *c, struct files_page *p, struct json_writer *w)
{
	const struct listing_place *places = NULL;
	size_t n = listing_cut(&p->l, &places);
	enum err e = ERR_OK;

	json_put_name(w, SLICE("files"));
	json_begin_array(w);
	for (size_t i = 0; e == ERR_OK && i < n; i++) {
		struct sql_query *q;
		e = begin_line(c, places[i].id, &q);
		if (e == ERR_OK) {
			const struct upload_line l = upload_line_of(q);
			json_begin_object(w);
			upload_line_put(w, &l);
			put_upload(w, &l);
			json_end_object(w);
			sql_end(q);
		}
	}
	json_end_array(w);
	return e;
}

static void read_filters(struct op_call *c, struct files_page *p)
{
	struct slice value = SLICE_EMPTY;

	if (http_query_get(c->req, SLICE("key"), &value)) {
		for (struct slice piece;
		     p->n_key_parts < KEY_PARTS_MAX && slice_split(&value, ',', &piece);) {
			piece = slice_trim(piece);
			if (piece.len > 0) {
				p->key_parts[p->n_key_parts++] = piece;
			}
		}
	}
	if (http_query_get(c->req, SLICE("upload_type"), &value) && value.len > 0) {
		p->storage = slice_eq(value, SLICE("try"))	 ? STORAGE_TRY
			     : slice_eq(value, SLICE("regular")) ? STORAGE_REGULAR
								 : STORAGE_NONE;
	}
	if (http_query_get(c->req, SLICE("bucket_name"), &value) && value.len > 0) {
		p->storage = slice_eq(value, symbols_bucket(true))    ? STORAGE_TRY
			     : slice_eq(value, symbols_bucket(false)) ? STORAGE_REGULAR
								      : STORAGE_NONE;
	}
	p->l.is_filtered = p->l.is_filtered || p->n_key_parts > 0 || p->storage != STORAGE_ANY;
}

enum err symbols_upload_files(struct op_call *c)
{
	struct symbols_who who;
	struct files_page p = { .n_key_parts = 0 };
	bool good = false;
	enum err e = symbols_who_may(c, SYMBOLS_VIEW_ALL, SYMBOLS_LOOK, &who, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	e = listing_begin(c, PAGE_ROWS, &p.l, &good);
	if (e != ERR_OK || !good) {
		return e;
	}
	read_filters(c, &p);
	e = walk(c, &p);
	if (e != ERR_OK) {
		return e;
	}
	struct buf out = buf_new(UPLOADS_ANSWER_MAX);
	struct json_writer w = json_writer_new(&out);
	json_begin_object(&w);
	e = put_page(c, &p, &w);
	listing_put(&p.l, &w);
	json_end_object(&w);
	return uploads_reply(c, &out, e);
}
