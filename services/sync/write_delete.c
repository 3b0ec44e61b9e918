/*
 * The kinds of sync.write that delete.
 */
#include "core/base/check.h"
#include "services/sync/bso_record.h"
#include "services/sync/db.h"
#include "services/sync/write_priv.h"

enum err sync_write_delete_item(struct sync_write *w)
{
	bool found = false;
	enum err e = w->c == NULL ? ERR_OK : sync_apply_delete(w, w->r->item, &found);

	if (e == ERR_OK && !found) {
		/* A dead row may be gone now: the totals are to be written all the same. */
		e = w->c == NULL ? ERR_OK : sync_meta_save(w->t->db, w->m, w->note);
		return e == ERR_OK ? sync_write_refuse(w, SYNC_NOT_THERE) : e;
	}
	if (e == ERR_OK) {
		sync_write_stamp(w);
		e = sync_write_finish(w);
	}
	return e;
}

enum err sync_write_delete_ids(struct sync_write *w)
{
	struct wire_reader reader = wire_reader_new(w->r->records);
	struct sync_record r;
	bool found;
	enum err e = ERR_OK;

	if (w->c == NULL) {
		w->w.modified_ms = w->m->storage_ms;
		return ERR_OK;
	}
	while (e == ERR_OK && sync_record_take(&reader, &r)) {
		e = sync_apply_delete(w, r.id, &found);
	}
	CHECK(!reader.bad);
	if (e == ERR_OK) {
		sync_write_stamp(w);
		e = sync_write_finish(w);
	}
	return e;
}

/* The records stay until they are swept up; nothing leads to them any more. */
static enum err forget(struct sync_write *w, const struct sync_collection *c)
{
	struct sql_query *q = NULL;
	enum err e = c->count == 0 ? ERR_END : sync_begin(w->t->db, SYNC_GARBAGE_PUT, &q, w->note);

	if (e != ERR_OK) {
		return e == ERR_END ? ERR_OK : e;
	}
	sql_bind_i64(q, "uid", w->m->uid);
	sql_bind_i64(q, "collection", c->number);
	return sql_finish(q);
}

enum err sync_write_delete_collection(struct sync_write *w)
{
	enum err e = sync_batch_drop(w, false);

	if (e != ERR_OK || w->c == NULL) {
		w->w.modified_ms = w->m->storage_ms;
		return e;
	}
	e = forget(w, w->c);
	sync_meta_remove(w->m, w->c);
	sync_write_stamp(w);
	w->m->storage_ms = w->w.modified_ms = w->w.stamp_ms;
	return e == ERR_OK ? sync_meta_save(w->t->db, w->m, w->note) : e;
}

/* As if nothing had ever been there, but that later stamps still rise. */
enum err sync_write_delete_all(struct sync_write *w)
{
	enum err e = sync_batch_drop(w, true);

	for (unsigned i = 0; e == ERR_OK && i < w->m->n; i++) {
		e = forget(w, &w->m->list[i]);
	}
	sync_write_stamp(w);
	w->w.modified_ms = w->w.stamp_ms;
	w->m->n = 0;
	w->m->storage_ms = 0;
	return e == ERR_OK ? sync_meta_save(w->t->db, w->m, w->note) : e;
}
