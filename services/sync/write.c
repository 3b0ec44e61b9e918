/*
 * Role: store. The transaction function sync.write.
 */
#include "services/sync/write.h"

#include "core/base/check.h"
#include "services/sync/db.h"
#include "services/sync/bso_record.h"
#include "services/sync/stamp.h"
#include "services/sync/write_priv.h"

void sync_write_stamp(struct sync_write *w)
{
	w->m->last_ms = sync_next_stamp_ms(w->t->now_ms, w->m->last_ms);
	w->w.stamp_ms = w->m->last_ms;
}

void sync_records_sum(struct slice records, int64_t *ret_n, int64_t *ret_bytes)
{
	struct wire_reader reader = wire_reader_new(records);
	struct sync_record r;

	*ret_n = *ret_bytes = 0;
	while (sync_record_take(&reader, &r)) {
		*ret_n += 1;
		*ret_bytes += (int64_t)r.payload.len;
	}
	CHECK(!reader.bad);
}

enum err sync_write_refuse(struct sync_write *w, enum sync_outcome outcome)
{
	w->w.outcome = outcome;
	return ERR_OK;
}

enum err sync_write_finish(struct sync_write *w)
{
	w->c->modified_ms = w->m->storage_ms = w->w.modified_ms = w->w.stamp_ms;
	return sync_meta_save(w->t->db, w->m, w->note);
}

/* ---- putting ---- */

/* Over the quota with so many bytes more? */
static bool is_over_quota(struct sync_write *w, int64_t bytes, int64_t in_batches)
{
	int64_t used = sync_meta_bytes(w->m) + in_batches;

	if (w->r->quota_bytes == 0) {
		return false;
	}
	w->w.quota_left = w->r->quota_bytes - used - bytes;
	return w->w.quota_left < 0;
}

/* w->c is there afterwards, unless refused. */
static bool make_collection(struct sync_write *w)
{
	if (w->c == NULL) {
		w->c = sync_meta_add(w->m, w->r->collection);
	}
	return w->c != NULL;
}

static enum err put(struct sync_write *w)
{
	int64_t n, bytes;

	sync_records_sum(w->r->records, &n, &bytes);
	if (is_over_quota(w, bytes, 0)) {
		return sync_write_refuse(w, SYNC_OVER_QUOTA);
	}
	if (!make_collection(w)) {
		return sync_write_refuse(w, SYNC_TOO_MANY_COLLECTIONS);
	}
	sync_write_stamp(w);
	enum err e = sync_apply(w, w->r->records, false);
	return e == ERR_OK ? sync_write_finish(w) : e;
}

/* What the whole batch would be with these records. */
static bool is_too_large(
    const struct sync_write *w, const struct sync_batch *b, int64_t n, int64_t bytes)
{
	return b->records + n > w->r->max_total_records || b->bytes + bytes > w->r->max_total_bytes;
}

static enum err append(struct sync_write *w)
{
	struct sync_batch b = { .number = 0 };
	int64_t n, bytes, batches = 0, in_batches = 0;
	enum err e = w->r->batch == 0 ? ERR_OK : sync_batch_find(w, &b);

	if (e == ERR_NOT_FOUND) {
		return sync_write_refuse(w, SYNC_NO_BATCH);
	}
	if (e == ERR_OK) {
		e = sync_batch_sums(w, &batches, &in_batches);
	}
	if (e != ERR_OK) {
		return e;
	}
	sync_records_sum(w->r->records, &n, &bytes);
	if (is_too_large(w, &b, n, bytes)) {
		return sync_write_refuse(w, SYNC_TOO_LARGE);
	}
	if (is_over_quota(w, bytes, in_batches)) {
		return sync_write_refuse(w, SYNC_OVER_QUOTA);
	}
	if (w->r->batch == 0 && batches >= SYNC_BATCHES_MAX) {
		return sync_write_refuse(w, SYNC_TOO_MANY_BATCHES);
	}
	if (w->r->batch == 0) {
		e = sync_batch_open(w, &b);
	}
	w->w.batch = b.number;
	return e == ERR_OK ? sync_batch_append(w, &b, n, bytes) : e;
}

