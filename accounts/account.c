/*
 * Accounts and their addresses: what is read, by web and by transaction functions.
 */
#include "accounts/account.h"

#include <string.h>

#include "accounts/accounts_priv.h"

enum err email_key(struct arena *arena, struct slice address, struct slice *ret)
{
	if (address.len > EMAIL_MAX_BYTES) {
		return ERR_LIMIT;
	}
	char *key = arena_alloc(arena, address.len + 1);
	if (key == NULL) {
		return ERR_MEMORY;
	}
	for (size_t i = 0; i < address.len; i++) {
		char c = address.ptr[i];
		key[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	*ret = SLICE_OF(key, address.len);
	return ERR_OK;
}

/* The columns that both lookups begin with. */
static enum err take_account(
    struct sql_query *q, struct arena *arena, struct account *a, struct err_note *note)
{
	a->id = sql_col_i64(q, 0);
	a->has_password = !sql_col_is_null(q, 1);
	if (a->has_password && arena_copy(arena, sql_col_text(q, 1), &a->password_hash) != ERR_OK) {
		return ERR_MEMORY;
	}
	if (kdf_from_text(sql_col_text(q, 2), sql_col_text(q, 3), &a->kdf) != ERR_OK) {
		return err_note_set(
		    note, ERR_CORRUPT, "account %lld has an unknown kdf", (long long)a->id);
	}
	a->password_reset_ms = sql_col_i64(q, 4);
	a->failed_logins = sql_col_i64(q, 5);
	a->failed_last_ms = sql_col_i64(q, 6);
	a->is_locked = sql_col_i64(q, 7) != 0;
	a->created_ms = sql_col_i64(q, 8);
	return ERR_OK;
}

enum err account_by_address(struct sql_db *db, struct arena *arena, struct slice key,
    struct account *ret, struct err_note *note)
{
	struct account a = { .id = 0 };
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_ACCOUNT_BY_ADDRESS], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "address_key", key);
	e = sql_step(q);
	if (e == ERR_OK) {
		e = take_account(q, arena, &a, note);
	} else if (e == ERR_END) {
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		a.is_primary = slice_eq(sql_col_text(q, 10), SLICE("primary"));
		a.is_verified = sql_col_i64(q, 11) != 0;
		e = arena_copy(arena, sql_col_text(q, 9), &a.address);
	}
	sql_end(q);
	if (e == ERR_OK) {
		*ret = a;
	}
	return e;
}

/* *ret_deleted: only where the statement tells. */
static enum err by_number(struct sql_db *db, enum accounts_stmt stmt, struct arena *arena,
    int64_t id, struct account *ret, bool *ret_deleted, struct err_note *note)
{
	struct account a = { .id = 0 };
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_deleted = stmt == STMT_ACCOUNT_AFTER && sql_col_i64(q, 9) != 0;
		e = take_account(q, arena, &a, note);
	} else if (e == ERR_END) {
		e = ERR_NOT_FOUND;
	}
	sql_end(q);
	if (e == ERR_OK) {
		*ret = a;
	}
	return e;
}

enum err account_by_id(
    struct sql_db *db, struct arena *arena, int64_t id, struct account *ret, struct err_note *note)
{
	bool deleted = false;

	return by_number(db, STMT_ACCOUNT_BY_ID, arena, id, ret, &deleted, note);
}

enum err account_after(
    struct sql_db *db, struct arena *arena, int64_t id, struct account *ret, struct err_note *note)
{
	struct account a = { .id = id };
	bool deleted = true;
	enum err e = ERR_OK;

	while (e == ERR_OK && deleted) {
		e = by_number(db, STMT_ACCOUNT_AFTER, arena, a.id, &a, &deleted, note);
	}
	if (e == ERR_OK) {
		*ret = a;
	}
	return e;
}

enum err account_each_email_row(struct sql_db *db, int64_t id,
    void (*fn)(void *arg, const struct email_row *row), void *arg, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_EMAIL_ROWS_OF], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", id);
	sql_bind_i64(q, "most", ACCOUNT_EMAILS_MAX);
	while ((e = sql_step(q)) == ERR_OK) {
		const struct email_row row = { .address = sql_col_text(q, 0),
			.is_primary = slice_eq(sql_col_text(q, 1), SLICE("primary")),
			.is_verified = sql_col_i64(q, 2) != 0 };
		fn(arg, &row);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

enum err account_reset_time(struct sql_db *db, int64_t id, int64_t *ret_reset_ms,
    bool *ret_has_password, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_RESET_TIME], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_reset_ms = sql_col_i64(q, 0);
		*ret_has_password = sql_col_i64(q, 1) != 0;
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err account_each_email(struct sql_db *db, int64_t id,
    void (*fn)(void *arg, struct slice address), void *arg, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_EMAILS_OF], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", id);
	sql_bind_i64(q, "most", ACCOUNT_EMAILS_MAX);
	while ((e = sql_step(q)) == ERR_OK) {
		fn(arg, sql_col_text(q, 0));
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

enum err email_owner(struct sql_db *db, struct slice key, int64_t *ret_id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_EMAIL_OWNER], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "address_key", key);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret_id = sql_col_i64(q, 0);
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err account_is_full(struct sql_db *db, int64_t id, bool *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_EMAIL_FULL], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", id);
	sql_bind_i64(q, "most", ACCOUNT_EMAILS_MAX - 1);
	e = sql_step(q);
	sql_end(q);
	if (e == ERR_OK || e == ERR_END) {
		*ret = e == ERR_OK;
		return ERR_OK;
	}
	return e;
}

enum err account_is_admin(struct sql_db *db, int64_t id, bool *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_ACCOUNT_ADMIN], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "id", id);
	e = sql_step(q);
	if (e == ERR_OK) {
		*ret = sql_col_i64(q, 0) != 0;
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}
