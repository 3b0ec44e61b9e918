/*
 * Role: store. The transaction function pairs.change: who may do it, whether it was done before,
 * and the doing of it.
 */
#include "services/pairs/pairs_change.h"

#include "core/base/check.h"
#include "services/pairs/pairs_change_priv.h"
#include "services/pairs/pairs_db.h"

enum {
	CLEAN_PER_CHANGE = 4 /* so the tables of what expires shrink faster than they grow */
};

static const struct {
	pairs_write_fn *fn;
	bool of_couple; /* by a member, or by the app's server */
} kinds[PAIRS_KINDS] = {
	[PAIRS_SIGN_UP] = { pairs_sign_up, false },
	[PAIRS_RESEND] = { pairs_resend, false },
	[PAIRS_VERIFY] = { pairs_verify, false },
	[PAIRS_LOG_IN] = { pairs_log_in, false },
	[PAIRS_LOG_OUT] = { pairs_log_out, false },
	[PAIRS_LOG_OUT_ALL] = { pairs_log_out_all, false },
	[PAIRS_SET_PRESENCE] = { pairs_set_presence, false },
	[PAIRS_INVITE] = { pairs_invite, false },
	[PAIRS_ACCEPT] = { pairs_accept, false },
	[PAIRS_LEAVE] = { pairs_leave, true },
	[PAIRS_EDIT_USER] = { pairs_edit_user, false },
	[PAIRS_ADD_ACTIVITY] = { pairs_add_activity, true },
	[PAIRS_DELETE_ACTIVITY] = { pairs_delete_activity, true },
	[PAIRS_ADD_LIST] = { pairs_add_list, true },
	[PAIRS_EDIT_LIST] = { pairs_edit_list, true },
	[PAIRS_DELETE_LIST] = { pairs_delete_list, true },
	[PAIRS_ADD_ITEM] = { pairs_add_item, true },
	[PAIRS_EDIT_ITEM] = { pairs_edit_item, true },
	[PAIRS_DELETE_ITEM] = { pairs_delete_item, true },
	[PAIRS_ADD_EVENT] = { pairs_add_event, true },
	[PAIRS_EDIT_EVENT] = { pairs_edit_event, true },
	[PAIRS_DELETE_EVENT] = { pairs_delete_event, true },
	[PAIRS_READ] = { pairs_mark_read, true },
	[PAIRS_ADD_MEDIA] = { pairs_add_media, true },
	[PAIRS_ADD_AVATAR] = { pairs_add_media, false },
	[PAIRS_EDIT_MEDIA] = { pairs_edit_media, true },
	[PAIRS_DELETE_MEDIA] = { pairs_delete_media, true },
	[PAIRS_MEDIA_DONE] = { pairs_media_done, false },
	[PAIRS_MEDIA_LATER] = { pairs_media_later, false },
	[PAIRS_PUSH_ADD] = { pairs_push_add, false },
	[PAIRS_PUSH_DELETE] = { pairs_push_delete, false },
};

/* Web has seen the member in this couple; that may be over. */
static enum err check_membership(struct pairs_write *w, bool *ret)
{
	int64_t unused = 0;
	enum err e;

