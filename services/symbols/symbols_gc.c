/*
 * See symbols_gc.h. Rows go first, then blobs: a blob whose row is gone is found by the next run,
 * too. Blobs that were written in the last hour are left alone, because their row may be about to
 * come.
 */
#include "services/symbols/symbols_gc.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/arena.h"
#include "services/symbols/symbol_file.h"

enum {
	ROWS_AT_ONCE = 200,
	ROW_ARENA = 16 * 1024,
	MODULE_ARENA = 256 * 1024 * 1024, /* bytes: the ids of the builds of one module */
};

/* A row that may go. */
struct candidate {
	struct symbol_key key;
	bool is_try, is_cached;
	int64_t size, modified_ms, used_ms;
	int64_t newest_ms; /* modified_ms of the build's newest row that is uploaded and regular */
};

/* The walk: the rows of one module at a time. */
struct walk {
	struct symbols_gc *gc;
	struct arena arena; /* of the module's rows */
	struct candidate *rows;
	size_t n, room;
};

/* ---- deciding ---- */

static bool is_over(int64_t at_ms, int64_t now_ms, int64_t age_ms)
{
	return age_ms > 0 && at_ms < now_ms - age_ms;
}

static bool is_too_old(const struct symbols_gc *gc, const struct candidate *c)
{
	const struct symbols_gc_rules *r = &gc->rules;
	int64_t used_ms = c->used_ms > c->modified_ms ? c->used_ms : c->modified_ms;

	if (c->is_cached) {
		return is_over(used_ms, gc->now_ms, r->cached_ms);
	}
	if (c->is_try) {
		return is_over(c->modified_ms, gc->now_ms, r->try_ms);
	}
	return is_over(c->modified_ms, gc->now_ms, r->older_ms) ||
	       is_over(used_ms, gc->now_ms, r->unused_ms);
}

/* Builds are counted by what was uploaded to stay. */
static bool is_of_build(const struct candidate *c)
{
	return !c->is_try && !c->is_cached;
}

/* The newest first; the rows of a build stand together. */
static int by_build(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	struct slice a_id = x->key.debug_id, b_id = y->key.debug_id;
	size_t len = a_id.len < b_id.len ? a_id.len : b_id.len;

	if (x->newest_ms != y->newest_ms) {
		return x->newest_ms > y->newest_ms ? -1 : 1;
	}
	int order = memcmp(a_id.ptr, b_id.ptr, len);
	return order != 0 ? order : a_id.len < b_id.len ? -1 : a_id.len > b_id.len ? 1 : 0;
}

/* Every row of a build knows the build's newest time, so that sorting keeps it together. */
static void share_times(struct walk *w)
{
	for (size_t i = 0; i < w->n;) {
		size_t end = i;
		int64_t newest = 0;
		for (; end < w->n && slice_eq(w->rows[end].key.debug_id, w->rows[i].key.debug_id);
		     end++) {
			bool is_newer =
			    is_of_build(&w->rows[end]) && w->rows[end].modified_ms > newest;
			newest = is_newer ? w->rows[end].modified_ms : newest;
		}
		for (; i < end; i++) {
			w->rows[i].newest_ms = newest;
		}
	}
}

static enum err remove_row(struct walk *w, const struct candidate *c)
{
	struct symbols_gc *gc = w->gc;

	gc->done.files++;
	gc->done.file_bytes += c->size;
	return gc->rules.dry_run ? ERR_OK
				 : symbol_file_delete(gc->db, &c->key, c->is_try, gc->note);
}

/*
 * Sources are kept as long as something else of their build is: nobody needs them without. Those
 * that came an hour ago may be before the rest.
 */
static enum err is_left_alone(struct walk *w, const struct candidate *c, bool *ret)
{
	const struct symbol_kinds all = { .elf = ELF_DEBUGINFO | ELF_EXECUTABLE, .sym = true };
	struct symbols_gc *gc = w->gc;
	struct arena arena = arena_new(ROW_ARENA);
	struct symbol_file f;
	enum err e = ERR_OK;

	*ret = false;
	if (symbol_is_source(&c->key) && !c->is_cached &&
	    c->modified_ms < gc->now_ms - SYMBOLS_GC_GRACE_MS) {
		struct slice id = symbol_id_lower(&arena, c->key.debug_id);
		e = symbol_file_by_build(gc->db, &arena, id, all, false, &f, gc->note);
		if (e == ERR_NOT_FOUND && c->is_try) {
			e = symbol_file_by_build(gc->db, &arena, id, all, true, &f, gc->note);
		}
		*ret = e == ERR_NOT_FOUND;
		e = *ret ? ERR_OK : e;
	}
	arena_reset(&arena);
	return e;
}

static enum err decide(struct walk *w)
{
	struct slice counted = SLICE_EMPTY; /* the id of the build that was counted last */
	int64_t builds = 0;
	enum err e = ERR_OK;

	/* In the order of the key, so the rows of an id are neighbours already. */
	share_times(w);
	if (w->gc->rules.keep > 0 && w->n > 1) {
		qsort(w->rows, w->n, sizeof(w->rows[0]), by_build);
	}
	for (size_t i = 0; e == ERR_OK && i < w->n; i++) {
		const struct candidate *c = &w->rows[i];
		if (is_of_build(c) && !slice_eq(c->key.debug_id, counted)) {
			counted = c->key.debug_id;
			builds++;
		}
		bool is_surplus =
		    is_of_build(c) && w->gc->rules.keep > 0 && builds > w->gc->rules.keep;
		bool goes = is_surplus || is_too_old(w->gc, c);
		if (!goes) {
			e = is_left_alone(w, c, &goes);
		}
		if (e == ERR_OK && goes) {
			e = remove_row(w, c);
		}
	}
	return e;
}

