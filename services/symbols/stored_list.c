/*
 * GET /api/stored/: which files there are of a module, for people with any permission. By the
 * beginning of the debug file's name, in the order of keys, page behind page.
 */
#include <stdio.h>

#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_who.h"

enum {
	PAGE_ROWS = 50,
	BATCH = 200,
	ROWS_MAX = 10000, /* that a page looks at */
	ANSWER_MAX = 512 * 1024
};

struct search {
	struct op_call *c;
	struct slice name; /* what the debug file begins with */
	struct slice id;   /* part of debug, code or build id, in any case; empty: any */
	struct json_writer w;
	struct symbol_key last; /* in the arena of the request */
	bool last_is_try;
	int64_t shown, scanned;
	bool has_next;
};

static bool has_id(struct slice text, struct slice id)
{
	for (size_t i = 0; i + id.len <= text.len; i++) {
		if (slice_eq_nocase(slice_sub(text, i, i + id.len), id)) {
			return true;
		}
	}
	return false;
}

static bool takes_id(const struct search *s, const struct symbol_file *f)
{
	return has_id(f->key.debug_id, s->id) || has_id(f->code_id, s->id) ||
	       has_id(f->build_id, s->id);
}

static enum err put_file(struct search *s, const struct symbol_file *f)
{
	const struct symbols_state *state = s->c->state;
	const char *path = symbol_key_path(s->c->arena, &f->key);
	const char *url = path == NULL ? NULL
				       : arena_printf(s->c->arena, "%s%s/%s", state->url.origin,
					     f->is_try ? "/try" : "", path);

	if (url == NULL) {
		return ERR_MEMORY;
	}
	json_begin_object(&s->w);
	symbols_put_text(&s->w, SLICE("debug_filename"), f->key.debug_file);
	symbols_put_text(&s->w, SLICE("debug_id"), f->key.debug_id);
	symbols_put_text(&s->w, SLICE("file"), f->key.file);
	symbols_put_flag(&s->w, SLICE("try_symbols"), f->is_try);
	symbols_put_number(&s->w, SLICE("size"), f->size);
	symbols_put_number(&s->w, SLICE("stored_size"), f->stored_size);
	symbols_put_text_or_null(&s->w, SLICE("code_file"), f->code_file);
	symbols_put_text_or_null(&s->w, SLICE("code_id"), f->code_id);
	symbols_put_text_or_null(&s->w, SLICE("build_id"), f->build_id);
	symbols_put_text_or_null(&s->w, SLICE("generator"), f->generator);
	symbols_put_number(&s->w, SLICE("upload"), f->upload);
	symbols_put_time(&s->w, SLICE("modified_at"), f->modified_ms);
	symbols_put_time(&s->w, SLICE("used_at"), f->used_ms);
	symbols_put_text(&s->w, SLICE("url"), slice_str(url));
	json_end_object(&s->w);
	return ERR_OK;
}

static enum err keep_place(struct search *s, const struct symbol_file *f)
{
	struct arena *arena = s->c->arena;
	enum err e = arena_copy(arena, f->key.debug_file, &s->last.debug_file);

	e = e == ERR_OK ? arena_copy(arena, f->key.debug_id, &s->last.debug_id) : e;
	e = e == ERR_OK ? arena_copy(arena, f->key.file, &s->last.file) : e;
	s->last_is_try = f->is_try;
	return e;
}

/* ERR_END: the page is full, or what follows has another name. */
static enum err take_file(void *arg, const struct symbol_file *f)
{
	struct search *s = arg;
	enum err e = ERR_OK;

	if (!slice_starts(f->key.debug_file, s->name)) {
		return ERR_END;
	}
	if (s->shown == PAGE_ROWS || s->scanned == ROWS_MAX) {
		s->has_next = true;
		return ERR_END;
	}
	s->scanned++;
	if (takes_id(s, f)) {
		s->shown++;
		e = put_file(s, f);
	}
	/* Where the next page begins; between, only where the next batch does. */
	bool is_place = s->shown == PAGE_ROWS || s->scanned % BATCH == 0;
	return e == ERR_OK && is_place ? keep_place(s, f) : e;
}

static enum err search(struct search *s)
{
	const struct svc_env *env = s->c->env;
	int64_t n = BATCH;
	enum err e = ERR_OK;

	json_put_name(&s->w, SLICE("files"));
	json_begin_array(&s->w);
	while (e == ERR_OK && n == BATCH) {
		const struct symbol_key from = s->last;
		e = symbol_file_after(
		    env->db, &from, s->last_is_try, BATCH, take_file, s, &n, &s->c->note);
	}
	json_end_array(&s->w);
	return e == ERR_END ? ERR_OK : e;
}

static enum err put_next(struct search *s)
{
	const char *text = arena_printf(s->c->arena, "%s%.*s/%.*s/%.*s",
	    s->last_is_try ? "try/" : "", SLICE_ARG(s->last.debug_file),
	    SLICE_ARG(s->last.debug_id), SLICE_ARG(s->last.file));

	symbols_put_text_or_null(&s->w, SLICE("next"), s->has_next ? slice_str(text) : SLICE_EMPTY);
	return text == NULL ? ERR_MEMORY : ERR_OK;
}

/* "after" is a page's "next". */
static enum err read_query(struct search *s)
{
	struct slice after = SLICE_EMPTY;

	s->name = s->id = SLICE_EMPTY;
	(void)http_query_get(s->c->req, SLICE("name"), &s->name);
	(void)http_query_get(s->c->req, SLICE("id"), &s->id);
	s->last = (struct symbol_key){ s->name, SLICE_EMPTY, SLICE_EMPTY };
	if (!http_query_get(s->c->req, SLICE("after"), &after) || after.len == 0) {
		return ERR_OK;
	}
	s->last_is_try = slice_starts(after, SLICE("try/"));
	return symbol_key_parse(
	    s->c->arena, slice_sub(after, s->last_is_try ? 4 : 0, after.len), &s->last);
}

enum err symbols_stored_list(struct op_call *c)
{
	struct symbols_who who;
	struct search s = { .c = c };
	bool good = false;
	enum err e = symbols_who_may(c, SYMBOLS_ALL, SYMBOLS_LOOK, &who, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	e = read_query(&s);
	if (e == ERR_SYNTAX) {
		return symbols_refuse(c, 400, "\"after\" is no place in this list");
	}
	struct buf *out = arena_buf(c->arena, ANSWER_MAX);
	if (e != ERR_OK || out == NULL) {
		return e == ERR_OK ? ERR_MEMORY : e;
	}
	s.w = json_writer_new(out);
	json_begin_object(&s.w);
	e = search(&s);
	e = e == ERR_OK ? put_next(&s) : e;
	json_end_object(&s.w);
	return e == ERR_OK ? symbols_reply(c, 200, out) : e;
}
