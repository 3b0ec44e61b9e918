/*
 * Staged changes in the database.
 */
#include "accounts/staged.h"

#include <openssl/sha.h>
#include <string.h>

#include "accounts/account.h"
#include "accounts/accounts_priv.h"

enum {
	CLEAN_PER_PUT = 16
};

enum err token_hash(struct slice token, char out[TOKEN_HASH_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[SHA256_DIGEST_LENGTH];

	/* What is left in digest then would be everybody's. */
	if (SHA256((const unsigned char *)token.ptr, token.len, digest) == NULL) {
		return ERR_CRYPTO;
	}
	for (size_t i = 0; i < sizeof(digest); i++) {
		out[2 * i] = digits[digest[i] >> 4];
		out[2 * i + 1] = digits[digest[i] & 15];
	}
	out[TOKEN_HASH_HEX] = '\0';
	return ERR_OK;
}

static const char *const kind_names[STAGED_KINDS] = {
	[STAGED_NEW] = "new",
	[STAGED_ADD] = "add",
	[STAGED_RESET] = "reset",
	[STAGED_REVERIFY] = "reverify",
	[STAGED_TRANSITION] = "transition",
};

const char *staged_kind_name(enum staged_kind kind)
{
	return kind_names[kind];
}

static enum err kind_from_name(struct slice name, enum staged_kind *ret)
{
	for (int i = 0; i < STAGED_KINDS; i++) {
		if (slice_eq(name, slice_str(kind_names[i]))) {
			*ret = (enum staged_kind)i;
			return ERR_OK;
		}
	}
	return ERR_CORRUPT;
}

static enum err take_row(
    struct sql_query *q, struct arena *arena, struct staged *s, struct err_note *note)
{
	enum err e = arena_copy(arena, sql_col_text(q, 0), &s->token_hash);

	if (e == ERR_OK) {
		e = arena_copy(arena, sql_col_text(q, 1), &s->address_key);
	}
	if (e == ERR_OK) {
		e = arena_copy(arena, sql_col_text(q, 2), &s->address);
	}
	s->account_id = sql_col_is_null(q, 4) ? 0 : sql_col_i64(q, 4);
	s->has_password = !sql_col_is_null(q, 5);
	if (e == ERR_OK && s->has_password) {
		e = arena_copy(arena, sql_col_text(q, 5), &s->password_hash);
	}
	if (e == ERR_OK &&
	    kdf_from_text(sql_col_text(q, 6), sql_col_text(q, 7), &s->kdf) != ERR_OK) {
		e = err_note_set(note, ERR_CORRUPT, "a staged row has an unknown kdf");
	}
	s->created_ms = sql_col_i64(q, 8);
	s->expires_ms = sql_col_i64(q, 9);
	if (e == ERR_OK && kind_from_name(sql_col_text(q, 10), &s->kind) != ERR_OK) {
		e = err_note_set(note, ERR_CORRUPT, "a staged row has an unknown kind");
	}
	s->mails = sql_col_i64(q, 11);
	return e;
}

static enum err find(struct sql_db *db, struct arena *arena, enum accounts_stmt stmt,
    const char *column, struct slice value, int64_t now_ms, struct staged *ret,
    struct err_note *note)
{
	struct staged s = { .account_id = 0 };
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, column, value);
	e = sql_step(q);
	if (e == ERR_OK) {
		e = take_row(q, arena, &s, note);
	} else if (e == ERR_END) {
		e = ERR_NOT_FOUND;
	}
	sql_end(q);
	if (e == ERR_OK && s.expires_ms <= now_ms) {
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		*ret = s;
	}
	return e;
}

enum err staged_by_token(struct sql_db *db, struct arena *arena, struct slice hash, int64_t now_ms,
    struct staged *ret, struct err_note *note)
{
	return find(db, arena, STMT_STAGED_BY_TOKEN, "token_hash", hash, now_ms, ret, note);
}

enum err staged_by_address(struct sql_db *db, struct arena *arena, struct slice key, int64_t now_ms,
    struct staged *ret, struct err_note *note)
{
	return find(db, arena, STMT_STAGED_BY_ADDRESS, "address_key", key, now_ms, ret, note);
}

static enum err clean(struct txn *t, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_STAGED_CLEAN], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "now_ms", t->now_ms);
	sql_bind_i64(q, "most", CLEAN_PER_PUT);
	return sql_finish(q);
}

static void bind_row(struct sql_query *q, const struct staged *s, struct slice key)
{
	sql_bind_text(q, "token_hash", s->token_hash);
	sql_bind_text(q, "address_key", key);
	sql_bind_text(q, "address", s->address);
	sql_bind_i64(q, "new_account", s->kind == STAGED_NEW ? 1 : 0);
	if (s->kind == STAGED_NEW) {
		sql_bind_null(q, "account_id");
	} else {
		sql_bind_i64(q, "account_id", s->account_id);
	}
	if (s->has_password) {
		sql_bind_text(q, "password_hash", s->password_hash);
	} else {
		sql_bind_null(q, "password_hash");
	}
	sql_bind_text(q, "kdf", slice_str(kdf_name(s->kdf.kind)));
	sql_bind_text(q, "kdf_salt", slice_str(s->kdf.salt));
	sql_bind_i64(q, "created_ms", s->created_ms);
	sql_bind_i64(q, "expires_ms", s->expires_ms);
	sql_bind_text(q, "kind", slice_str(kind_names[s->kind]));
	sql_bind_i64(q, "mails", s->mails);
	sql_bind_text(q, "test_token", s->test_token);
}

enum err staged_put(struct txn *t, const struct staged *s, struct err_note *note)
{
	struct slice key;
	struct sql_query *q = NULL;
	enum err e = email_key(t->arena, s->address, &key);

	if (e == ERR_OK) {
		e = clean(t, note);
	}
	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_STAGED_PUT], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	bind_row(q, s, key);
	return sql_finish(q);
}

enum err staged_take(struct txn *t, struct slice hash, struct staged *ret, struct err_note *note)
{
	struct sql_query *q = NULL;
	enum err e = staged_by_token(t->db, t->arena, hash, t->now_ms, ret, note);

	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_STAGED_DELETE], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "token_hash", hash);
	return sql_finish(q);
}

enum err staged_waits_more(struct sql_db *db, int64_t account_id, int64_t most, int64_t now_ms,
    bool *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_STAGED_WAITING], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	sql_bind_i64(q, "now_ms", now_ms);
	sql_bind_i64(q, "most", most);
	e = sql_step(q);
	sql_end(q);
	if (e == ERR_OK || e == ERR_END) {
		*ret = e == ERR_OK;
		return ERR_OK;
	}
	return e;
}

enum err staged_test_token(struct sql_db *db, struct arena *arena, struct slice key,
    struct slice *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_STAGED_TEST_TOKEN], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "address_key", key);
	e = sql_step(q);
	if (e == ERR_OK) {
		e = arena_copy(arena, sql_col_text(q, 0), ret);
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err staged_forget(struct txn *t, int64_t account_id, struct err_note *note)
{
	return accounts_run_on(t, STMT_STAGED_DELETE_OF, "account_id", account_id, note);
}

enum err staged_forget_resets(struct txn *t, int64_t account_id, struct err_note *note)
{
	return accounts_run_on(t, STMT_STAGED_DELETE_RESETS, "account_id", account_id, note);
}

enum err staged_forget_claim(
    struct txn *t, struct slice key, int64_t account_id, struct err_note *note)
{
	return accounts_run_on_address(t, STMT_STAGED_DELETE_CLAIM, key, account_id, note);
}
