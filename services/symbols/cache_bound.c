/*
 * See cache_bound.h; the part of the courier and that of the store. cache_forget.c has that of the
 * role files.
 *
 * Rows go first. A blob goes only if no row has it any more, and never one that was written just
 * now: its row may be about to come (of an upload with the same content). What cannot be removed
 * then is left to gc.
 */
#include "services/symbols/cache_bound.h"

#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/wire.h"
#include "core/ev/task.h"
#include "core/obs/log.h"
#include "core/store/store.h"
#include "services/symbols/symbol_file.h"
#include "services/symbols/symbols_db.h"
#include "services/symbols/symbols_metrics.h"
#include "services/symbols/symbols_priv.h"

enum {
	FILE_SHARE = 4,	 /* of the bound, that one file may take */
	TRIM_SHARE = 16, /* of the bound, that is removed at once */
	OVER_SHARE = 8,	 /* of the bound, that may be exceeded while another task makes room */
	ROWS_AT_ONCE = 64,
	ROUNDS_MAX = 2000,
	FRESH_MS = 60000, /* what was stored since is not removed */
	SCRATCH_MAX = 64 * 1024,
	MESSAGE_MAX = ROWS_AT_ONCE * (BLOB_NAME_SIZE + 8) + 64
};

int64_t cache_file_max(const struct symbols_settings *s)
{
	int64_t share = s->upstream_cache / FILE_SHARE;

	return s->upstream_max < share ? s->upstream_max : share;
}

/* ---- courier ---- */

/* What the store answers: how much is left, how many rows went, blobs that no row has. */
struct trimmed {
	int64_t bytes;
	uint32_t rows;
	struct slice blobs; /* the rest of the message */
};

static enum err call_store(const struct symbols_state *state, int64_t most_bytes,
    struct arena *arena, struct trimmed *ret, struct err_note *note)
{
	struct buf message = buf_new(64);
	struct slice reply = SLICE_EMPTY;

	wire_put_i64(&message, most_bytes);
	enum err e = message.failed
			 ? ERR_LIMIT
			 : rpc_call(state->env->peer[ROLE_STORE], &symbols_cache_trim,
			       buf_slice(&message), DEADLINE_NONE, 0, arena, &reply, note);
	buf_free(&message);
	if (e == ERR_OK) {
		struct wire_reader r = wire_reader_new(reply);
		ret->bytes = wire_take_i64(&r);
		ret->rows = wire_take_u32(&r);
		ret->blobs = wire_take_bytes(&r);
		CHECK(wire_done(&r));
	}
	return e;
}

/* Empty blobs: only whether any may be removed now. */
static enum err call_files(const struct symbols_state *state, struct slice blobs,
    struct arena *arena, struct err_note *note)
{
	struct buf message = buf_new(MESSAGE_MAX);

	wire_put_bytes(&message, blobs);
	enum err e = message.failed ? ERR_LIMIT
				    : rpc_call(state->env->peer[ROLE_FILES], &symbols_blobs_forget,
					  buf_slice(&message), DEADLINE_NONE, 0, arena, NULL, note);
	buf_free(&message);
	return e;
}

static enum err trim_once(struct symbols_state *state, int64_t most_bytes, uint32_t *ret_rows)
{
	struct arena arena = arena_new(SCRATCH_MAX);
	struct err_note note = { 0 };
	struct trimmed t = { .bytes = 0 };
	enum err e = call_files(state, SLICE_EMPTY, &arena, &note);

	if (e == ERR_OK) {
		e = call_store(state, most_bytes, &arena, &t, &note);
	}
	if (e == ERR_OK) {
		state->cached.bytes = t.bytes;
		*ret_rows = t.rows;
	}
	if (e == ERR_OK && t.blobs.len > 0) {
		e = call_files(state, t.blobs, &arena, &note);
	}
	if (e != ERR_OK && e != ERR_TOO_BUSY) {
		LOG(LOG_WARN, "symbols", "upstream_cache_not_trimmed", LOG_C("err", err_text(e)),
		    LOG_C("detail", note.text));
	}
	arena_reset(&arena);
	return e;
}

/* Down to most_bytes, or to what came just now. */
static enum err trim(struct symbols_state *state, int64_t most_bytes)
{
	uint64_t removed = 0;
	uint32_t rows = 1;
	enum err e = ERR_OK;

	for (unsigned i = 0; e == ERR_OK && rows > 0 && i < ROUNDS_MAX; i++) {
		rows = 0;
		e = trim_once(state, most_bytes, &rows);
		removed += rows;
		if (state->cached.bytes <= most_bytes) {
			break;
		}
	}
	symbols_count_cached(state->env, state->cached.bytes, (int64_t)removed);
	if (removed > 0) {
		LOG(LOG_INFO, "symbols", "upstream_cache_trimmed", LOG_I("files", removed),
		    LOG_I("bytes_left", state->cached.bytes));
	}
	return e;
}

