/*
 * Role: store. Becoming a couple and parting. An invitation is for one address, and for one use; a
 * member has one partner at most.
 */
#include "accounts/account.h"
#include "services/pairs/pairs_change_priv.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_mailing.h"

static const int64_t known_ms = INT64_C(7) * 24 * 3600 * 1000; /* expired ones are told apart */

enum {
	CLEAN_PER_INVITE = 4
};

/* Invitations of a member that are open are so no longer. */
static enum err close_invites(struct pairs_write *w, int64_t user)
{
	return pairs_run(w->t->db, PAIRS_INVITE_USED,
	    PAIRS_VALUES(PAIRS_N("used_ms", w->t->now_ms), PAIRS_N("user_id", user)), w->note);
}

/* One invitation per interval, whoever it is for; the answer says if it is too soon. */
static enum err check_interval(struct pairs_write *w)
{
	int64_t last_ms = 0;
	enum err e = pairs_number(w->t->db, PAIRS_INVITE_LAST,
	    PAIRS_VALUES(PAIRS_N("user_id", w->r->user)), &last_ms, w->note);

	if (e == ERR_OK && w->t->now_ms < last_ms + w->r->interval_ms) {
		return pairs_refuse(w, PAIRS_TOO_SOON);
	}
	return e == ERR_OK || e == ERR_NOT_FOUND ? pairs_check_mail(w) : e;
}

static enum err put_invite(struct pairs_write *w)
{
	struct slice key = SLICE_EMPTY;
	enum err e = email_key(w->t->arena, w->r->address, &key);

	if (e == ERR_OK) {
		e = pairs_run(w->t->db, PAIRS_INVITE_PUT,
		    PAIRS_VALUES(PAIRS_T("token_hash", w->r->hash), PAIRS_N("user_id", w->r->user),
			PAIRS_T("address_key", key), PAIRS_N("created_ms", w->t->now_ms),
			PAIRS_N("expires_ms", w->t->now_ms + w->r->lifetime_ms)),
		    w->note);
	}
	return e == ERR_OK ? pairs_run(w->t->db, PAIRS_INVITE_CLEAN,
				 PAIRS_VALUES(PAIRS_N("expires_ms", w->t->now_ms - known_ms),
				     PAIRS_N("most", CLEAN_PER_INVITE)),
				 w->note)
			   : e;
}

enum err pairs_invite(struct pairs_write *w)
{
	struct pairs_user user;
	enum err e = pairs_user_get(w->t->db, w->t->arena, w->r->user, &user, w->note);

	if (e == ERR_OK && user.couple != 0) {
		return pairs_refuse(w, PAIRS_PAIRED);
	}
	if (e == ERR_OK) {
		e = check_interval(w);
	}
	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	e = close_invites(w, user.id);
	if (e == ERR_OK) {
		e = put_invite(w);
	}
	return e == ERR_OK ? pairs_put_mail(w, w->r->mail_kind, w->r->mail_text) : e;
}

/* ---- accepting ---- */

/* The invitation, if it is this member's to accept; else the answer says why not. */
static enum err find_invite(
    struct pairs_write *w, const struct pairs_user *guest, int64_t *ret_host)
{
	struct sql_query *q;
	struct slice key = SLICE_EMPTY;
	int64_t owner = 0;
	enum err e = pairs_find(w->t->db, PAIRS_INVITE_GET,
	    PAIRS_VALUES(PAIRS_T("token_hash", w->r->hash)), &q, w->note);

	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? pairs_refuse(w, PAIRS_NOT_FOUND) : e;
	}
	int64_t host = sql_col_i64(q, 0);
	bool is_over = sql_col_i64(q, 2) <= w->t->now_ms || sql_col_i64(q, 3) != 0;
	e = arena_copy(w->t->arena, sql_col_text(q, 1), &key);
	sql_end(q);
	if (e == ERR_OK) {
		e = email_owner(w->t->db, key, &owner, w->note);
	}
	if (e == ERR_NOT_FOUND || (e == ERR_OK && (owner != guest->account || host == guest->id))) {
		return pairs_refuse(w, PAIRS_NOT_FOUND);
	}
	if (e == ERR_OK && is_over) {
		return pairs_refuse(w, PAIRS_USED);
	}
	*ret_host = host;
	return e;
}

static enum err join(struct pairs_write *w, int64_t user)
{
	enum err e = pairs_run(w->t->db, PAIRS_USER_COUPLE,
	    PAIRS_VALUES(PAIRS_N("couple_id", w->r->new_id), PAIRS_N("id", user)), w->note);

	return e == ERR_OK ? close_invites(w, user) : e;
}

