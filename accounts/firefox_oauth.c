/*
 * What OAuth needs between two requests: codes that wait, tokens that were destroyed.
 */
#include "accounts/accounts_priv.h"
#include "accounts/firefox.h"

enum {
	CLEAN_PER_WRITE = 16
};

/* What has expired, a few at a time. */
static enum err clean(struct txn *t, enum accounts_stmt stmt, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "now_ms", t->now_ms);
	sql_bind_i64(q, "most", CLEAN_PER_WRITE);
	return sql_finish(q);
}

enum err firefox_code_put(struct txn *t, const struct firefox_code *c, struct err_note *note)
{
	struct sql_query *q = NULL;
	enum err e = clean(t, STMT_FIREFOX_CODE_CLEAN, note);

	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_CODE_PUT], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "code_hash", c->hash);
	sql_bind_i64(q, "account_id", c->account_id);
	sql_bind_text(q, "session_id", c->session_id);
	sql_bind_text(q, "client_id", c->client_id);
	sql_bind_text(q, "scope", c->scope);
	sql_bind_text(q, "challenge", c->challenge);
	sql_bind_text(q, "keys_jwe", c->keys_jwe);
	sql_bind_i64(q, "offline", c->is_offline ? 1 : 0);
	sql_bind_i64(q, "now_ms", t->now_ms);
	sql_bind_i64(q, "expires_ms", c->expires_ms);
	return sql_finish(q);
}

static enum err take_code(struct sql_query *q, struct arena *arena, struct firefox_code *c)
{
	struct {
		int column;
		struct slice *place;
	} const texts[] = {
		{ 1, &c->session_id },
		{ 2, &c->client_id },
		{ 3, &c->scope },
		{ 4, &c->challenge },
		{ 5, &c->keys_jwe },
	};
	enum err e = ERR_OK;

	c->account_id = sql_col_i64(q, 0);
	c->is_offline = sql_col_i64(q, 6) != 0;
	c->created_ms = sql_col_i64(q, 7);
	c->expires_ms = sql_col_i64(q, 8);
	for (size_t i = 0; e == ERR_OK && i < sizeof(texts) / sizeof(texts[0]); i++) {
		e = arena_copy(arena, sql_col_text(q, texts[i].column), texts[i].place);
	}
	return e;
}

enum err firefox_code_find(struct sql_db *db, struct arena *arena, struct slice hash,
    struct firefox_code *ret, struct err_note *note)
{
	struct sql_query *q;
	struct firefox_code c = { .hash = hash };
	enum err e = sql_begin(db, &accounts_stmts[STMT_FIREFOX_CODE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "code_hash", hash);
	e = sql_step(q);
	if (e == ERR_OK) {
		e = take_code(q, arena, &c);
	}
	sql_end(q);
	if (e == ERR_OK) {
		*ret = c;
	}
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err firefox_code_take(
    struct txn *t, struct slice hash, struct firefox_code *ret, struct err_note *note)
{
	struct sql_query *q = NULL;
	enum err e = firefox_code_find(t->db, t->arena, hash, ret, note);

	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_CODE_DELETE], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "code_hash", hash);
	return sql_finish(q);
}

enum err firefox_revoke(
    struct txn *t, struct slice token_hash, int64_t expires_ms, struct err_note *note)
{
	struct sql_query *q = NULL;
	enum err e = clean(t, STMT_FIREFOX_REVOKED_CLEAN, note);

	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_REVOKE], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "token_hash", token_hash);
	sql_bind_i64(q, "expires_ms", expires_ms);
	return sql_finish(q);
}

enum err firefox_is_revoked(
    struct sql_db *db, struct slice token_hash, bool *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_FIREFOX_REVOKED], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "token_hash", token_hash);
	e = sql_step(q);
	sql_end(q);
	*ret = e == ERR_OK;
	return e == ERR_END ? ERR_OK : e;
}
