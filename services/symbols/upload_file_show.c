/*
 * GET /api/uploads/files/file/{id}: one file of an upload, with what the store knows of it now.
 */
#include <stdio.h>

#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_who.h"
#include "services/symbols/upload_files_api.h"
#include "services/symbols/upload_row.h"

/* The line, its texts in the arena. ERR_NOT_FOUND. */
static enum err read_line(struct op_call *c, int64_t id, struct upload_line *ret)
{
	const struct svc_env *env = c->env;
	struct sql_query *q;
	enum err e = symbols_begin(env->db, SYMBOLS_UPLOAD_FILE_GET, &q, &c->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	e = sql_step(q);
	if (e == ERR_OK) {
		struct upload_line l = upload_line_of(q);
		e = arena_copy(c->arena, l.key.debug_file, &l.key.debug_file);
		e = e == ERR_OK ? arena_copy(c->arena, l.key.debug_id, &l.key.debug_id) : e;
		e = e == ERR_OK ? arena_copy(c->arena, l.key.file, &l.key.file) : e;
		l.md5 = SLICE_EMPTY;
		if (e == ERR_OK) {
			*ret = l;
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

/* A file may have been removed since: then nothing is known but its key. */
static enum err put_known(struct op_call *c, struct json_writer *w, const struct upload_line *l)
{
	const struct symbols_state *state = c->state;
	const struct svc_env *env = c->env;
	struct symbol_file f = {
		.code_file = SLICE_EMPTY, .code_id = SLICE_EMPTY, .generator = SLICE_EMPTY
	};
	enum err e = symbol_file_get(env->db, c->arena, &l->key, l->is_try, &f, &c->note);
	bool is_there = e == ERR_OK;
	const char *path = symbol_key_path(c->arena, &l->key);
	const char *url = path == NULL ? NULL
				       : arena_printf(c->arena, "%s%s/%s", state->url.origin,
					     l->is_try ? "/try" : "", path);

	if (url == NULL || (e != ERR_OK && e != ERR_NOT_FOUND)) {
		return url == NULL ? ERR_MEMORY : e;
	}
	symbols_put_text_or_null(w, SLICE("url"), is_there ? slice_str(url) : SLICE_EMPTY);
	symbols_put_text(w, SLICE("debug_filename"), l->key.debug_file);
	symbols_put_text(w, SLICE("debug_id"), l->key.debug_id);
	symbols_put_text_or_null(w, SLICE("code_file"), f.code_file);
	symbols_put_text_or_null(w, SLICE("code_id"), f.code_id);
	symbols_put_text_or_null(w, SLICE("generator"), f.generator);
	return ERR_OK;
}

static enum err reply(struct op_call *c, const struct upload_line *l)
{
	const struct svc_env *env = c->env;
	struct buf out = buf_new(UPLOADS_ANSWER_MAX);
	struct json_writer w = json_writer_new(&out);

	json_begin_object(&w);
	json_put_name(&w, SLICE("file"));
	json_begin_object(&w);
	upload_line_put(&w, l);
	enum err e = put_known(c, &w, l);
	json_put_name(&w, SLICE("upload"));
	json_begin_object(&w);
	e = e == ERR_OK ? upload_row_show(env->db, l->upload, &w, &c->note) : e;
	json_end_object(&w);
	json_end_object(&w);
	json_end_object(&w);
	return uploads_reply(c, &out, e);
}

enum err symbols_upload_file_show(struct op_call *c)
{
	struct symbols_who who;
	struct upload_line line = { .id = 0 };
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
	e = read_line(c, (int64_t)id, &line);
	e = e == ERR_OK ? upload_row_see(c, &who, line.upload, &seen) : e;
	return e == ERR_OK ? reply(c, &line) : upload_row_refuse(c, e);
}
