/*
 * See symbols_login.h.
 */
#include "services/symbols/symbols_login.h"

#include "accounts/staged.h"
#include "services/symbols/symbols_db.h"

enum {
	SECOND_MS = 1000
};

enum err symbols_login_find(struct sql_db *db, struct arena *arena, struct slice token,
    int64_t now_ms, struct slice *ret_email, struct err_note *note)
{
	char hash[TOKEN_HASH_HEX + 1];
	struct sql_query *q = NULL;

	if (token.ptr == NULL || token.len != SYMBOLS_LOGIN_CHARS) {
		return ERR_NOT_FOUND;
	}
	enum err e = token_hash(token, hash);
	if (e == ERR_OK) {
		e = symbols_begin(db, SYMBOLS_LOGIN_GET, &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "key_hash", slice_str(hash));
	e = sql_step(q);
	if (e == ERR_OK) {
		e = sql_col_i64(q, 1) > now_ms ? arena_copy(arena, sql_col_text(q, 0), ret_email)
					       : ERR_NOT_FOUND;
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

static enum err run_with(struct sql_db *db, enum symbols_stmt stmt, const char *name,
    struct slice text, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, stmt, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, name, text);
	return sql_finish(q);
}

static enum err remove_old(struct sql_db *db, int64_t now_ms, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_LOGINS_OVER, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "now_ms", now_ms);
	sql_bind_i64(q, "most", SYMBOLS_LOGINS_MAX);
	return sql_finish(q);
}

enum err symbols_login_add(
    struct sql_db *db, struct slice hash, struct slice email, int64_t now_ms, struct err_note *note)
{
	struct sql_query *q;
	enum err e = symbols_begin(db, SYMBOLS_LOGIN_NEW, &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "key_hash", hash);
	sql_bind_text(q, "email", email);
	sql_bind_i64(q, "created_ms", now_ms);
	sql_bind_i64(q, "expires_ms", now_ms + (int64_t)SYMBOLS_LOGIN_S * SECOND_MS);
	e = sql_finish(q);
	e = e == ERR_OK ? run_with(db, SYMBOLS_LOGINS_MANY, "email", email, note) : e;
	return e == ERR_OK ? remove_old(db, now_ms, note) : e;
}

enum err symbols_login_remove(struct sql_db *db, struct slice hash, struct err_note *note)
{
	return run_with(db, SYMBOLS_LOGIN_DELETE, "key_hash", hash, note);
}
