/*
 * See upload_row.h.
 */
#include "services/symbols/upload_row.h"

#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"

struct upload_row upload_row_of(struct sql_query *q)
{
	return (struct upload_row){ .id = sql_col_i64(q, 0),
		.email = sql_col_text(q, 1),
		.is_try = sql_col_i64(q, 2) != 0,
		.filename = sql_col_text(q, 3),
		.download_url = sql_col_text(q, 4),
		.redirect_urls = sql_col_text(q, 5),
		.size = sql_col_i64(q, 6),
		.content_hash = sql_col_text(q, 7),
		.files = sql_col_i64(q, 8),
		.skipped_keys = sql_col_text(q, 9),
		.ignored_keys = sql_col_text(q, 10),
		.created_ms = sql_col_i64(q, 11),
		.completed_ms = sql_col_i64(q, 12) };
}

void upload_row_put(struct json_writer *w, const struct upload_row *r)
{
	symbols_put_number(w, SLICE("id"), r->id);
	symbols_put_number(w, SLICE("size"), r->size);
	symbols_put_text(w, SLICE("filename"), r->filename);
	symbols_put_text(w, SLICE("bucket_name"), symbols_bucket(r->is_try));
	symbols_put_flag(w, SLICE("try_symbols"), r->is_try);
	symbols_put_text_or_null(w, SLICE("download_url"), r->download_url);
	symbols_put_raw(w, SLICE("redirect_urls"), r->redirect_urls);
	symbols_put_raw(w, SLICE("skipped_keys"), r->skipped_keys);
	symbols_put_raw(w, SLICE("ignored_keys"), r->ignored_keys);
	symbols_put_number(w, SLICE("files_count"), r->files);
	json_put_name(w, SLICE("user"));
	json_begin_object(w);
	symbols_put_text(w, SLICE("email"), r->email);
	json_end_object(w);
	symbols_put_time(w, SLICE("created_at"), r->created_ms);
	symbols_put_time(w, SLICE("completed_at"), r->completed_ms);
}

/* ---- reading ---- */

enum err upload_rows_before(struct sql_db *db, struct slice email, int64_t *id, int64_t most,
    upload_row_fn *fn, void *arg, int64_t *ret_n, struct err_note *note)
{
	struct sql_query *q;
	int64_t before = *id;
	bool all = email.len == 0;
	enum err given = ERR_OK;
	enum err e =
	    symbols_begin(db, all ? SYMBOLS_UPLOADS_BEFORE : SYMBOLS_UPLOADS_OF_BEFORE, &q, note);

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", before);
	sql_bind_i64(q, "most", most);
	if (!all) {
		sql_bind_text(q, "email", email);
	}
	while (given == ERR_OK && (e = sql_step(q)) == ERR_OK) {
		const struct upload_row r = upload_row_of(q);
		*id = r.id;
		*ret_n += 1;
		given = fn(arg, &r);
	}
	sql_end(q);
	return given != ERR_OK ? given : e == ERR_END ? ERR_OK : e;
}

static enum err count_open(struct sql_db *db, int64_t id, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_UPLOAD_OPEN_FILES, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "upload", id);
	return sql_finish_number(q, ret);
}

enum err upload_row_show(
    struct sql_db *db, int64_t id, struct json_writer *w, struct err_note *note)
{
	struct sql_query *q;
	int64_t open = 0;
	enum err e = symbols_begin(db, SYMBOLS_UPLOAD_GET, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	e = sql_step(q);
	if (e == ERR_OK) {
		const struct upload_row r = upload_row_of(q);
		upload_row_put(w, &r);
	}
	sql_end(q);
	if (e != ERR_OK) {
		return e == ERR_END ? ERR_NOT_FOUND : e;
	}
	e = count_open(db, id, &open, note);
	symbols_put_number(w, SLICE("files_incomplete_count"), open);
	return e;
}

enum err upload_row_see(
    struct op_call *c, const struct symbols_who *who, int64_t id, struct upload_seen *ret)
{
	const struct svc_env *env = c->env;
	struct sql_query *q;
	enum err e = symbols_begin(env->db, SYMBOLS_UPLOAD_GET, &q, &c->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	e = sql_step(q);
	if (e == ERR_OK) {
		const struct upload_row r = upload_row_of(q);
		bool may =
		    slice_eq(r.email, who->email) || (who->permissions & SYMBOLS_VIEW_ALL) != 0;
		ret->size = r.size;
		e = arena_copy(c->arena, r.content_hash, &ret->content_hash);
		e = e == ERR_OK ? arena_copy(c->arena, r.email, &ret->email) : e;
		e = e == ERR_OK && !may ? ERR_DENIED : e;
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

/* ---- answering ---- */

enum err upload_row_refuse(struct op_call *c, enum err e)
{
	if (e == ERR_DENIED) {
		return symbols_refuse(c, 403, "Forbidden");
	}
	return e == ERR_NOT_FOUND ? symbols_not_found(c) : e;
}

enum err uploads_reply(struct op_call *c, struct buf *out, enum err e)
{
	e = e == ERR_OK ? symbols_reply(c, 200, out) : e;
	buf_free(out);
	return e;
}
