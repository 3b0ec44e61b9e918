/*
 * Role: store. Uploads in several requests. What each of them brings is kept as it came, one row a
 * request, and merged when the batch is committed; nobody sees it before. What is left of closed
 * and expired batches is removed by purge.c, unless it is little.
 */
#include "core/base/check.h"
#include "core/base/rng.h"
#include "services/sync/db.h"
#include "services/sync/write_priv.h"

static void bind_batch(struct sql_query *q, const struct sync_write *w, int64_t batch)
{
	sql_bind_i64(q, "uid", w->m->uid);
	sql_bind_i64(q, "batch", batch);
}

enum err sync_batch_find(struct sync_write *w, struct sync_batch *ret)
{
	struct sql_query *q;
	enum err e = sync_begin(w->t->db, SYNC_BATCH_GET, &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	bind_batch(q, w, w->r->batch);
	sql_bind_text(q, "collection", w->r->collection);
	sql_bind_i64(q, "now_ms", w->t->now_ms);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret = (struct sync_batch){ .number = w->r->batch,
			.chunks = sql_col_i64(q, 0),
			.records = sql_col_i64(q, 1),
			.bytes = sql_col_i64(q, 2) };
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err sync_batch_sums(struct sync_write *w, int64_t *ret_n, int64_t *ret_bytes)
{
	struct sql_query *q;
	enum err e = sync_begin(w->t->db, SYNC_BATCH_SUMS, &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", w->m->uid);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_n = sql_col_i64(q, 0);
		*ret_bytes = sql_col_is_null(q, 1) ? 0 : sql_col_i64(q, 1);
	}
	sql_end(q);
	return e;
}

/* Numbers are of chance, so that nobody meets another's batch, nor an old one of his own. */
enum err sync_batch_open(struct sync_write *w, struct sync_batch *ret)
{
	struct sql_query *q;
	enum err e = sync_begin(w->t->db, SYNC_BATCH_OPEN, &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	*ret = (struct sync_batch){ .number = 1 + (int64_t)rng_below(INT64_MAX) };
	bind_batch(q, w, ret->number);
	sql_bind_text(q, "collection", w->r->collection);
	sql_bind_i64(q, "expires_ms", w->t->now_ms + w->r->batch_lifetime_ms);
	return sql_finish(q);
}

static enum err put_chunk(struct sync_write *w, const struct sync_batch *b)
{
	struct sql_query *q;
	enum err e = sync_begin(w->t->db, SYNC_CHUNK_PUT, &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	bind_batch(q, w, b->number);
	sql_bind_i64(q, "chunk", b->chunks);
	sql_bind_blob(q, "records", w->r->records);
	return sql_finish(q);
}

enum err sync_batch_append(struct sync_write *w, struct sync_batch *b, int64_t n, int64_t bytes)
{
	struct sql_query *q = NULL;

	if (n == 0) {
		return ERR_OK;
	}
	b->chunks++;
	b->records += n;
	b->bytes += bytes;
	enum err e = put_chunk(w, b);
	if (e == ERR_OK) {
		e = sync_begin(w->t->db, SYNC_BATCH_GROW, &q, w->note);
	}
	if (e != ERR_OK) {
		return e;
	}
	bind_batch(q, w, b->number);
	sql_bind_i64(q, "chunks", b->chunks);
	sql_bind_i64(q, "records", b->records);
	sql_bind_i64(q, "bytes", b->bytes);
	return sql_finish(q);
}

/* Merges the chunk behind *at. ERR_END: there is none. */
static enum err merge_next(struct sync_write *w, const struct sync_batch *b, int64_t *at)
{
	struct sql_query *q;
	enum err e = sync_begin(w->t->db, SYNC_CHUNK_NEXT, &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	bind_batch(q, w, b->number);
	sql_bind_i64(q, "chunk", *at);
	e = sql_step(q);
	if (e == ERR_OK) {
		*at = sql_col_i64(q, 0);
		e = sync_apply(w, sql_col_blob(q, 1), true);
	}
	sql_end(q);
	return e;
}

static enum err run_on_batch(
    struct sync_write *w, enum sync_stmt stmt, int64_t batch, const int64_t *most)
{
	struct sql_query *q;
	enum err e = sync_begin(w->t->db, stmt, &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	bind_batch(q, w, batch);
	if (most != NULL) {
		sql_bind_i64(q, "most", *most);
	}
	return sql_finish(q);
}

enum err sync_batch_commit(struct sync_write *w, const struct sync_batch *b)
{
	const int64_t all = SYNC_SWEPT_AT_ONCE;
	int64_t at = 0;
	enum err e = ERR_OK;

	while (e == ERR_OK) {
		e = merge_next(w, b, &at);
	}
	if (e != ERR_END) {
		return e;
	}
	if (b->chunks > SYNC_SWEPT_AT_ONCE) {
		return run_on_batch(w, SYNC_BATCH_CLOSE, b->number, NULL);
	}
	e = run_on_batch(w, SYNC_CHUNK_SWEEP, b->number, &all);
	return e == ERR_OK ? run_on_batch(w, SYNC_BATCH_DONE, b->number, NULL) : e;
}

enum err sync_batch_drop(struct sync_write *w, bool all)
{
	struct sql_query *q;
	enum err e =
	    sync_begin(w->t->db, all ? SYNC_BATCH_CLOSE_STORE : SYNC_BATCH_CLOSE_ALL, &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", w->m->uid);
	if (!all) {
		sql_bind_text(q, "collection", w->r->collection);
	}
	return sql_finish(q);
}
