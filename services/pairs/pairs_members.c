/*
 * Role: store. Signing up and in. A sign-up is a row from its acceptance on, and its mail a row of
 * the same transaction, so whatever process dies, it goes on. Nobody learns from an answer whether
 * an address has an account: its owner learns it by mail.
 */
#include <stdio.h>

#include "accounts/account.h"
#include "accounts/mail_address.h"
#include "services/pairs/pairs_change_priv.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_mailing.h"

static const int64_t known_ms = INT64_C(7) * 24 * 3600 * 1000; /* expired ones are told apart */

enum {
	CLEAN_PER_SIGN_UP = 4
};

/* A row of pairs_signup; text is in the request's arena. */
struct signup {
	struct slice address_key, address, first_name, password_hash, idem;
	int64_t user, expires_ms, used_ms;
};

static enum err find_signup(struct pairs_write *w, enum pairs_stmt stmt, const char *column,
    struct slice value, struct signup *ret)
{
	struct sql_query *q;
	struct arena *arena = w->t->arena;
	enum err e = pairs_find(w->t->db, stmt, PAIRS_VALUES(PAIRS_T(column, value)), &q, w->note);

	if (e != ERR_OK) {
		return e;
	}
	struct signup s = { .user = sql_col_i64(q, 3),
		.expires_ms = sql_col_i64(q, 8),
		.used_ms = sql_col_i64(q, 9) };
	struct slice *const texts[] = { [1] = &s.address_key,
		[2] = &s.address,
		[4] = &s.first_name,
		[5] = &s.password_hash,
		[6] = &s.idem };
	for (int i = 1; e == ERR_OK && i < (int)(sizeof(texts) / sizeof(texts[0])); i++) {
		if (texts[i] != NULL) {
			e = arena_copy(arena, sql_col_text(q, i), texts[i]);
		}
	}
	sql_end(q);
	*ret = s;
	return e;
}

static enum err put_signup(struct pairs_write *w, const struct signup *s)
{
	enum err e = pairs_run(w->t->db, PAIRS_SIGNUP_PUT,
	    PAIRS_VALUES(PAIRS_T("token_hash", w->r->hash), PAIRS_T("address_key", s->address_key),
		PAIRS_T("address", s->address), PAIRS_N("user_id", s->user),
		PAIRS_T("first_name", s->first_name), PAIRS_T("password_hash", s->password_hash),
		PAIRS_T("idem", s->idem), PAIRS_N("created_ms", w->t->now_ms),
		PAIRS_N("expires_ms", w->t->now_ms + w->r->lifetime_ms)),
	    w->note);

	return e == ERR_OK ? pairs_run(w->t->db, PAIRS_SIGNUP_CLEAN,
				 PAIRS_VALUES(PAIRS_N("expires_ms", w->t->now_ms - known_ms),
				     PAIRS_N("most", CLEAN_PER_SIGN_UP)),
				 w->note)
			   : e;
}

/* The sign-up that waits at an address, if it has not expired. ERR_NOT_FOUND. */
static enum err find_waiting(struct pairs_write *w, struct slice key, struct signup *ret)
{
	enum err e = find_signup(w, PAIRS_SIGNUP_BY_ADDRESS, "address_key", key, ret);

	return e == ERR_OK && ret->expires_ms <= w->t->now_ms ? ERR_NOT_FOUND : e;
}

enum err pairs_sign_up(struct pairs_write *w)
{
	struct signup s = { .address = w->r->address,
		.user = w->r->user,
		.first_name = w->r->name,
		.password_hash = w->r->password_hash,
		.idem = w->r->idem };
	struct signup before;
	int64_t owner = 0;
	enum err e = email_key(w->t->arena, w->r->address, &s.address_key);

	if (e == ERR_OK) {
		e = find_waiting(w, s.address_key, &before);
	}
	if (e == ERR_OK && s.idem.len > 0 && slice_eq(s.idem, before.idem)) {
		w->c.user = before.user; /* this very request, once more */
		return ERR_OK;
	}
	if (e == ERR_OK || e == ERR_NOT_FOUND) {
		e = pairs_check_mail(w);
	}
	if (e != ERR_OK || w->c.outcome != PAIRS_DONE) {
		return e;
	}
	w->c.user = s.user;
	e = email_owner(w->t->db, s.address_key, &owner, w->note);
	if (e == ERR_OK) {
		return pairs_put_mail(w, SLICE("pairs-known"), w->r->text);
	}
	if (e == ERR_NOT_FOUND) {
		e = put_signup(w, &s);
	}
	return e == ERR_OK ? pairs_put_mail(w, w->r->mail_kind, w->r->mail_text) : e;
}

/* The older mail stays good, too. */
enum err pairs_resend(struct pairs_write *w)
{
	struct slice key = SLICE_EMPTY;
	struct signup s;
	enum err e = email_key(w->t->arena, w->r->address, &key);

	if (e == ERR_OK) {
		e = find_waiting(w, key, &s);
	}
	if (e == ERR_NOT_FOUND) {
		return pairs_refuse(w, PAIRS_NOTHING);
	}
	if (e == ERR_OK) {
		e = pairs_check_mail(w);
	}
	if (e == ERR_OK && w->c.outcome == PAIRS_DONE) {
		e = put_signup(w, &s);
		if (e == ERR_OK) {
			e = pairs_put_mail(w, w->r->mail_kind, w->r->mail_text);
		}
	}
	return e;
}

/* ---- sessions ---- */