	if (w->r->user == 0) {
		e = pairs_number(w->t->db, PAIRS_COUPLE_GET,
		    PAIRS_VALUES(PAIRS_N("id", w->r->couple)), &unused, w->note);
		*ret = e == ERR_OK;
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	e = pairs_user_get(w->t->db, w->t->arena, w->r->user, &w->user, w->note);
	*ret = e == ERR_OK && w->user.couple == w->r->couple && w->r->couple != 0;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* ---- what was done before ---- */

/* The event of then into the answer. */
static enum err repeat(struct pairs_write *w, int64_t seq)
{
	struct sql_query *q;
	enum err e = pairs_find(w->t->db, PAIRS_STREAM_AT,
	    PAIRS_VALUES(PAIRS_N("couple_id", w->r->couple), PAIRS_N("seq", seq)), &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	w->c.outcome = PAIRS_REPEATED;
	w->c.seq = seq;
	w->c.couple = w->r->couple;
	w->c.user = sql_col_i64(q, 2);
	w->c.at_ms = sql_col_i64(q, 3);
	e = arena_copy(w->t->arena, sql_col_text(q, 1), &w->c.event);
	if (e == ERR_OK) {
		e = arena_copy(w->t->arena, sql_col_text(q, 4), &w->c.body);
	}
	sql_end(q);
	return e;
}

/* The answer has an outcome other than PAIRS_DONE afterwards, if it was. */
static enum err look_before(struct pairs_write *w)
{
	struct sql_query *q;
	enum err e = pairs_find(w->t->db, PAIRS_DONE_GET,
	    PAIRS_VALUES(PAIRS_N("user_id", w->r->user), PAIRS_N("couple_id", w->r->couple),
		PAIRS_T("client_id", w->r->client_id)),
	    &q, w->note);

	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	int64_t kind = sql_col_i64(q, 0), seq = sql_col_i64(q, 1), expires_ms = sql_col_i64(q, 2);
	sql_end(q);
	if (expires_ms <= w->t->now_ms) {
		return ERR_OK;
	}
	return kind == (int64_t)w->r->kind ? repeat(w, seq) : pairs_refuse(w, PAIRS_OTHER_USE);
}

static enum err remember(struct pairs_write *w)
{
	enum err e = pairs_run(w->t->db, PAIRS_DONE_PUT,
	    PAIRS_VALUES(PAIRS_N("user_id", w->r->user), PAIRS_T("client_id", w->r->client_id),
		PAIRS_N("kind", (int64_t)w->r->kind), PAIRS_N("couple_id", w->r->couple),
		PAIRS_N("seq", w->c.seq), PAIRS_N("expires_ms", w->t->now_ms + PAIRS_DONE_MS)),
	    w->note);

	return e == ERR_OK ? pairs_run(w->t->db, PAIRS_DONE_CLEAN,
				 PAIRS_VALUES(PAIRS_N("expires_ms", w->t->now_ms),
				     PAIRS_N("most", CLEAN_PER_CHANGE)),
				 w->note)
			   : e;
}

/* ---- the function ---- */

static enum err run(struct pairs_write *w)
{
	bool is_member = true, has_id = w->r->client_id.len > 0;
	enum err e = kinds[w->r->kind].of_couple ? check_membership(w, &is_member) : ERR_OK;

	if (e == ERR_OK && !is_member) {
		return pairs_refuse(w, PAIRS_NOT_FOUND);
	}
	if (e == ERR_OK && has_id) {
		e = look_before(w);
	}
	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	e = kinds[w->r->kind].fn(w);
	return e == ERR_OK && has_id && w->c.outcome == PAIRS_DONE ? remember(w) : e;
}

static enum err handle_change(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	struct pairs_change_req r;
	struct pairs_write w = { .t = role_state,
		.r = &r,
		.note = note,
		.c = { .outcome = PAIRS_DONE, .event = SLICE_EMPTY, .body = SLICE_EMPTY } };

	(void)info;
	CHECK(pairs_change_take(req, &r));
	enum err e = run(&w);
	if (e == ERR_NOT_FOUND) {
		return err_note_set(note, ERR_CORRUPT, "pairs: a row that must be there is not");
	}
	if (e == ERR_OK) {
		pairs_changed_put(reply, &w.c);
	}
	return e;
}

/* Sent again only by those who gave it a client_id. */
const struct rpc_def pairs_change = {
	.name = "pairs.change",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = PAIRS_MESSAGE_MAX,
	.max_rep = PAIRS_BODY_MAX + 1024,
	.deadline_ms = 10000,
	.cost_us = 150,
	.flags = RPC_TXN,
	.handle = handle_change,
};
