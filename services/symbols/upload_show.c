/*
 * GET /api/uploads/upload/{id}: one upload with its files and those that are like it, for its
 * sender and for those who may see all.
 */
#include <stdio.h>

#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_who.h"
#include "services/symbols/upload_files_api.h"
#include "services/symbols/upload_row.h"

enum {
	FILES_MAX = 5000, /* of one upload */
	RELATED_MAX = 20
};

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
		const struct upload_line l = upload_line_of(q);
		json_begin_object(w);
		upload_line_put(w, &l);
		json_end_object(w);
	}
	json_end_array(w);
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* Others of the same sender with equal size and content. */
static enum err put_related(
    struct op_call *c, struct json_writer *w, const struct upload_seen *seen, int64_t upload)
{
	const struct svc_env *env = c->env;
	struct sql_query *q;
	enum err e = ERR_END;

	json_put_name(w, SLICE("related"));
	json_begin_array(w);
	if (seen->content_hash.len > 0) {
		e = symbols_begin(env->db, SYMBOLS_UPLOADS_LIKE, &q, &c->note);
		if (e != ERR_OK) {
			return e;
		}
		sql_bind_text(q, "content_hash", seen->content_hash);
		sql_bind_i64(q, "id", INT64_MAX);
		sql_bind_i64(q, "most", RELATED_MAX);
		while ((e = sql_step(q)) == ERR_OK) {
			const struct upload_row r = upload_row_of(q);
			if (r.id != upload && r.size == seen->size &&
			    slice_eq(r.email, seen->email)) {
				json_begin_object(w);
				upload_row_put(w, &r);
				json_end_object(w);
			}
		}
		sql_end(q);
	}
	json_end_array(w);
	return e == ERR_END ? ERR_OK : e;
}

static enum err reply(struct op_call *c, int64_t id, const struct upload_seen *seen)
{
	const struct svc_env *env = c->env;
	struct buf out = buf_new(UPLOADS_ANSWER_MAX);
	struct json_writer w = json_writer_new(&out);

	json_begin_object(&w);
	json_put_name(&w, SLICE("upload"));
	json_begin_object(&w);
	enum err e = upload_row_show(env->db, id, &w, &c->note);
	e = e == ERR_OK ? put_files(c, &w, id) : e;
	e = e == ERR_OK ? put_related(c, &w, seen, id) : e;
	json_end_object(&w);
	json_end_object(&w);
	return uploads_reply(c, &out, e);
}

enum err symbols_upload_show(struct op_call *c)
{
	struct symbols_who who;
	struct upload_seen seen;
	uint64_t id = 0;
	bool good = false;
	enum err e = symbols_who_may(c, 0, SYMBOLS_LOOK, &who, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	if (slice_to_u64(http_param(c->req, "id"), INT64_MAX, &id) != ERR_OK) {
		return symbols_not_found(c);
	}
	e = upload_row_see(c, &who, (int64_t)id, &seen);
	return e == ERR_OK ? reply(c, (int64_t)id, &seen) : upload_row_refuse(c, e);
}
