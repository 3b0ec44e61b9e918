/*
 * Accounts and their addresses: what transaction functions change. What hangs on an address or an
 * account goes with it in the same transaction: staged changes, counted failures.
 */
#include "accounts/account.h"
#include "accounts/accounts_priv.h"
#include "accounts/firefox.h"
#include "accounts/gone.h"
#include "accounts/staged.h"

enum err account_create(struct txn *t, struct slice password_hash, const struct kdf *kdf,
    int64_t *ret_id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_ACCOUNT_INSERT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	if (password_hash.len > 0) {
		sql_bind_text(q, "password_hash", password_hash);
	} else {
		sql_bind_null(q, "password_hash");
	}
	sql_bind_text(q, "kdf", slice_str(kdf_name(kdf->kind)));
	sql_bind_text(q, "kdf_salt", slice_str(kdf->salt));
	sql_bind_i64(q, "now_ms", t->now_ms);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_id = sql_col_i64(q, 0);
		e = sql_step(q);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* The account's row and all but its addresses. */
static enum err delete_bare(struct txn *t, int64_t id, struct err_note *note)
{
	struct sql_query *q = NULL;
	enum err e = staged_forget(t, id, note);

	if (e == ERR_OK) {
		e = accounts_run_on(t, STMT_LOGIN_FORGET, "account_id", id, note);
	}
	if (e == ERR_OK) {
		e = firefox_forget(t, id, note);
	}
	if (e == ERR_OK) {
		e = account_gone_put(t, id, note);
	}
	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_ACCOUNT_DELETE], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	sql_bind_i64(q, "now_ms", t->now_ms);
	return sql_finish(q);
}

enum err account_delete(struct txn *t, int64_t id, struct err_note *note)
{
	enum err e = accounts_run_on(t, STMT_EMAIL_REMOVE_ALL, "account_id", id, note);

	return e == ERR_OK ? delete_bare(t, id, note) : e;
}

static void count_email(void *arg, struct slice address)
{
	(void)address;
	(*(unsigned *)arg)++;
}

static enum err delete_if_bare(struct txn *t, int64_t id, bool *ret_gone, struct err_note *note)
{
	unsigned n = 0;
	enum err e = account_each_email(t->db, id, count_email, &n, note);

	*ret_gone = n == 0;
	return e == ERR_OK && n == 0 ? delete_bare(t, id, note) : e;
}

static enum err put_email(struct txn *t, int64_t id, struct slice key, struct slice address,
    bool is_primary, bool is_verified, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_EMAIL_PUT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "address_key", key);
	sql_bind_i64(q, "account_id", id);
	sql_bind_text(q, "address", address);
	sql_bind_text(q, "kind", is_primary ? SLICE("primary") : SLICE("secondary"));
	sql_bind_i64(q, "verified", is_verified ? 1 : 0);
	sql_bind_i64(q, "now_ms", t->now_ms);
	return sql_finish(q);
}

enum err account_give_email(
    struct txn *t, int64_t id, struct slice address, bool is_primary, struct err_note *note)
{
	struct slice key;
	int64_t before = 0;
	bool gone = false;
	enum err e = email_key(t->arena, address, &key);

	if (e != ERR_OK) {
		return e;
	}
	e = email_owner(t->db, key, &before, note);
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	bool had_owner = e == ERR_OK && before != id;
	e = put_email(t, id, key, address, is_primary, true, note);
	if (e == ERR_OK && had_owner) {
		e = staged_forget_claim(t, key, before, note);
	}
	return e == ERR_OK && had_owner ? delete_if_bare(t, before, &gone, note) : e;
}

enum err account_give_unverified(
    struct txn *t, int64_t id, struct slice address, struct err_note *note)
{
	struct slice key;
	int64_t before = 0;
	enum err e = email_key(t->arena, address, &key);

	if (e == ERR_OK) {
		e = email_owner(t->db, key, &before, note);
		e = e == ERR_OK ? ERR_EXISTS : e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	return e == ERR_OK ? put_email(t, id, key, address, false, false, note) : e;
}

enum err account_remove_email(
    struct txn *t, int64_t id, struct slice key, bool *ret_gone, struct err_note *note)
{
	int64_t owner = 0;
	enum err e = email_owner(t->db, key, &owner, note);

	if (e == ERR_OK && owner != id) {
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		e = staged_forget_claim(t, key, id, note);
	}
	if (e == ERR_OK) {
		e = accounts_run_on_address(t, STMT_EMAIL_REMOVE, key, id, note);
	}
	return e == ERR_OK ? delete_if_bare(t, id, ret_gone, note) : e;
}

enum err account_set_email_kind(
    struct txn *t, int64_t id, struct slice key, bool is_primary, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_EMAIL_KIND], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "address_key", key);
	sql_bind_i64(q, "account_id", id);
	sql_bind_text(q, "kind", is_primary ? SLICE("primary") : SLICE("secondary"));
	return sql_finish(q);
}

enum err account_unverify_others(struct txn *t, int64_t id, struct slice key, struct err_note *note)
{
	return accounts_run_on_address(t, STMT_EMAIL_UNVERIFY, key, id, note);
}

/* A value that no session has: two changes in one millisecond end the sessions between them. */
static int64_t next_reset_ms(const struct txn *t, const struct account *a)
{
	return t->now_ms > a->password_reset_ms ? t->now_ms : a->password_reset_ms + 1;
}

enum err account_set_password(struct txn *t, const struct account *a, struct slice hash,
    const struct kdf *kdf, bool ends_sessions, int64_t *ret_reset_ms, struct err_note *note)
{
	int64_t reset_ms = ends_sessions ? next_reset_ms(t, a) : a->password_reset_ms;
	struct sql_query *q = NULL;
	enum err e = accounts_run_on(t, STMT_LOGIN_FORGET, "account_id", a->id, note);

	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_PASSWORD_SET], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", a->id);
	sql_bind_text(q, "password_hash", hash);
	sql_bind_text(q, "kdf", slice_str(kdf_name(kdf->kind)));
	sql_bind_text(q, "kdf_salt", slice_str(kdf->salt));
	sql_bind_i64(q, "password_reset_ms", reset_ms);
	e = sql_step(q);
	sql_end(q);
	if (e == ERR_END) {
		*ret_reset_ms = reset_ms;
		return ERR_OK;
	}
	return e;
}

enum err account_lock(struct txn *t, const struct account *a, bool is_locked, struct err_note *note)
{
	struct sql_query *q = NULL;
	enum err e = accounts_run_on(t, STMT_LOGIN_FORGET, "account_id", a->id, note);

	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_ACCOUNT_LOCK], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", a->id);
	sql_bind_i64(q, "locked", is_locked ? 1 : 0);
	sql_bind_i64(
	    q, "password_reset_ms", is_locked ? next_reset_ms(t, a) : a->password_reset_ms);
	return sql_finish(q);
}

enum err account_set_admin(struct txn *t, int64_t id, bool is_admin, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_ACCOUNT_SET_ADMIN], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	sql_bind_i64(q, "admin", is_admin ? 1 : 0);
	return sql_finish(q);
}