static enum err commit(struct sync_write *w)
{
	struct sync_batch b = { .number = 0 };
	int64_t n, bytes;
	enum err e = sync_batch_find(w, &b);

	if (e == ERR_NOT_FOUND) {
		return sync_write_refuse(w, SYNC_NO_BATCH);
	}
	if (e != ERR_OK) {
		return e;
	}
	sync_records_sum(w->r->records, &n, &bytes);
	if (is_too_large(w, &b, n, bytes)) {
		return sync_write_refuse(w, SYNC_TOO_LARGE);
	}
	if (is_over_quota(w, b.bytes + bytes, 0)) {
		return sync_write_refuse(w, SYNC_OVER_QUOTA);
	}
	if (!make_collection(w)) {
		return sync_write_refuse(w, SYNC_TOO_MANY_COLLECTIONS);
	}
	sync_write_stamp(w);
	e = sync_batch_commit(w, &b);
	if (e == ERR_OK) {
		e = sync_apply(w, w->r->records, true);
	}
	return e == ERR_OK ? sync_write_finish(w) : e;
}

static enum err (*const kinds[SYNC_WRITE_KINDS])(struct sync_write *w) = {
	[SYNC_WRITE_PUT] = put,
	[SYNC_WRITE_APPEND] = append,
	[SYNC_WRITE_COMMIT] = commit,
	[SYNC_WRITE_DELETE_ITEM] = sync_write_delete_item,
	[SYNC_WRITE_DELETE_IDS] = sync_write_delete_ids,
	[SYNC_WRITE_DELETE_COLLECTION] = sync_write_delete_collection,
	[SYNC_WRITE_DELETE_ALL] = sync_write_delete_all,
};

/* ---- the function ---- */

/* The time that the precondition is about. */
static enum err resource_time(struct sync_write *w, int64_t *ret_ms)
{
	if (w->r->kind == SYNC_WRITE_DELETE_ALL) {
		*ret_ms = w->m->storage_ms;
		return ERR_OK;
	}
	if (w->r->item.len > 0) {
		return sync_item_time(w, w->r->item, ret_ms);
	}
	*ret_ms = w->c == NULL ? 0 : w->c->modified_ms;
	return ERR_OK;
}

static enum err run(struct sync_write *w)
{
	enum err e = sync_meta_load(w->t->db, w->m, true, w->note);

	if (e != ERR_OK) {
		return e;
	}
	w->c = sync_meta_find(w->m, w->r->collection);
	w->w.quota_left = w->r->quota_bytes - sync_meta_bytes(w->m);
	if (w->r->has_since || w->r->kind == SYNC_WRITE_APPEND) {
		e = resource_time(w, &w->w.modified_ms);
	}
	if (e == ERR_OK && w->r->has_since && w->w.modified_ms > w->r->since_ms) {
		return sync_write_refuse(w, SYNC_MODIFIED);
	}
	return e == ERR_OK ? kinds[w->r->kind](w) : e;
}

static enum err handle_write(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct sync_write_req r;
	struct sync_write w = { .t = role_state, .r = &r, .note = note };

	(void)info;
	CHECK(sync_write_req_take(req, &r));
	w.m = sync_meta_new(w.t->arena, r.uid);
	if (w.m == NULL) {
		return ERR_MEMORY;
	}
	enum err e = run(&w);
	sync_written_put(reply, &w.w);
	return e;
}

/* Not idempotent: a second run has another time, and its precondition may not hold. */
const struct rpc_def sync_write = {
	.name = "sync.write",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = SYNC_MESSAGE_MAX,
	.max_rep = 64,
	.deadline_ms = 60000,
	.cost_us = 300,
	.flags = RPC_TXN,
	.handle = handle_write,
};
