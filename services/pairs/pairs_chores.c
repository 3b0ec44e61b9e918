/*
 * Role: store; and the messages. See pairs_chores.h.
 */
#include "services/pairs/pairs_chores.h"

#include "core/base/check.h"
#include "core/base/wire.h"
#include "core/store/store.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_media.h"

/* Requests that were admitted before a couple's end may still be reading what it had. */
static const int64_t grace_ms = 1000;

/* ---- messages ---- */

void pairs_lease_put(struct buf *out, int64_t lease, int64_t lease_ms)
{
	wire_put_i64(out, lease);
	wire_put_i64(out, lease_ms);
}

bool pairs_lease_take(struct slice message, struct pairs_picture_job *ret)
{
	struct wire_reader r = wire_reader_new(message);

	*ret = (struct pairs_picture_job){ .is_there = wire_take_u8(&r) != 0 };
	ret->owner = wire_take_i64(&r);
	ret->id = wire_take_i64(&r);
	ret->lease = wire_take_i64(&r);
	ret->use = wire_take_u8(&r) == PICTURE_AVATAR ? PICTURE_AVATAR : PICTURE_PHOTO;
	ret->tries = wire_take_i64(&r);
	ret->crashes = wire_take_i64(&r);
	return wire_done(&r);
}

static void put_job(struct buf *out, const struct pairs_picture_job *j)
{
	wire_put_u8(out, j->is_there ? 1 : 0);
	wire_put_i64(out, j->owner);
	wire_put_i64(out, j->id);
	wire_put_i64(out, j->lease);
	wire_put_u8(out, (uint8_t)j->use);
	wire_put_i64(out, j->tries);
	wire_put_i64(out, j->crashes);
}

void pairs_clean_put(struct buf *out, const struct pairs_clean_list *list)
{
	wire_put_u8(out, list->more ? 1 : 0);
	wire_put_u32(out, list->n);
	for (uint32_t i = 0; i < list->n; i++) {
		wire_put_i64(out, list->pictures[i].owner);
		wire_put_i64(out, list->pictures[i].id);
		wire_put_u8(out, (uint8_t)list->pictures[i].use);
	}
}

bool pairs_clean_take(struct slice message, struct pairs_clean_list *ret)
{
	struct wire_reader r = wire_reader_new(message);

	ret->more = wire_take_u8(&r) != 0;
	ret->n = wire_take_u32(&r);
	for (uint32_t i = 0; i < ret->n && i < PAIRS_CLEAN_MAX; i++) {
		ret->pictures[i].owner = wire_take_i64(&r);
		ret->pictures[i].id = wire_take_i64(&r);
		ret->pictures[i].use =
		    wire_take_u8(&r) == PICTURE_AVATAR ? PICTURE_AVATAR : PICTURE_PHOTO;
	}
	return wire_done(&r) && ret->n <= PAIRS_CLEAN_MAX;
}

/* ---- leasing ---- */

