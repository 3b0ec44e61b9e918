/*
 * GET /api/uploads/upload/{id}: one line of the log with its files, for its sender and for those
 * who may see all.
 */
#include <stdio.h>

#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/upload_row.h"

enum {
	FILES_MAX = 5000, /* of one upload */
};

static void put_file(struct json_writer *w, struct sql_query *q)
{
	char key[SYMBOL_KEY_MAX];

	(void)snprintf(key, sizeof(key), "%.*s/%.*s/%.*s", SLICE_ARG(sql_col_text(q, 2)),
	    SLICE_ARG(sql_col_text(q, 3)), SLICE_ARG(sql_col_text(q, 4)));
	json_begin_object(w);
	symbols_put_number(w, SLICE("id"), sql_col_i64(q, 0));
	symbols_put_text(w, SLICE("key"), slice_str(key));
	symbols_put_number(w, SLICE("size"), sql_col_i64(q, 8));
	symbols_put_flag(w, SLICE("compressed"), sql_col_i64(q, 6) != 0);
	symbols_put_flag(w, SLICE("update"), sql_col_i64(q, 7) != 0);
	symbols_put_text(w, SLICE("bucket_name"), symbols_bucket(sql_col_i64(q, 5) != 0));
	symbols_put_time(w, SLICE("created_at"), sql_col_i64(q, 10));
	symbols_put_time(w, SLICE("completed_at"), sql_col_i64(q, 11));
	json_end_object(w);
}

static enum err put_files(struct op_call *c, struct json_writer *w, int64_t upload)
{
	const struct svc_env *env = c->env;
	struct sql_query *q;
	enum err e = symbols_begin(env->db, SYMBOLS_UPLOAD_FILES_AFTER, &q, &c->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "upload", upload);
	sql_bind_i64(q, "id", 0);
	sql_bind_i64(q, "most", FILES_MAX);
	json_put_name(w, SLICE("file_uploads"));
	json_begin_array(w);
	while ((e = sql_step(q)) == ERR_OK) {
		put_file(w, q);
	}
	json_end_array(w);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* ERR_DENIED: it is somebody else's. */
static enum err put_upload(
    struct op_call *c, struct json_writer *w, const struct symbols_token *token, int64_t id)
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
		    slice_eq(r.email, token->email) || (token->permissions & SYMBOLS_VIEW_ALL) != 0;
		e = may ? ERR_OK : ERR_DENIED;
		upload_row_put(w, &r);
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err symbols_upload_show(struct op_call *c)
{
	struct symbols_token token;
	uint64_t id = 0;
	bool good = false;
	enum err e = uploads_authorize(c, &token, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	if (slice_to_u64(http_param(c->req, "id"), INT64_MAX, &id) != ERR_OK) {
		return symbols_not_found(c);
	}
	struct buf out = buf_new(UPLOADS_ANSWER_MAX);
	struct json_writer w = json_writer_new(&out);
	json_begin_object(&w);
	json_put_name(&w, SLICE("upload"));
	json_begin_object(&w);
	e = put_upload(c, &w, &token, (int64_t)id);
	if (e == ERR_OK) {
		e = put_files(c, &w, (int64_t)id);
	}
	json_end_object(&w);
	json_end_object(&w);
	if (e == ERR_DENIED || e == ERR_NOT_FOUND) {
		buf_free(&out);
		return e == ERR_DENIED ? symbols_refuse(c, 403, "Forbidden") : symbols_not_found(c);
	}
	return uploads_reply(c, &out, e);
}
