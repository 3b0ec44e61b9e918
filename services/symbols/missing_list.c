/*
 * What was asked for and is not there, for people and their programs: the list of the last day as
 * CSV, from which others fetch what is missing elsewhere, and all of it as JSON, page by page.
 */

#include "core/base/clock.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_time.h"

enum {
	ROWS_AT_ONCE = 200,
	CSV_ROW_MAX = 8 * MISSING_VALUE_MAX,
	SCAN_MAX = 20000, /* rows that a filtered page looks at */
	PAGE_ROWS = 100,
	PAGE_MAX = 1 << 20,
	DAY_MS = 86400000,
};

struct missing_row {
	struct symbol_key key;
	struct slice code_file, code_id;
	int64_t misses, created_ms, modified_ms;
};

/* A walk over the rows, the newest first; fn returns ERR_END to stop it. */
struct walk {
	struct sql_db *db;
	int64_t modified_ms;
	char text[5][MISSING_VALUE_MAX]; /* the last row's key */
	size_t len[5];
	enum err (*fn)(void *arg, const struct missing_row *row);
	void *arg;
	struct err_note *note;
};

static void bind_place(const struct walk *w, struct sql_query *q)
{
	static const char *const names[] = { "debug_file", "debug_id", "file", "code_file",
		"code_id" };

	sql_bind_i64(q, "modified_ms", w->modified_ms);
	sql_bind_i64(q, "most", ROWS_AT_ONCE);
	for (size_t i = 0; i < 5; i++) {
		sql_bind_text(q, names[i], SLICE_OF(w->text[i], w->len[i]));
	}
}

static void take_row(struct sql_query *q, struct missing_row *ret)
{
	*ret = (struct missing_row){ .key = { sql_col_text(q, 0), sql_col_text(q, 1),
					 sql_col_text(q, 2) },
		.code_file = sql_col_text(q, 3),
		.code_id = sql_col_text(q, 4),
		.misses = sql_col_i64(q, 5),
		.created_ms = sql_col_i64(q, 6),
		.modified_ms = sql_col_i64(q, 7) };
}

static void keep_place(struct walk *next, const struct missing_row *row)
{
	const struct slice texts[] = { row->key.debug_file, row->key.debug_id, row->key.file,
		row->code_file, row->code_id };

	next->modified_ms = row->modified_ms;
	for (size_t i = 0; i < 5; i++) {
		size_t len = texts[i].len < MISSING_VALUE_MAX ? texts[i].len : MISSING_VALUE_MAX;
		memcpy(next->text[i], texts[i].ptr, len);
		next->len[i] = len;
	}
}

/* The place is not changed while it is bound. *ret_n: rows of this round. */
static enum err walk_some(struct walk *w, struct walk *next, int64_t *ret_n)
{
	struct sql_query *q;
	enum err e = symbols_begin(w->db, SYMBOLS_MISSING_BEFORE, &q, w->note), given = ERR_OK;

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	bind_place(w, q);
	while (given == ERR_OK && (e = sql_step(q)) == ERR_OK) {
		struct missing_row row;
		take_row(q, &row);
		keep_place(next, &row);
		given = w->fn(w->arg, &row);
		*ret_n += 1;
	}
	sql_end(q);
	return given != ERR_OK ? given : e == ERR_END ? ERR_OK : e;
}

/* ---- CSV ---- */

struct csv {
	struct buf rows;
	int64_t from_ms;
};

static void put_field(struct buf *out, struct slice value, bool is_last)
{
	bool is_quoted = slice_find(value, ',', 0) < value.len;

	buf_append_str(out, is_quoted ? "\"" : "");
	buf_append_slice(out, value);
	buf_append_str(out, is_quoted ? "\"" : "");
	buf_append_char(out, is_last ? '\n' : ',');
}

static enum err put_csv_row(void *arg, const struct missing_row *row)
{
	struct csv *csv = arg;

	if (row->modified_ms < csv->from_ms) {
		return ERR_END;
	}
	if (slice_ends(row->key.debug_file, SLICE(".pdb")) &&
	    slice_ends(row->key.file, SLICE(".sym"))) {
		put_field(&csv->rows, row->key.debug_file, false);
		put_field(&csv->rows, row->key.debug_id, false);
		put_field(&csv->rows, row->code_file, false);
		put_field(&csv->rows, row->code_id, true);
	}
	return ERR_OK;
}

static enum err stream_csv(struct op_call *c, struct walk *w, struct csv *csv)
{
	enum err e = ERR_OK;
	int64_t n = ROWS_AT_ONCE;

	while (e == ERR_OK && n == ROWS_AT_ONCE) {
		struct walk next = *w;
		e = walk_some(w, &next, &n);
		*w = next;
		if (e == ERR_OK || e == ERR_END) {
			enum err sent = csv->rows.failed
					    ? ERR_LIMIT
					    : http_stream_write(c->req, buf_slice(&csv->rows));
			e = sent != ERR_OK ? sent : e;
		}
		buf_clear(&csv->rows);
	}
	return e == ERR_END ? ERR_OK : e;
}