static enum err find_due(struct txn *t, struct pairs_picture_job *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_find(
	    t->db, PAIRS_PICTURE_DUE, PAIRS_VALUES(PAIRS_N("now_ms", t->now_ms)), &q, note);

	if (e == ERR_OK) {
		ret->is_there = true;
		ret->owner = sql_col_i64(q, 0);
		ret->id = sql_col_i64(q, 1);
		ret->use = sql_col_i64(q, 2) == PICTURE_AVATAR ? PICTURE_AVATAR : PICTURE_PHOTO;
		ret->tries = sql_col_i64(q, 3);
		ret->crashes = sql_col_i64(q, 4);
		sql_end(q);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err handle_lease(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	struct pairs_picture_job job = { .is_there = false };
	int64_t lease = wire_take_i64(&r), lease_ms = wire_take_i64(&r);

	(void)info;
	CHECK(wire_done(&r) && lease != 0);
	enum err e = find_due(t, &job, note);
	if (e == ERR_OK && job.is_there) {
		job.lease = lease;
		e = pairs_run(t->db, PAIRS_PICTURE_LEASE,
		    PAIRS_VALUES(PAIRS_N("lease", lease), PAIRS_N("due_ms", t->now_ms + lease_ms),
			PAIRS_N("owner_id", job.owner), PAIRS_N("id", job.id)),
		    note);
	}
	if (e == ERR_OK) {
		put_job(reply, &job);
	}
	return e;
}

/* ---- removing ---- */

static enum err delete_confirmed(
    struct txn *t, const struct pairs_clean_list *list, struct err_note *note)
{
	enum err e = ERR_OK;

	for (uint32_t i = 0; e == ERR_OK && i < list->n; i++) {
		e = pairs_run(t->db, PAIRS_PICTURE_DELETE,
		    PAIRS_VALUES(PAIRS_N("owner_id", list->pictures[i].owner),
			PAIRS_N("id", list->pictures[i].id)),
		    note);
	}
	return e;
}

/* Runs one of the statements that remove some rows of a couple; adds to *sum how many went. */
static enum err remove_some(struct txn *t, enum pairs_stmt stmt, const struct pairs_value *values,
    int64_t *sum, struct err_note *note)
{
	enum err e = pairs_run(t->db, stmt, values, note);

	*sum += e == ERR_OK ? sql_changes(t->db) : 0;
	return e;
}

/* What was done stands in the stream, and items in lists: those that refer to others go first. */
static enum err empty_couple(
    struct txn *t, int64_t id, const int64_t users[3], int64_t *sum, struct err_note *note)
{
	static const enum pairs_stmt tables[] = { PAIRS_ENDED_EVENTS, PAIRS_ENDED_ITEMS,
		PAIRS_ENDED_LISTS, PAIRS_ENDED_STREAM };
	const struct pairs_value most = PAIRS_N("most", PAIRS_CLEAN_ROWS);
	enum err e = remove_some(t, PAIRS_PICTURE_GONE_ALL,
	    PAIRS_VALUES(PAIRS_N("now_ms", t->now_ms), PAIRS_N("owner_id", id), most), sum, note);

	for (int i = 0; e == ERR_OK && i < 3; i++) {
		e = remove_some(t, PAIRS_ENDED_DONE,
		    PAIRS_VALUES(PAIRS_N("user_id", users[i]), PAIRS_N("couple_id", id), most), sum,
		    note);
	}
	for (size_t i = 0; e == ERR_OK && *sum == 0 && i < sizeof(tables) / sizeof(tables[0]);
	     i++) {
		e = remove_some(
		    t, tables[i], PAIRS_VALUES(PAIRS_N("couple_id", id), most), sum, note);
	}
	return e;
}

/* One step at the couple that ended first; *ret_more: there was something to do. */
static enum err clean_couple(struct txn *t, bool *ret_more, struct err_note *note)
{
	struct sql_query *q;
	int64_t sum = 0;
	enum err e = pairs_find(t->db, PAIRS_ENDED_FIND,
	    PAIRS_VALUES(PAIRS_N("ended_ms", t->now_ms - grace_ms)), &q, note);

	*ret_more = e == ERR_OK;
	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	int64_t id = sql_col_i64(q, 0);
	const int64_t users[3] = { sql_col_i64(q, 1), sql_col_i64(q, 2), 0 };
	sql_end(q);
	e = empty_couple(t, id, users, &sum, note);
	return e == ERR_OK && sum == 0
		   ? pairs_run(t->db, PAIRS_ENDED_COUPLE, PAIRS_VALUES(PAIRS_N("id", id)), note)
		   : e;
}

static enum err list_gone(struct txn *t, struct pairs_clean_list *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_query(t->db, PAIRS_PICTURE_GONE_LIST,
	    PAIRS_VALUES(PAIRS_N("now_ms", t->now_ms), PAIRS_N("most", PAIRS_CLEAN_MAX)), &q, note);

	if (e != ERR_OK) {
		return e;
	}
	while ((e = sql_step(q)) == ERR_OK && ret->n < PAIRS_CLEAN_MAX) {
		ret->pictures[ret->n++] = (struct pairs_picture_key){ .owner = sql_col_i64(q, 0),
			.id = sql_col_i64(q, 1),
			.use =
			    sql_col_i64(q, 2) == PICTURE_AVATAR ? PICTURE_AVATAR : PICTURE_PHOTO };
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err handle_clean(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct pairs_clean_list confirmed, next = { .more = false };

	(void)info;
	CHECK(pairs_clean_take(req, &confirmed));
	enum err e = delete_confirmed(t, &confirmed, note);
	if (e == ERR_OK) {
		e = pairs_run(t->db, PAIRS_PICTURE_GONE_EXPIRED,
		    PAIRS_VALUES(PAIRS_N("now_ms", t->now_ms), PAIRS_N("most", PAIRS_CLEAN_ROWS)),
		    note);
	}
	if (e == ERR_OK) {
		e = clean_couple(t, &next.more, note);
	}
	if (e == ERR_OK) {
		e = list_gone(t, &next, note);
	}
	if (e == ERR_OK) {
		pairs_clean_put(reply, &next);
	}
	return e;
}

/* A lease whose answer is lost runs out; what was removed is not there to be removed again. */
const struct rpc_def pairs_picture_lease = {
	.name = "pairs.picture_lease",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 64,
	.max_rep = 128,
	.deadline_ms = 10000,
	.cost_us = 100,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_lease,
};

const struct rpc_def pairs_clean = {
	.name = "pairs.clean",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 512,
	.max_rep = 512,
	.deadline_ms = 10000,
	.cost_us = 500,
	.flags = RPC_TXN | RPC_IDEMPOTENT,
	.handle = handle_clean,
};
