/*
 * Accounts of Firefox: their names and wrapped keys.
 */
#include "accounts/firefox.h"

#include "accounts/accounts_priv.h"
#include "accounts/token_user.h"

static enum err take_account(struct sql_query *q, struct arena *arena, struct firefox_account *a)
{
	a->account_id = sql_col_i64(q, 0);
	a->keys_ms = sql_col_i64(q, 2);
	enum err e = arena_copy(arena, sql_col_text(q, 1), &a->uid);
	if (e == ERR_OK) {
		e = arena_copy(arena, sql_col_text(q, 3), &a->key_print);
	}
	if (e == ERR_OK) {
		e = arena_copy(arena, sql_col_text(q, 4), &a->wrap_kb);
	}
	return e == ERR_OK ? arena_copy(arena, sql_col_text(q, 5), &a->recovery) : e;
}

/* Ends a lookup whose parameter is bound. */
static enum err find(struct sql_query *q, struct arena *arena, struct firefox_account *ret)
{
	struct firefox_account a = { .account_id = 0 };
	enum err e = sql_step(q);

	if (e == ERR_OK) {
		e = take_account(q, arena, &a);
	}
	sql_end(q);
	if (e == ERR_OK) {
		*ret = a;
	}
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err firefox_account_find(struct sql_db *db, struct arena *arena, int64_t account_id,
    struct firefox_account *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_FIREFOX_ACCOUNT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	return find(q, arena, ret);
}

enum err firefox_account_by_uid(struct sql_db *db, struct arena *arena, struct slice uid,
    struct firefox_account *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_FIREFOX_ACCOUNT_BY_UID], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "uid", uid);
	return find(q, arena, ret);
}

enum err firefox_account_need(struct txn *t, int64_t account_id, struct slice new_uid,
    struct firefox_account *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_ACCOUNT_PUT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	sql_bind_text(q, "uid", new_uid);
	sql_bind_i64(q, "now_ms", t->now_ms);
	e = sql_finish(q);
	return e == ERR_OK ? firefox_account_find(t->db, t->arena, account_id, ret, note) : e;
}

enum err firefox_set_keys(struct txn *t, const struct firefox_account *a, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_KEYS_SET], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", a->account_id);
	sql_bind_i64(q, "keys_ms", a->keys_ms);
	sql_bind_text(q, "key_print", a->key_print);
	sql_bind_text(q, "wrap_kb", a->wrap_kb);
	sql_bind_text(q, "recovery", a->recovery);
	return sql_finish(q);
}

enum err firefox_forget(struct txn *t, int64_t account_id, struct err_note *note)
{
	static const enum accounts_stmt stmts[] = { STMT_FIREFOX_CLIENTS_DELETE,
		STMT_FIREFOX_COMMANDS_DELETE, STMT_FIREFOX_ACCOUNT_DELETE };
	struct firefox_account a;
	enum err e = firefox_account_find(t->db, t->arena, account_id, &a, note);

	if (e == ERR_NOT_FOUND) {
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = token_user_retire(t, a.uid, note);
	}
	for (size_t i = 0; e == ERR_OK && i < sizeof(stmts) / sizeof(stmts[0]); i++) {
		e = accounts_run_on(t, stmts[i], "account_id", account_id, note);
	}
	return e;
}

/* ---- what devices ask each other ---- */

enum {
	CLEAN_PER_COMMAND = 16
};

static enum err clean_commands(
    struct txn *t, int64_t account_id, struct slice device_id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_COMMAND_CLEAN], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "now_ms", t->now_ms);
	sql_bind_i64(q, "most", CLEAN_PER_COMMAND);
	e = sql_finish(q);
	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_COMMAND_TRIM], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	sql_bind_text(q, "device_id", device_id);
	sql_bind_i64(q, "most", FIREFOX_COMMANDS_MAX);
	return sql_finish(q);
}

enum err firefox_command_put(
    struct txn *t, int64_t account_id, const struct firefox_command *c, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_COMMAND_PUT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	sql_bind_text(q, "device_id", c->device_id);
	sql_bind_text(q, "sender", c->sender);
	sql_bind_text(q, "command", c->command);
	sql_bind_text(q, "payload", c->payload);
	sql_bind_i64(q, "expires_ms", c->expires_ms);
	e = sql_step(q);
	sql_end(q);
	return e == ERR_OK ? clean_commands(t, account_id, c->device_id, note) : e;
}

static enum err take_command(struct sql_query *q, struct arena *arena, struct firefox_command *c)
{
	c->number = sql_col_i64(q, 0);
	c->expires_ms = sql_col_i64(q, 4);
	enum err e = arena_copy(arena, sql_col_text(q, 1), &c->sender);
	if (e == ERR_OK) {
		e = arena_copy(arena, sql_col_text(q, 2), &c->command);
	}
	return e == ERR_OK ? arena_copy(arena, sql_col_text(q, 3), &c->payload) : e;
}

enum err firefox_commands_after(struct sql_db *db, struct arena *arena, int64_t account_id,
    struct slice device_id, int64_t after, unsigned most, struct firefox_command *ret,
    unsigned *ret_n, struct err_note *note)
{
	struct sql_query *q;
	unsigned n = 0;
	enum err e = sql_begin(db, &accounts_stmts[STMT_FIREFOX_COMMANDS], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	sql_bind_text(q, "device_id", device_id);
	sql_bind_i64(q, "id", after);
	sql_bind_i64(q, "most", most);
	while (n < most && (e = sql_step(q)) == ERR_OK) {
		ret[n] = (struct firefox_command){ .device_id = device_id };
		e = take_command(q, arena, &ret[n++]);
		if (e != ERR_OK) {
			break;
		}
	}
	sql_end(q);
	*ret_n = n;
	return e == ERR_END ? ERR_OK : e;
}
