/*
 * Role: store. Records put into a collection and taken out of it, with the totals kept right.
 *
 * Rows that have expired are dead: a write on one makes it afresh. They still count in the totals
 * until they are removed, as everything that lies in the table does.
 */
#include "core/base/check.h"
#include "services/sync/db.h"
#include "services/sync/bso_record.h"
#include "services/sync/write_priv.h"

/* A row as it is, or as it is to be. */
struct bso {
	bool is_there, is_live, has_sortindex;
	int64_t modified_ms, expires_ms, sortindex, bytes;
};

static void bind_key(struct sql_query *q, const struct sync_write *w, struct slice id)
{
	sql_bind_i64(q, "uid", w->m->uid);
	sql_bind_i64(q, "collection", w->c->number);
	sql_bind_text(q, "id", id);
}

static enum err find(struct sync_write *w, struct slice id, struct bso *ret)
{
	struct sql_query *q;
	enum err e = sync_begin(w->t->db, SYNC_BSO_STATE, &q, w->note);

	*ret = (struct bso){ .is_there = false };
	if (e != ERR_OK) {
		return e;
	}
	bind_key(q, w, id);
	e = sql_step(q);
	if (e == ERR_OK) {
		ret->is_there = true;
		ret->modified_ms = sql_col_i64(q, 0);
		ret->expires_ms = sql_col_i64(q, 1);
		ret->has_sortindex = !sql_col_is_null(q, 2);
		ret->sortindex = ret->has_sortindex ? sql_col_i64(q, 2) : 0;
		ret->bytes = sql_col_i64(q, 3);
		/* What this very write has put (a batch may say more of it) is not dead yet. */
		ret->is_live = ret->expires_ms == 0 || ret->expires_ms > w->t->now_ms ||
			       ret->modified_ms == w->w.stamp_ms;
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err save(
    struct sync_write *w, const struct sync_record *r, const struct bso *b, bool with_payload)
{
	struct sql_query *q;
	enum err e =
	    sync_begin(w->t->db, with_payload ? SYNC_BSO_PUT : SYNC_BSO_TOUCH, &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	bind_key(q, w, r->id);
	sql_bind_i64(q, "modified_ms", b->modified_ms);
	sql_bind_i64(q, "expires_ms", b->expires_ms);
	if (b->has_sortindex) {
		sql_bind_i64(q, "sortindex", b->sortindex);
	} else {
		sql_bind_null(q, "sortindex");
	}
	if (with_payload) {
		sql_bind_blob(q, "payload", r->payload);
	}
	return sql_finish(q);
}

static void bind_text(struct sql_query *q, const char *name, struct slice text, bool is_there)
{
	if (is_there) {
		sql_bind_text(q, name, text);
	} else {
		sql_bind_null(q, name);
	}
}

/* Of the old protocol: what is not said stays, unless the row was made afresh. */
static enum err save_parents(struct sync_write *w, const struct sync_record *r, bool is_fresh)
{
	struct sql_query *q;
	enum err e = sync_begin(w->t->db, SYNC_BSO_PARENTS, &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	bind_key(q, w, r->id);
	sql_bind_i64(q, "keep_parent", !r->has_parentid && !is_fresh);
	sql_bind_i64(q, "keep_predecessor", !r->has_predecessorid && !is_fresh);
	bind_text(q, "parentid", r->parentid, r->has_parentid);
	bind_text(q, "predecessorid", r->predecessorid, r->has_predecessorid);
	return sql_finish(q);
}

static enum err put(struct sync_write *w, const struct sync_record *r, bool is_batch, bool is_new)
{
	struct bso old = { .is_there = false };
	enum err e = is_new ? ERR_OK : find(w, r->id, &old);
	bool with_payload = r->has_payload || !old.is_live;

	if (e != ERR_OK) {
		return e;
	}
	struct bso b = old.is_live ? old : (struct bso){ .is_there = false };
	bool is_changed = r->has_payload || (r->has_sortindex && !w->r->is_weave);
	if (!old.is_live || is_batch || is_changed) {
		b.modified_ms = w->w.stamp_ms;
	}
	if (r->has_sortindex) {
		b.has_sortindex = true;
		b.sortindex = r->sortindex;
	}
	if (r->has_ttl) {
		b.expires_ms = w->t->now_ms + r->ttl_s * 1000;
		if (w->m->expiry_ms == 0 || b.expires_ms < w->m->expiry_ms) {
			w->m->expiry_ms = b.expires_ms;
		}
	}
	if (with_payload) {
		w->c->bytes += (int64_t)r->payload.len - old.bytes;
	}
	w->c->count += old.is_there ? 0 : 1;
	e = save(w, r, &b, with_payload);
	bool is_revived = w->r->is_weave && old.is_there && !old.is_live;
	return e == ERR_OK && (r->has_parentid || r->has_predecessorid || is_revived)
		   ? save_parents(w, r, !old.is_live)
		   : e;
}

enum err sync_apply(struct sync_write *w, struct slice records, bool is_batch)
{
	struct wire_reader reader = wire_reader_new(records);
	struct sync_record r;
	enum err e = ERR_OK;
	/* Ids of a request of 1.5 differ, so into an empty collection all of them are new. */
	bool is_new = w->c->count == 0 && !w->r->is_weave;

	while (e == ERR_OK && sync_record_take(&reader, &r)) {
		e = put(w, &r, is_batch, is_new);
	}
	CHECK(!reader.bad);
	return e;
}

enum err sync_apply_delete(struct sync_write *w, struct slice id, bool *ret_found)
{
	struct bso old;
	struct sql_query *q;
	enum err e = find(w, id, &old);

	*ret_found = false;
	if (e != ERR_OK || !old.is_there) {
		return e;
	}
	*ret_found = old.is_live;
	e = sync_begin(w->t->db, SYNC_BSO_DELETE, &q, w->note);
	if (e == ERR_OK) {
		bind_key(q, w, id);
		e = sql_finish(q);
		w->c->count--;
		w->c->bytes -= old.bytes;
	}
	return e;
}

enum err sync_item_time(struct sync_write *w, struct slice id, int64_t *ret_ms)
{
	struct bso b = { .is_there = false };
	enum err e = w->c == NULL ? ERR_OK : find(w, id, &b);

	*ret_ms = b.is_live ? b.modified_ms : 0;
	return e;
}