/* The first event of the stream, or the last one. */
static enum err append_couple(
    struct pairs_write *w, int64_t couple, int64_t a, int64_t b, bool is_end)
{
	struct json_writer json;
	struct slice text = SLICE_EMPTY;
	struct buf *body = pairs_json(w, &json);

	if (body == NULL) {
		return ERR_MEMORY;
	}
	pairs_put_id(&json, "id", couple);
	pairs_put_id(&json, "user_a", a);
	pairs_put_id(&json, "user_b", b);
	json_put_name(&json, SLICE("ended"));
	json_put_bool(&json, is_end);
	json_end_object(&json);
	enum err e = buf_finish(body, &text);
	return e == ERR_OK ? pairs_append(w, couple, "couple", pairs_new_id(), w->r->user, text)
			   : e;
}

enum err pairs_accept(struct pairs_write *w)
{
	struct pairs_user guest, host;
	int64_t host_id = 0;
	enum err e = pairs_user_get(w->t->db, w->t->arena, w->r->user, &guest, w->note);

	if (e == ERR_OK) {
		e = find_invite(w, &guest, &host_id);
	}
	if (e == ERR_OK && w->c.outcome == PAIRS_DONE) {
		e = pairs_user_get(w->t->db, w->t->arena, host_id, &host, w->note);
	}
	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	if (guest.couple != 0 || host.couple != 0) {
		return pairs_refuse(w, PAIRS_PAIRED);
	}
	e = pairs_insert(w->t->db, PAIRS_COUPLE_PUT,
	    PAIRS_VALUES(PAIRS_N("id", w->r->new_id), PAIRS_N("user_a", host.id),
		PAIRS_N("user_b", guest.id), PAIRS_N("created_ms", w->t->now_ms)),
	    w->note);
	if (e == ERR_OK) {
		e = join(w, host.id);
	}
	if (e == ERR_OK) {
		e = join(w, guest.id);
	}
	return e == ERR_OK ? append_couple(w, w->r->new_id, host.id, guest.id, false) : e;
}

/* ---- parting ---- */

static enum err part(struct pairs_write *w, int64_t user)
{
	return pairs_run(w->t->db, PAIRS_USER_COUPLE,
	    PAIRS_VALUES(PAIRS_N("couple_id", 0), PAIRS_N("id", user)), w->note);
}

enum err pairs_leave(struct pairs_write *w)
{
	struct sql_query *q;
	enum err e = pairs_find(
	    w->t->db, PAIRS_COUPLE_GET, PAIRS_VALUES(PAIRS_N("id", w->r->couple)), &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	int64_t a = sql_col_i64(q, 0), b = sql_col_i64(q, 1);
	sql_end(q);
	e = append_couple(w, w->r->couple, a, b, true);
	if (e == ERR_OK) {
		e = part(w, a);
	}
	if (e == ERR_OK) {
		e = part(w, b);
	}
	return e == ERR_OK ? pairs_run(w->t->db, PAIRS_COUPLE_END,
				 PAIRS_VALUES(PAIRS_N("ended_ms", w->t->now_ms),
				     PAIRS_N("id", w->r->couple)),
				 w->note)
			   : e;
}

/* ---- what the partner sees of a member ---- */

enum err pairs_edit_user(struct pairs_write *w)
{
	const struct pairs_change_req *r = w->r;
	struct pairs_user u;
	struct slice text = SLICE_EMPTY;
	enum err e = pairs_user_get(w->t->db, w->t->arena, r->user, &u, w->note);

	if (e != ERR_OK) {
		return e;
	}
	u.first_name = (r->given & PAIRS_GIVEN_NAME) != 0 ? r->name : u.first_name;
	u.avatar = (r->given & PAIRS_GIVEN_AVATAR) != 0 ? r->avatar : u.avatar;
	u.options = (r->given & PAIRS_GIVEN_OPTIONS) != 0 ? r->options : u.options;
	e = pairs_run(w->t->db, PAIRS_USER_EDIT,
	    PAIRS_VALUES(PAIRS_T("first_name", u.first_name), PAIRS_T("avatar", u.avatar),
		PAIRS_T("options", u.options), PAIRS_N("id", u.id)),
	    w->note);
	struct buf *body = arena_buf(w->t->arena, PAIRS_BODY_MAX);
	if (e != ERR_OK || body == NULL) {
		return e != ERR_OK ? e : ERR_MEMORY;
	}
	struct json_writer json = json_writer_new(body);
	pairs_user_put(&json, &u, w->t->now_ms);
	e = buf_finish(body, &text);
	if (e == ERR_OK && u.couple != 0) {
		return pairs_append(w, u.couple, "user", pairs_new_id(), u.id, text);
	}
	w->c.body = text;
	return e;
}