enum err symbols_missing_csv(struct op_call *c)
{
	const struct svc_env *env = c->env;
	int64_t now_ms = clock_wall_ms();
	struct slice value;
	bool is_today = http_query_get(c->req, SLICE("today"), &value) && value.len > 0;
	struct csv csv = { .rows = buf_new(ROWS_AT_ONCE * CSV_ROW_MAX),
		.from_ms = is_today ? now_ms - now_ms % DAY_MS : now_ms - DAY_MS };
	struct walk w = { .db = env->db,
		.modified_ms = INT64_MAX,
		.fn = put_csv_row,
		.arg = &csv,
		.note = &c->note };
	char date[SYMBOLS_TIME_SIZE];
	const char *disposition = arena_printf(c->arena,
	    "attachment; filename=\"missing-symbols-%.10s.csv\"", symbols_time_text(now_ms, date));

	if (disposition == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Content-Disposition"), slice_str(disposition));
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
	enum err e = http_stream_begin(c->req, 200, SLICE("text/csv"), -1);
	if (e == ERR_OK) {
		e = http_stream_write(c->req, SLICE("debug_file,debug_id,code_file,code_id\n"));
	}
	if (e == ERR_OK) {
		e = stream_csv(c, &w, &csv);
	}
	buf_free(&csv.rows);
	return e == ERR_OK ? http_stream_end(c->req) : e;
}

/* ---- JSON ---- */

struct page {
	struct slice symbol, debugid, filename; /* filters; empty: none */
	int64_t number, seen, scanned;
	struct json_writer w;
};

static bool has(struct slice text, struct slice part)
{
	return part.len == 0 || memmem(text.ptr, text.len, part.ptr, part.len) != NULL;
}

static enum err put_json_row(void *arg, const struct missing_row *row)
{
	struct page *p = arg;

	if (++p->scanned > SCAN_MAX) {
		return ERR_END;
	}
	if (!has(row->key.debug_file, p->symbol) || !has(row->key.debug_id, p->debugid) ||
	    !has(row->key.file, p->filename)) {
		return ERR_OK;
	}
	int64_t at = p->seen++;
	if (at / PAGE_ROWS != p->number - 1) {
		return ERR_OK;
	}
	json_begin_object(&p->w);
	symbols_put_number(&p->w, SLICE("id"), at + 1);
	symbols_put_text(&p->w, SLICE("symbol"), row->key.debug_file);
	symbols_put_text(&p->w, SLICE("debugid"), row->key.debug_id);
	symbols_put_text(&p->w, SLICE("filename"), row->key.file);
	symbols_put_text(&p->w, SLICE("code_file"), row->code_file);
	symbols_put_text(&p->w, SLICE("code_id"), row->code_id);
	symbols_put_number(&p->w, SLICE("count"), row->misses);
	symbols_put_time(&p->w, SLICE("modified_at"), row->modified_ms);
	symbols_put_time(&p->w, SLICE("created_at"), row->created_ms);
	json_end_object(&p->w);
	return ERR_OK;
}

static void read_page(struct op_call *c, struct page *p)
{
	struct slice value = SLICE_EMPTY;
	uint64_t number = 1;

	p->symbol = p->debugid = p->filename = SLICE_EMPTY;
	(void)http_query_get(c->req, SLICE("symbol"), &p->symbol);
	(void)http_query_get(c->req, SLICE("debugid"), &p->debugid);
	(void)http_query_get(c->req, SLICE("filename"), &p->filename);
	bool has_number = http_query_get(c->req, SLICE("page"), &value) &&
			  slice_to_u64(value, INT32_MAX, &number) == ERR_OK && number > 0;
	p->number = has_number ? (int64_t)number : 1;
}

static void end_page(struct page *p)
{
	json_end_array(&p->w);
	symbols_put_number(&p->w, SLICE("total_count"), p->seen);
	symbols_put_number(&p->w, SLICE("page"), p->number);
	symbols_put_number(&p->w, SLICE("batch_size"), PAGE_ROWS);
	json_put_name(&p->w, SLICE("order_by"));
	json_begin_object(&p->w);
	symbols_put_text(&p->w, SLICE("sort"), SLICE("modified_at"));
	symbols_put_flag(&p->w, SLICE("reverse"), true);
	json_end_object(&p->w);
	json_end_object(&p->w);
}

enum err symbols_missing_list(struct op_call *c)
{
	const struct svc_env *env = c->env;
	struct buf *out = arena_buf(c->arena, PAGE_MAX);
	struct page p = { .number = 1 };
	struct walk w = { .db = env->db,
		.modified_ms = INT64_MAX,
		.fn = put_json_row,
		.arg = &p,
		.note = &c->note };
	enum err e = out == NULL ? ERR_MEMORY : ERR_OK;
	int64_t n = ROWS_AT_ONCE;

	if (e != ERR_OK) {
		return e;
	}
	read_page(c, &p);
	p.w = json_writer_new(out);
	json_begin_object(&p.w);
	json_put_name(&p.w, SLICE("records"));
	json_begin_array(&p.w);
	while (e == ERR_OK && n == ROWS_AT_ONCE) {
		struct walk next = w;
		e = walk_some(&w, &next, &n);
		w = next;
	}
	if (e != ERR_OK && e != ERR_END) {
		return e;
	}
	end_page(&p);
	if (out->failed) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
	http_reply(c->req, 200, SLICE("application/json"), buf_slice(out));
	return ERR_OK;
}
