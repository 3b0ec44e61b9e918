/*
 * See purge.h. Every step is a transaction of its own with a bounded number of rows.
 */
#include "services/sync/purge.h"

#include "core/store/store.h"
#include "services/sync/bso_record.h"
#include "services/sync/db.h"
#include "services/sync/meta.h"
#include "services/sync/sync_gone.h"

enum {
	CHUNKS = 4 /* of one step; each may be of megabytes */
};

/* What a step works with. */
struct step {
	struct sql_db *db;
	struct arena *arena;
	int64_t now_ms, grace_ms, most;
	struct sync_purged *done;
	struct err_note *note;
};

/* ---- deleted collections ---- */

static enum err run_on_garbage(
    struct step *p, enum sync_stmt stmt, int64_t uid, int64_t collection, bool has_most)
{
	struct sql_query *q;
	enum err e = sync_begin(p->db, stmt, &q, p->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", uid);
	sql_bind_i64(q, "collection", collection);
	if (has_most) {
		sql_bind_i64(q, "most", p->most);
	}
	return sql_finish(q);
}

/* ERR_END: there is none. */
static enum err find_garbage(struct step *p, int64_t *ret_uid, int64_t *ret_collection)
{
	struct sql_query *q;
	enum err e = sync_begin(p->db, SYNC_GARBAGE_ANY, &q, p->note);

	if (e != ERR_OK) {
		return e;
	}
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_uid = sql_col_i64(q, 0);
		*ret_collection = sql_col_i64(q, 1);
	}
	sql_end(q);
	return e;
}

static enum err sweep_collection(struct step *p)
{
	int64_t uid = 0, collection = 0;
	enum err e = find_garbage(p, &uid, &collection);

	if (e != ERR_OK) {
		return e;
	}
	e = run_on_garbage(p, SYNC_GARBAGE_SWEEP, uid, collection, true);
	p->done->rows = e == ERR_OK ? sql_changes(p->db) : 0;
	if (e == ERR_OK && p->done->rows < p->most) {
		e = run_on_garbage(p, SYNC_GARBAGE_DONE, uid, collection, false);
	}
	return e;
}

/* ---- batches ---- */

/* ERR_END: none is due. */
static enum err find_batch(struct step *p, int64_t *ret_uid, int64_t *ret_batch)
{
	struct sql_query *q;
	enum err e = sync_begin(p->db, SYNC_BATCH_DUE, &q, p->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "now_ms", p->now_ms);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_uid = sql_col_i64(q, 0);
		*ret_batch = sql_col_i64(q, 1);
	}
	sql_end(q);
	return e;
}

static enum err sweep_batch(struct step *p)
{
	int64_t uid = 0, batch = 0;
	struct sql_query *q = NULL;
	enum err e = find_batch(p, &uid, &batch);

	if (e == ERR_OK) {
		e = sync_begin(p->db, SYNC_CHUNK_SWEEP, &q, p->note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", uid);
	sql_bind_i64(q, "batch", batch);
	sql_bind_i64(q, "most", CHUNKS);
	e = sql_finish(q);
	p->done->rows = e == ERR_OK ? sql_changes(p->db) : 0;
	if (e == ERR_OK && p->done->rows < CHUNKS) {
		e = sync_begin(p->db, SYNC_BATCH_DONE, &q, p->note);
		if (e == ERR_OK) {
			sql_bind_i64(q, "uid", uid);
			sql_bind_i64(q, "batch", batch);
			e = sql_finish(q);
		}
	}
	return e;
}

/* ---- expired records ---- */

struct dead {
	int64_t collection, bytes;
	struct slice id;
};

/* ERR_END: no user is due. */
static enum err find_due(struct step *p, int64_t *ret_uid)
{
	struct sql_query *q;
	enum err e = sync_begin(p->db, SYNC_META_DUE, &q, p->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "expiry_ms", p->now_ms - p->grace_ms);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_uid = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e;
}

static enum err list_dead(struct step *p, int64_t uid, struct dead *list, int64_t *ret_n)
{
	struct sql_query *q;
	enum err e = sync_begin(p->db, SYNC_EXPIRED, &q, p->note);

	*ret_n = 0;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", uid);
	sql_bind_i64(q, "now_ms", p->now_ms);
	sql_bind_i64(q, "most", p->most);
	while (*ret_n < p->most && (e = sql_step(q)) == ERR_OK) {
		struct dead *d = &list[(*ret_n)++];
		d->collection = sql_col_i64(q, 0);
		d->bytes = sql_col_i64(q, 2);
		e = arena_copy(p->arena, sql_col_text(q, 1), &d->id);
		if (e != ERR_OK) {
			break;
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* Rows of deleted collections count nowhere. */
static enum err bury(struct step *p, struct sync_meta *m, const struct dead *d)
{
	struct sync_collection *c = sync_meta_by_number(m, d->collection);
	struct sql_query *q;
	enum err e = sync_begin(p->db, SYNC_BSO_DELETE, &q, p->note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", m->uid);
	sql_bind_i64(q, "collection", d->collection);
	sql_bind_text(q, "id", d->id);
	if (c != NULL) {
		c->count--;
		c->bytes -= d->bytes;
	}
	return sql_finish(q);
}

/* When the next record of the user expires; 0: none does. */
static enum err next_expiry(struct step *p, int64_t uid, int64_t *ret_ms)
{
	struct sql_query *q;
	enum err e = sync_begin(p->db, SYNC_EXPIRY_NEXT, &q, p->note);

	*ret_ms = 0;
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", uid);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_ms = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err sweep_expired(struct step *p)
{
	int64_t uid = 0, n = 0;
	struct dead *list = arena_alloc(p->arena, (size_t)p->most * sizeof(*list));
	enum err e = find_due(p, &uid);

	if (e != ERR_OK) {
		return e;
	}
	struct sync_meta *m = sync_meta_new(p->arena, uid);
	if (list == NULL || m == NULL) {
		return ERR_MEMORY;
	}
	e = sync_meta_load(p->db, m, true, p->note);
	if (e == ERR_OK) {
		e = list_dead(p, uid, list, &n);
	}
	for (int64_t i = 0; e == ERR_OK && i < n; i++) {
		e = bury(p, m, &list[i]);
	}
	if (e == ERR_OK) {
		e = next_expiry(p, uid, &m->expiry_ms);
	}
	p->done->rows = n;
	return e == ERR_OK ? sync_meta_save(p->db, m, p->note) : e;
}

/* ---- steps ---- */

enum err sync_purge_step(struct sql_db *db, struct arena *arena, int64_t now_ms, int64_t grace_ms,
    int64_t most, struct sync_purged *ret, struct err_note *note)
{
	struct step p = { .db = db,
		.arena = arena,
		.now_ms = now_ms,
		.grace_ms = grace_ms,
		.most = most,
		.done = ret,
		.note = note };

	*ret = (struct sync_purged){ .rows = 0, .has_more = true };
	enum err e = sweep_collection(&p);
	if (e == ERR_END) {
		e = sweep_batch(&p);
	}
	if (e == ERR_END) {
		e = sweep_expired(&p);
	}
	if (e == ERR_END) {
		struct txn t = { .db = db, .arena = arena, .now_ms = now_ms };
		e = sync_gone_step(&t, &ret->rows, note);
	}
	if (e == ERR_END) {
		ret->has_more = false;
		e = ERR_OK;
	}
	return e;
}