static enum err decide_in_transaction(struct walk *w)
{
	struct symbols_gc *gc = w->gc;
	enum err e = w->n == 0 || gc->rules.dry_run ? ERR_OK : gc->begin(gc->arg);

	if (e == ERR_OK) {
		e = decide(w);
		e = w->n == 0 || gc->rules.dry_run ? e : gc->end(gc->arg, e);
	}
	arena_reset(&w->arena);
	w->n = 0;
	return e;
}

/* ---- walking ---- */

/* Under buildid/ each build is a module of its own. */
static bool is_same_module(const struct candidate *a, const struct candidate *b)
{
	return slice_eq(a->key.debug_file, b->key.debug_file) &&
	       (!slice_eq(a->key.debug_file, SYMBOL_BUILDID) ||
		   slice_eq(a->key.debug_id, b->key.debug_id));
}

static enum err take_row(void *arg, const struct symbol_file *f)
{
	struct walk *w = arg;

	if (w->n == w->room) {
		size_t room = w->room == 0 ? ROWS_AT_ONCE : 2 * w->room;
		struct candidate *rows = realloc(w->rows, room * sizeof(*rows));
		if (rows == NULL) {
			return ERR_MEMORY;
		}
		w->rows = rows;
		w->room = room;
	}
	struct candidate c = { .is_try = f->is_try,
		.is_cached = f->upstream.len > 0,
		.size = f->size,
		.modified_ms = f->modified_ms,
		.used_ms = f->used_ms };
	enum err e = arena_copy(&w->arena, f->key.debug_file, &c.key.debug_file);
	e = e == ERR_OK ? arena_copy(&w->arena, f->key.debug_id, &c.key.debug_id) : e;
	e = e == ERR_OK ? arena_copy(&w->arena, f->key.file, &c.key.file) : e;
	if (e == ERR_OK) {
		w->rows[w->n++] = c;
	}
	return e;
}

/* The rows of the next module are left for the next turn: *place is the last of this one. */
static enum err cut_module(
    struct walk *w, struct arena *arena, struct symbol_key *place, bool *is_try)
{
	size_t n = 1;
	enum err e;

	while (n < w->n && is_same_module(&w->rows[n], &w->rows[0])) {
		n++;
	}
	w->n = n;
	arena_reset(arena);
	const struct candidate *last = &w->rows[n - 1];
	*is_try = last->is_try;
	e = arena_copy(arena, last->key.debug_file, &place->debug_file);
	e = e == ERR_OK ? arena_copy(arena, last->key.debug_id, &place->debug_id) : e;
	return e == ERR_OK ? arena_copy(arena, last->key.file, &place->file) : e;
}

/* Reads on until the rows hold one module whole, or all that is left. */
static enum err read_module(
    struct walk *w, const struct symbol_key *place, bool is_try, int64_t *ret_n)
{
	struct symbol_key at = *place;
	int64_t n = 0;
	enum err e;

	*ret_n = 0;
	do {
		e = symbol_file_after(
		    w->gc->db, &at, is_try, ROWS_AT_ONCE, take_row, w, &n, w->gc->note);
		*ret_n += n;
		if (w->n > 0) {
			at = w->rows[w->n - 1].key;
			is_try = w->rows[w->n - 1].is_try;
		}
	} while (
	    e == ERR_OK && n == ROWS_AT_ONCE && is_same_module(&w->rows[0], &w->rows[w->n - 1]));
	return e;
}

static enum err run_rows(struct symbols_gc *gc)
{
	struct walk w = { .gc = gc, .arena = arena_new(MODULE_ARENA) };
	struct arena place_arena = arena_new(16 * 1024);
	struct symbol_key place = { SLICE_EMPTY, SLICE_EMPTY, SLICE_EMPTY };
	bool is_try = false;
	int64_t n = 1;
	enum err e = ERR_OK;

	while (e == ERR_OK && n > 0) {
		e = read_module(&w, &place, is_try, &n);
		if (e == ERR_OK && n > 0) {
			e = cut_module(&w, &place_arena, &place, &is_try);
		}
		if (e == ERR_OK) {
			e = decide_in_transaction(&w);
		}
	}
	arena_reset(&w.arena);
	arena_reset(&place_arena);
	free(w.rows);
	return e;
}

/* ---- blobs ---- */

static enum err look_at_blob(void *arg, const struct blob_info *info)
{
	struct symbols_gc *gc = arg;
	bool is_used = false;

	if (info->kept_ms > gc->now_ms - SYMBOLS_GC_GRACE_MS) {
		return ERR_OK;
	}
	enum err e = symbol_blob_is_used(gc->db, info->name, &is_used, gc->note);
	if (e != ERR_OK || is_used) {
		return e;
	}
	gc->done.blobs++;
	gc->done.blob_bytes += (int64_t)info->size;
	return gc->rules.dry_run ? ERR_OK : blob_remove(gc->blobs, info->name, gc->note);
}

enum err symbols_gc_run(struct symbols_gc *gc)
{
	unsigned drafts = 0;
	enum err e = run_rows(gc);

	if (e == ERR_OK && !gc->rules.dry_run) {
		e = symbols_gc_logs(gc);
	}
	if (e == ERR_OK) {
		e = blob_each(gc->blobs, look_at_blob, gc, gc->note);
	}
	if (e == ERR_OK && !gc->rules.dry_run) {
		e = blob_sweep_drafts(
		    gc->blobs, gc->now_ms - SYMBOLS_GC_DRAFT_MS, &drafts, gc->note);
		gc->done.drafts = drafts;
	}
	return e;
}