static enum err put_session(struct pairs_write *w, int64_t user, int64_t reset_ms)
{
	enum err e = pairs_run(w->t->db, PAIRS_SESSION_PUT,
	    PAIRS_VALUES(PAIRS_T("token_hash", w->r->session_hash), PAIRS_N("user_id", user),
		PAIRS_N("reset_ms", reset_ms), PAIRS_N("created_ms", w->t->now_ms),
		PAIRS_N("expires_ms", w->t->now_ms + w->r->session_ms)),
	    w->note);

	w->c.user = user;
	return e == ERR_OK ? pairs_run(w->t->db, PAIRS_SESSION_TRIM,
				 PAIRS_VALUES(
				     PAIRS_N("user_id", user), PAIRS_N("most", PAIRS_SESSIONS_MAX)),
				 w->note)
			   : e;
}

static enum err put_user(struct pairs_write *w, int64_t account, int64_t id, struct slice name)
{
	return pairs_run(w->t->db, PAIRS_USER_PUT,
	    PAIRS_VALUES(PAIRS_N("id", id), PAIRS_N("account_id", account),
		PAIRS_T("first_name", name), PAIRS_N("created_ms", w->t->now_ms)),
	    w->note);
}

/* The avatar that was sent while the mail was on its way. */
static enum err take_avatar(struct pairs_write *w, int64_t user)
{
	char id_text[24];
	int64_t id = 0;
	enum err e = pairs_run(
	    w->t->db, PAIRS_PICTURE_STAY, PAIRS_VALUES(PAIRS_N("owner_id", user)), w->note);

	if (e == ERR_OK) {
		e = pairs_number(w->t->db, PAIRS_PICTURE_READY,
		    PAIRS_VALUES(PAIRS_N("owner_id", user)), &id, w->note);
	}
	if (e != ERR_OK) {
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	int n = snprintf(id_text, sizeof(id_text), "%lld", (long long)id);
	return pairs_run(w->t->db, PAIRS_USER_AVATAR,
	    PAIRS_VALUES(PAIRS_T("avatar", SLICE_OF(id_text, (size_t)n)), PAIRS_N("id", user)),
	    w->note);
}

/* The account that a sign-up was for. */
static enum err create(struct pairs_write *w, const struct signup *s)
{
	const struct kdf plain = { .kind = KDF_PLAIN };
	int64_t account = 0;
	enum err e = account_create(w->t, s->password_hash, &plain, &account, w->note);

	if (e == ERR_OK) {
		e = account_give_email(w->t, account, s->address, false, w->note);
	}
	if (e == ERR_OK) {
		e = mail_address_forget(w->t, s->address_key, w->note);
	}
	if (e == ERR_OK) {
		e = put_user(w, account, s->user, s->first_name);
	}
	if (e == ERR_OK) {
		e = take_avatar(w, s->user);
	}
	return e == ERR_OK ? put_session(w, s->user, w->t->now_ms) : e;
}

enum err pairs_verify(struct pairs_write *w)
{
	struct signup s;
	int64_t owner = 0;
	enum err e = find_signup(w, PAIRS_SIGNUP_BY_TOKEN, "token_hash", w->r->hash, &s);

	if (e == ERR_NOT_FOUND) {
		return pairs_refuse(w, PAIRS_BAD_TOKEN);
	}
	if (e == ERR_OK && (s.used_ms != 0 || s.expires_ms <= w->t->now_ms)) {
		return pairs_refuse(w, PAIRS_USED);
	}
	if (e == ERR_OK) {
		e = pairs_run(w->t->db, PAIRS_SIGNUP_USED,
		    PAIRS_VALUES(
			PAIRS_N("used_ms", w->t->now_ms), PAIRS_T("address_key", s.address_key)),
		    w->note);
	}
	if (e == ERR_OK) {
		e = email_owner(w->t->db, s.address_key, &owner, w->note);
	}
	if (e == ERR_OK) {
		return pairs_refuse(w, PAIRS_USED); /* it got an account some other way */
	}
	return e == ERR_NOT_FOUND ? create(w, &s) : e;
}

/* Whoever has an account becomes a member by signing in. */
enum err pairs_log_in(struct pairs_write *w)
{
	struct account account;
	struct pairs_user user;
	enum err e = account_by_id(w->t->db, w->t->arena, w->r->account, &account, w->note);

	if (e == ERR_NOT_FOUND || (e == ERR_OK && account.is_locked)) {
		return pairs_refuse(w, PAIRS_NOT_FOUND);
	}
	if (e == ERR_OK) {
		e = put_user(w, account.id, w->r->user, SLICE_EMPTY);
	}
	if (e == ERR_OK) {
		e = pairs_user_by_account(w->t->db, w->t->arena, account.id, &user, w->note);
	}
	return e == ERR_OK ? put_session(w, user.id, account.password_reset_ms) : e;
}

enum err pairs_log_out(struct pairs_write *w)
{
	return pairs_run(
	    w->t->db, PAIRS_SESSION_END, PAIRS_VALUES(PAIRS_T("token_hash", w->r->hash)), w->note);
}

enum err pairs_log_out_all(struct pairs_write *w)
{
	enum err e = pairs_run(w->t->db, PAIRS_USER_END_SESSIONS,
	    PAIRS_VALUES(PAIRS_N("not_before_ms", w->t->now_ms), PAIRS_N("id", w->r->user)),
	    w->note);

	return e == ERR_OK ? pairs_run(w->t->db, PAIRS_SESSION_END_ALL,
				 PAIRS_VALUES(PAIRS_N("user_id", w->r->user)), w->note)
			   : e;
}
