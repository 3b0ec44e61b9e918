/*
 * See upload_row.h.
 */
#include "services/symbols/upload_row.h"

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

enum err uploads_authorize(struct op_call *c, struct symbols_token *token, bool *ret_good)
{
	const char *refusal = NULL;
	enum err e = symbols_token_check(
	    c, SYMBOLS_UPLOAD | SYMBOLS_UPLOAD_TRY | SYMBOLS_VIEW_ALL, token, &refusal);

	*ret_good = e == ERR_OK && refusal == NULL;
	return e == ERR_OK && refusal != NULL ? symbols_refuse(c, 403, refusal) : e;
}

enum err uploads_reply(struct op_call *c, struct buf *out, enum err e)
{
	if (e == ERR_OK && out->failed) {
		e = ERR_LIMIT;
	}
	if (e == ERR_OK) {
		http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
		e = http_stream_begin(c->req, 200, SLICE("application/json"), (int64_t)out->len);
		e = e == ERR_OK ? http_stream_write(c->req, buf_slice(out)) : e;
		e = e == ERR_OK ? http_stream_end(c->req) : e;
	}
	buf_free(out);
	return e;
}
