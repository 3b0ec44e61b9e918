/*
 * DELETE of a record, of some, of a collection, of everything.
 */
#include "services/sync/change.h"
#include "services/sync/params.h"
#include "services/sync/bso_record.h"
#include "services/sync/sync_priv.h"

static enum err run(struct sync_call *s, const struct sync_write_req *r, const char *body)
{
	struct sync_written w;
	bool done = false;
	enum err e = sync_change_run(s, r, &w, &done);

	if (e != ERR_OK || !done) {
		return e;
	}
	if (body == NULL) {
		sync_change_reply(s, &w);
	} else {
		sync_add_quota(s, &w);
		sync_reply(s, 200, slice_str(body), w.modified_ms);
	}
	return ERR_OK;
}

enum err sync_delete_item(struct op_call *c)
{
	struct sync_call s;

	if (!sync_call_begin(c, SYNC_BODY_NONE, &s)) {
		return ERR_OK;
	}
	struct sync_write_req r = sync_change_new(&s, SYNC_WRITE_DELETE_ITEM);
	return run(&s, &r, NULL);
}

enum err sync_delete_list(struct op_call *c)
{
	struct sync_call s;
	struct sync_ids ids = { .n = 0 };
	bool some = false;

	if (!sync_call_begin(c, SYNC_BODY_NONE, &s)) {
		return ERR_OK;
	}
	if (!sync_ids_take(c, &ids, &some)) {
		sync_refuse(c, 400, SYNC_CODE_OTHER);
		return ERR_OK;
	}
	struct sync_write_req r =
	    sync_change_new(&s, some ? SYNC_WRITE_DELETE_IDS : SYNC_WRITE_DELETE_COLLECTION);
	struct buf *records =
	    arena_buf(c->arena, SYNC_IDS_MAX * (SYNC_ID_MAX + SYNC_RECORD_OVERHEAD));
	if (records == NULL) {
		return ERR_MEMORY;
	}
	for (unsigned i = 0; i < ids.n; i++) {
		sync_record_put(records, &(struct sync_record){ .id = ids.list[i] });
	}
	r.records = buf_slice(records);
	return run(&s, &r, NULL);
}

enum err sync_delete_all(struct op_call *c)
{
	struct sync_call s;

	if (!sync_call_begin(c, SYNC_BODY_NONE, &s)) {
		return ERR_OK;
	}
	struct sync_write_req r = sync_change_new(&s, SYNC_WRITE_DELETE_ALL);
	return run(&s, &r, "{}");
}
