/*
 * See sync_gone.h. What is large goes the way of deleted collections (purge.c): forgotten here,
 * swept up by the steps after this one. The row of the user is the last, when nothing refers to it.
 */
#include "services/sync/sync_gone.h"

#include "accounts/gone.h"
#include "accounts/token_user.h"
#include "core/rpc/rpc.h"
#include "services/sync/db.h"
#include "services/sync/meta.h"
#include "services/sync/write.h"

enum {
	MESSAGE_MAX = 512
};

/* ---- what others use ---- */

enum err sync_gone_erase(struct txn *t, int64_t uid, struct err_note *note)
{
	const struct rpc_call_info info = { .from = ROLE_WEB };
	struct buf message = buf_new(MESSAGE_MAX), reply = buf_new(64);

	sync_write_req_put(&message, &(struct sync_write_req){ .kind = SYNC_WRITE_DELETE_ALL,
					 .uid = uid,
					 .collection = SLICE_EMPTY,
					 .item = SLICE_EMPTY,
					 .records = SLICE_EMPTY });
	enum err e = message.failed
			 ? ERR_LIMIT
			 : sync_write.handle(t, &info, buf_slice(&message), &reply, note);
	buf_free(&message);
	buf_free(&reply);
	return e;
}

enum err sync_gone_retire(struct txn *t, int64_t uid, struct err_note *note)
{
	struct slice fxa_uid = SLICE_EMPTY;
	enum err e = token_user_of_uid(t->db, t->arena, uid, &fxa_uid, note);

	if (e == ERR_NOT_FOUND) {
		return ERR_OK;
	}
	return e == ERR_OK ? token_user_retire(t, fxa_uid, note) : e;
}

/* ---- names of the old protocol ---- */

/* ERR_END: the account has none. */
static enum err find_name(
    struct txn *t, int64_t account_id, int64_t *ret_uid, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sync_begin(t->db, SYNC_WEAVE_USER_OF, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_uid = sql_col_i64(q, 1);
	}
	sql_end(q);
	return e;
}

static enum err forget_name(
    struct txn *t, int64_t account_id, int64_t *ret_rows, struct err_note *note)
{
	struct sql_query *q = NULL;
	int64_t uid = 0;
	enum err e = find_name(t, account_id, &uid, note);

	if (e == ERR_OK) {
		e = sync_gone_retire(t, uid, note);
	}
	if (e == ERR_OK) {
		e = sync_begin(t->db, SYNC_WEAVE_USER_DELETE_OF, &q, note);
	}
	if (e == ERR_OK) {
		sql_bind_i64(q, "account_id", account_id);
		e = sql_finish(q);
		*ret_rows = 1;
	}
	return e == ERR_END ? ERR_OK : e;
}

/* ERR_END: no account has gone. */
static enum err settle_account(struct txn *t, int64_t *ret_rows, struct err_note *note)
{
	int64_t id = 0;
	enum err e = account_gone_next(t->db, &id, note);

	if (e == ERR_OK) {
		e = forget_name(t, id, ret_rows, note);
	}
	return e == ERR_OK ? account_gone_done(t, id, note) : e;
}

/* ---- stores ---- */

static enum err count_batches(struct txn *t, int64_t uid, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sync_begin(t->db, SYNC_BATCH_SUMS, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", uid);
	e = sql_step(q);
	*ret = e == ERR_OK ? sql_col_i64(q, 0) : 0;
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* Is anything there but the row? What is garbage has been swept up before this step came. */
static enum err holds_something(
    struct txn *t, int64_t uid, bool *ret_row, bool *ret, struct err_note *note)
{
	struct sync_meta *m = sync_meta_new(t->arena, uid);
	int64_t batches = 0;
	enum err e = m == NULL ? ERR_MEMORY : sync_meta_load(t->db, m, true, note);

	if (e == ERR_OK) {
		e = count_batches(t, uid, &batches, note);
	}
	if (e == ERR_OK) {
		*ret_row = m->is_there;
		*ret = m->n > 0 || batches > 0;
	}
	return e;
}

static enum err remove_row(struct txn *t, int64_t uid, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sync_begin(t->db, SYNC_META_DELETE, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", uid);
	return sql_finish(q);
}

/* ERR_END: none is due. */
static enum err settle_store(struct txn *t, int64_t *ret_rows, struct err_note *note)
{
	int64_t uid = 0, due_ms = 0;
	bool has_row = false, holds = false;
	enum err e = store_gone_next(t->db, t->now_ms, &uid, &due_ms, note);

	if (e == ERR_OK) {
		e = holds_something(t, uid, &has_row, &holds, note);
	}
	if (e == ERR_OK && holds) {
		e = sync_gone_erase(t, uid, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (due_ms == 0) {
		return store_gone_later(t, uid, t->now_ms + SYNC_GONE_AGAIN_MS, note);
	}
	if (holds) {
		return ERR_OK; /* and once more, when that is swept up */
	}
	*ret_rows = has_row ? 1 : 0;
	e = remove_row(t, uid, note);
	return e == ERR_OK ? store_gone_done(t, uid, note) : e;
}

enum err sync_gone_step(struct txn *t, int64_t *ret_rows, struct err_note *note)
{
	*ret_rows = 0;
	enum err e = settle_account(t, ret_rows, note);

	return e == ERR_END ? settle_store(t, ret_rows, note) : e;
}
