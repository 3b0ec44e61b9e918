/*
 * The log of uploads for their senders and for those who may see all (symbols.md 1.6).
 */
#include "core/base/clock.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_token.h"
#include "services/symbols/upload_filter.h"
#include "services/symbols/upload_row.h"

enum {
	ROWS_AT_ONCE = 100,
	SCAN_MAX = 10000, /* rows that a page looks at */
	PAGE_ROWS = 20,
};

/* One page while it is made. */
struct page {
	struct slice user; /* filter; empty: none */
	bool not_user;
	struct upload_filter size, created, completed;
	int64_t number, seen, scanned;
	struct json_writer w;
};

/* ---- a page ---- */

static bool has_user(const struct page *p, struct slice email)
{
	return p->user.len == 0 ||
	       (memmem(email.ptr, email.len, p->user.ptr, p->user.len) != NULL) != p->not_user;
}

static void take_row(struct page *p, const struct upload_row *r)
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
		upload_row_put(&p->w, r);
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
		const struct upload_row r = upload_row_of(q);
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

enum err symbols_uploads(struct op_call *c)
{
	struct symbols_token token;
	struct page p = { .number = 1, .user = SLICE_EMPTY };
	bool good = false;
	enum err e = uploads_authorize(c, &token, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	e = refuse_filters(c, &p, &good);
	if (e != ERR_OK || !good) {
		return e;
	}
	struct buf out = buf_new(UPLOADS_ANSWER_MAX);
	p.w = json_writer_new(&out);
	json_begin_object(&p.w);
	e = put_uploads(c, &token, &p);
	symbols_put_flag(&p.w, SLICE("can_view_all"), (token.permissions & SYMBOLS_VIEW_ALL) != 0);
	symbols_put_number(&p.w, SLICE("batch_size"), PAGE_ROWS);
	json_put_name(&p.w, SLICE("order_by"));
	json_begin_object(&p.w);
	symbols_put_text(&p.w, SLICE("sort"), SLICE("created_at"));
	symbols_put_flag(&p.w, SLICE("reverse"), true);
	json_end_object(&p.w);
	symbols_put_flag(&p.w, SLICE("has_next"), p.seen > p.number * PAGE_ROWS);
	symbols_put_number(&p.w, SLICE("total"), p.seen);
	json_end_object(&p.w);
	return uploads_reply(c, &out, e);
}
