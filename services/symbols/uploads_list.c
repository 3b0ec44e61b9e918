/*
 * The log of uploads for their senders and for those who may see all (symbols.md 1.6).
 */
#include <stdio.h>

#include "core/base/clock.h"
#include "core/base/json.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_time.h"
#include "services/symbols/symbols_token.h"
#include "services/symbols/upload_filter.h"

enum {
	ROWS_AT_ONCE = 100,
	SCAN_MAX = 10000, /* rows that a page looks at */
	PAGE_ROWS = 20,
	FILES_MAX = 5000, /* of one upload */
	ANSWER_MAX = 16 * 1024 * 1024,
};

struct row {
	int64_t id;
	struct slice email;
	bool is_try;
	struct slice filename, download_url, redirect_urls;
	int64_t size;
	struct slice content_hash;
	int64_t files;
	struct slice skipped_keys, ignored_keys;
	int64_t created_ms, completed_ms;
};

/* One page while it is made. */
struct page {
	struct slice user; /* filter; empty: none */
	bool not_user;
	struct upload_filter size, created, completed;
	int64_t number, seen, scanned;
	struct json_writer w;
};

static struct row row_of(struct sql_query *q)
{
	return (struct row){ .id = sql_col_i64(q, 0),
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

/* ---- writing ---- */

static void put_text(struct json_writer *w, struct slice name, struct slice value)
{
	json_put_name(w, name);
	json_put_string(w, value);
}

static void put_number(struct json_writer *w, struct slice name, int64_t n)
{
	json_put_name(w, name);
	json_put_i64(w, n);
}

static void put_time(struct json_writer *w, struct slice name, int64_t ms)
{
	char text[SYMBOLS_TIME_SIZE];

	json_put_name(w, name);
	if (ms == 0) {
		json_put_null(w);
	} else {
		json_put_string(w, slice_str(symbols_time_text(ms, text)));
	}
}

/* Its members, without the braces. */
static void put_row(struct json_writer *w, const struct row *r)
{
	put_number(w, SLICE("id"), r->id);
	put_number(w, SLICE("size"), r->size);
	put_text(w, SLICE("filename"), r->filename);
	put_text(w, SLICE("bucket_name"), r->is_try ? SLICE("try") : SLICE("symbols"));
	json_put_name(w, SLICE("try_symbols"));
	json_put_bool(w, r->is_try);
	json_put_name(w, SLICE("download_url"));
	if (r->download_url.len == 0) {
		json_put_null(w);
	} else {
		json_put_string(w, r->download_url);
	}
	json_put_name(w, SLICE("redirect_urls"));
	json_put_raw(w, r->redirect_urls);
	json_put_name(w, SLICE("skipped_keys"));
	json_put_raw(w, r->skipped_keys);
	json_put_name(w, SLICE("ignored_keys"));
	json_put_raw(w, r->ignored_keys);
	put_number(w, SLICE("files_count"), r->files);
	json_put_name(w, SLICE("user"));
	json_begin_object(w);
	put_text(w, SLICE("email"), r->email);
	json_end_object(w);
	put_time(w, SLICE("created_at"), r->created_ms);
	put_time(w, SLICE("completed_at"), r->completed_ms);
}

static enum err reply(struct op_call *c, struct buf *out, enum err e)
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

/* ---- a page ---- */

static bool has_user(const struct page *p, struct slice email)
{
	return p->user.len == 0 ||
	       (memmem(email.ptr, email.len, p->user.ptr, p->user.len) != NULL) != p->not_user;
}

static void take_row(struct page *p, const struct row *r)
{
	p->scanned++;
	if (!has_user(p, r->email) || !upload_filter_takes(&p->size, r->size) ||
	    !upload_filter_takes(&p->created, r->created_ms) ||
	    !upload_filter_takes(&p->completed, r->completed_ms)) {
		return;
	}
	int64_t at = p->seen++;
	if (at / PAGE_ROWS == p->number - 1) {
		json_begin_object(&p->w);
		put_row(&p->w, r);
		json_end_object(&p->w);
	}
}

/* The rows before *id, which moves on. *ret_n: how many. */
static enum err read_some(struct op_call *c, const struct symbols_token *token, struct page *p,
    int64_t *id, int64_t *ret_n)
{
	const struct svc_env *env = c->env;
	bool all = (token->permissions & SYMBOLS_VIEW_ALL) != 0;
	struct sql_query *q;
	int64_t before = *id;
	enum err e = symbols_begin(
	    env->db, all ? SYMBOLS_UPLOADS_BEFORE : SYMBOLS_UPLOADS_OF_BEFORE, &q, &c->note);

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", before);
	sql_bind_i64(q, "most", ROWS_AT_ONCE);
	if (!all) {
		sql_bind_text(q, "email", token->email);
	}
	while ((e = sql_step(q)) == ERR_OK) {
		const struct row r = row_of(q);
		*id = r.id;
		*ret_n += 1;
		take_row(p, &r);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err put_uploads(struct op_call *c, const struct symbols_token *token, struct page *p)
{
	int64_t id = INT64_MAX, n = ROWS_AT_ONCE;
	enum err e = ERR_OK;

	json_put_name(&p->w, SLICE("uploads"));
	json_begin_array(&p->w);
	while (e == ERR_OK && n == ROWS_AT_ONCE && p->scanned < SCAN_MAX) {
		e = read_some(c, token, p, &id, &n);
	}
	json_end_array(&p->w);
	return e;
}

/* Texts of filters that cannot be read, by field: {"errors": {field: [text]}}. */
static bool read_filters(struct op_call *c, struct page *p, struct json_writer *errors)
{
	int64_t now_ms = clock_wall_ms();
	struct slice value = SLICE_EMPTY;
	uint64_t number = 1;
	bool good = true;

	if (http_query_get(c->req, SLICE("user"), &p->user)) {
		p->not_user = slice_starts(p->user, SLICE("!"));
		p->user = slice_sub(p->user, p->not_user ? 1 : 0, p->user.len);
	}
	static const struct slice fields[] = { { "size", 4 }, { "created_at", 10 },
		{ "completed_at", 12 } };
	struct upload_filter *const filters[] = { &p->size, &p->created, &p->completed };
	for (size_t i = 0; i < 3; i++) {
		if (!http_query_get(c->req, fields[i], &value) || value.len == 0) {
			continue;
		}
		enum err e = i == 0 ? upload_filter_sizes(value, filters[i])
				    : upload_filter_times(value, now_ms, filters[i]);
		if (e != ERR_OK) {
			json_put_name(errors, fields[i]);
			json_begin_array(errors);
			json_put_string(errors, SLICE("Unable to parse"));
			json_end_array(errors);
			good = false;
		}
	}
	p->number = 1;
	if (http_query_get(c->req, SLICE("page"), &value) &&
	    slice_to_u64(value, INT32_MAX, &number) == ERR_OK && number > 0) {
		p->number = (int64_t)number;
	}
	return good;
}

static enum err refuse_filters(struct op_call *c, struct page *p, bool *ret_good)
{
	struct buf *out = arena_buf(c->arena, 4096);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	json_put_name(&w, SLICE("errors"));
	json_begin_object(&w);
	*ret_good = read_filters(c, p, &w);
	json_end_object(&w);
	json_end_object(&w);
	if (!*ret_good) {
		http_reply(c->req, 400, SLICE("application/json"), buf_slice(out));
	}
	return ERR_OK;
}

static enum err authorize(struct op_call *c, struct symbols_token *token, bool *ret_good)
{
	const char *refusal = NULL;
	enum err e = symbols_token_check(
	    c, SYMBOLS_UPLOAD | SYMBOLS_UPLOAD_TRY | SYMBOLS_VIEW_ALL, token, &refusal);

	*ret_good = e == ERR_OK && refusal == NULL;
	return e == ERR_OK && refusal != NULL ? symbols_refuse(c, 403, refusal) : e;
}

enum err symbols_uploads(struct op_call *c)
{
	struct symbols_token token;
	struct page p = { .number = 1, .user = SLICE_EMPTY };
	bool good = false;
	enum err e = authorize(c, &token, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	e = refuse_filters(c, &p, &good);
	if (e != ERR_OK || !good) {
		return e;
	}
	struct buf out = buf_new(ANSWER_MAX);
	p.w = json_writer_new(&out);
	json_begin_object(&p.w);
	e = put_uploads(c, &token, &p);
	json_put_name(&p.w, SLICE("can_view_all"));
	json_put_bool(&p.w, (token.permissions & SYMBOLS_VIEW_ALL) != 0);
	put_number(&p.w, SLICE("batch_size"), PAGE_ROWS);
	json_put_name(&p.w, SLICE("order_by"));
	json_begin_object(&p.w);
	put_text(&p.w, SLICE("sort"), SLICE("created_at"));
	json_put_name(&p.w, SLICE("reverse"));
	json_put_bool(&p.w, true);
	json_end_object(&p.w);
	json_put_name(&p.w, SLICE("has_next"));
	json_put_bool(&p.w, p.seen > p.number * PAGE_ROWS);
	put_number(&p.w, SLICE("total"), p.seen);
	json_end_object(&p.w);
	return reply(c, &out, e);
}

/* ---- one upload ---- */

static void put_file(struct json_writer *w, struct sql_query *q)
{
	char key[3 * SYMBOL_NAME_MAX + 8];

	(void)snprintf(key, sizeof(key), "%.*s/%.*s/%.*s", SLICE_ARG(sql_col_text(q, 2)),
	    SLICE_ARG(sql_col_text(q, 3)), SLICE_ARG(sql_col_text(q, 4)));
	json_begin_object(w);
	put_number(w, SLICE("id"), sql_col_i64(q, 0));
	put_text(w, SLICE("key"), slice_str(key));
	put_number(w, SLICE("size"), sql_col_i64(q, 8));
	json_put_name(w, SLICE("compressed"));
	json_put_bool(w, sql_col_i64(q, 6) != 0);
	json_put_name(w, SLICE("update"));
	json_put_bool(w, sql_col_i64(q, 7) != 0);
	put_text(w, SLICE("bucket_name"), sql_col_i64(q, 5) != 0 ? SLICE("try") : SLICE("symbols"));
	put_time(w, SLICE("created_at"), sql_col_i64(q, 10));
	put_time(w, SLICE("completed_at"), sql_col_i64(q, 11));
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
		const struct row r = row_of(q);
		bool may =
		    slice_eq(r.email, token->email) || (token->permissions & SYMBOLS_VIEW_ALL) != 0;
		e = may ? ERR_OK : ERR_DENIED;
		put_row(w, &r);
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err symbols_upload_show(struct op_call *c)
{
	struct symbols_token token;
	uint64_t id = 0;
	bool good = false;
	enum err e = authorize(c, &token, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	if (slice_to_u64(http_param(c->req, "id"), INT64_MAX, &id) != ERR_OK) {
		return symbols_not_found(c);
	}
	struct buf out = buf_new(ANSWER_MAX);
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
	return reply(c, &out, e);
}