enum err cache_make_room(struct symbols_state *state)
{
	struct cache_bound *c = &state->cached;
	int64_t bound = state->settings.upstream_cache;
	enum err e = ERR_OK;

	if (c->is_counted && c->bytes <= bound) {
		return ERR_OK;
	}
	if (!c->is_busy) {
		c->is_busy = true;
		/* At the first time, perhaps, there is nothing to remove. */
		e = trim(state, c->is_counted ? bound - bound / TRIM_SHARE : bound);
		c->is_counted = c->is_counted || e == ERR_OK;
		c->is_busy = false;
	}
	return c->bytes <= bound + bound / OVER_SHARE ? ERR_OK : ERR_TOO_BUSY;
}

void cache_grew(struct symbols_state *state, int64_t bytes)
{
	state->cached.bytes += bytes;
	symbols_count_cached(state->env, state->cached.bytes, 0);
	if (state->cached.bytes > state->settings.upstream_cache) {
		enum err e = cache_make_room(state);
		(void)e; /* the next fetch tries again */
	}
}

/* ---- store ---- */

static enum err cached_bytes(struct txn *t, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(t->db, SYMBOLS_CACHED_BYTES, &q, note);

	return e == ERR_OK ? sql_finish_number(q, ret) : e;
}

struct trimming {
	struct txn *t;
	int64_t bytes, most_bytes;
	uint32_t rows;
	struct buf *blobs;
	struct arena arena;
	struct symbol_file *list; /* in the arena */
	size_t n;
};

/* Deleting while the rows are read would change what is read. */
static enum err collect(void *arg, const struct symbol_file *f)
{
	struct trimming *w = arg;
	struct symbol_file *to = &w->list[w->n];
	enum err e = arena_copy(&w->arena, f->key.debug_file, &to->key.debug_file);

	e = e == ERR_OK ? arena_copy(&w->arena, f->key.debug_id, &to->key.debug_id) : e;
	e = e == ERR_OK ? arena_copy(&w->arena, f->key.file, &to->key.file) : e;
	e = e == ERR_OK ? arena_copy(&w->arena, f->blob, &to->blob) : e;
	to->is_try = f->is_try;
	to->stored_size = f->stored_size;
	w->n += e == ERR_OK ? 1 : 0;
	return e;
}

static enum err remove_rows(struct trimming *w, struct err_note *note)
{
	enum err e = ERR_OK;

	for (size_t i = 0; e == ERR_OK && i < w->n && w->bytes > w->most_bytes; i++) {
		const struct symbol_file *f = &w->list[i];
		bool is_used = true;
		e = symbol_file_delete(w->t->db, &f->key, f->is_try, note);
		e = e == ERR_OK ? symbol_blob_is_used(w->t->db, f->blob, &is_used, note) : e;
		if (e == ERR_OK && !is_used) {
			wire_put_bytes(w->blobs, f->blob);
		}
		w->bytes -= f->stored_size;
		w->rows++;
	}
	return e;
}

static enum err handle_trim(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct wire_reader r = wire_reader_new(req);
	struct buf blobs = buf_new(MESSAGE_MAX);
	struct trimming w = { .t = role_state,
		.most_bytes = wire_take_i64(&r),
		.blobs = &blobs,
		.arena = arena_new(4 * SCRATCH_MAX) };
	int64_t n = 0;

	(void)info;
	CHECK(wire_done(&r));
	w.list = arena_alloc(&w.arena, ROWS_AT_ONCE * sizeof(*w.list));
	enum err e = w.list == NULL ? ERR_MEMORY : cached_bytes(w.t, &w.bytes, note);
	if (e == ERR_OK && w.bytes > w.most_bytes) {
		e = symbol_file_cached_oldest(
		    w.t->db, w.t->now_ms - FRESH_MS, ROWS_AT_ONCE, collect, &w, &n, note);
		e = e == ERR_OK ? remove_rows(&w, note) : e;
	}
	if (e == ERR_OK) {
		wire_put_i64(reply, w.bytes);
		wire_put_u32(reply, w.rows);
		wire_put_bytes(reply, buf_slice(&blobs));
		e = blobs.failed ? ERR_LIMIT : ERR_OK;
	}
	buf_free(&blobs);
	arena_reset(&w.arena);
	return e;
}

const struct rpc_def symbols_cache_trim = {
	.name = "symbols.cache_trim",
	.from = ROLE_BIT(ROLE_COURIER),
	.to = ROLE_STORE,
	.max_req = 64,
	.max_rep = MESSAGE_MAX + 64,
	.deadline_ms = 60000,
	.cost_us = 5000,
	.flags = RPC_TXN,
	.handle = handle_trim,
};
