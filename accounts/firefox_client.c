/*
 * Browsers that are signed in.
 */
#include "accounts/accounts_priv.h"
#include "accounts/firefox.h"

/* The columns that both lookups name. */
static enum err take_client(struct sql_query *q, struct arena *arena, struct firefox_client *c)
{
	struct {
		int column;
		struct slice *place;
	} const texts[] = {
		{ 0, &c->id },
		{ 3, &c->secret },
		{ 4, &c->client_id },
		{ 5, &c->scope },
		{ 6, &c->agent },
		{ 10, &c->device_id },
		{ 11, &c->device_name },
		{ 12, &c->device_type },
		{ 13, &c->device_info },
	};
	enum err e = ERR_OK;

	c->account_id = sql_col_i64(q, 1);
	c->is_session = slice_eq(sql_col_text(q, 2), SLICE("session"));
	c->reset_ms = sql_col_i64(q, 7);
	c->created_ms = sql_col_i64(q, 8);
	c->last_ms = sql_col_i64(q, 9);
	for (size_t i = 0; e == ERR_OK && i < sizeof(texts) / sizeof(texts[0]); i++) {
		e = arena_copy(arena, sql_col_text(q, texts[i].column), texts[i].place);
	}
	return e;
}

enum err firefox_client_find(struct sql_db *db, struct arena *arena, struct slice id,
    struct firefox_client *ret, struct err_note *note)
{
	struct sql_query *q;
	struct firefox_client c = { .id = SLICE_EMPTY };
	enum err e = sql_begin(db, &accounts_stmts[STMT_FIREFOX_CLIENT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "id", id);
	e = sql_step(q);
	if (e == ERR_OK) {
		e = take_client(q, arena, &c);
	}
	sql_end(q);
	if (e == ERR_OK) {
		*ret = c;
	}
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

enum err firefox_clients_of(struct sql_db *db, struct arena *arena, int64_t account_id,
    struct firefox_client *ret, unsigned *ret_n, struct err_note *note)
{
	struct sql_query *q;
	unsigned n = 0;
	enum err e = sql_begin(db, &accounts_stmts[STMT_FIREFOX_CLIENTS_OF], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	sql_bind_i64(q, "most", FIREFOX_CLIENTS_MAX);
	while (n < FIREFOX_CLIENTS_MAX && (e = sql_step(q)) == ERR_OK) {
		e = take_client(q, arena, &ret[n++]);
		if (e != ERR_OK) {
			break;
		}
	}
	sql_end(q);
	*ret_n = n;
	return e == ERR_END ? ERR_OK : e;
}

/* Those of before the last new password, and the longest unseen of those that are too many. */
static enum err make_room(struct txn *t, const struct firefox_client *c, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_CLIENTS_STALE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", c->account_id);
	sql_bind_i64(q, "reset_ms", c->reset_ms);
	e = sql_finish(q);
	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_CLIENTS_TRIM], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", c->account_id);
	sql_bind_i64(q, "most", FIREFOX_CLIENTS_MAX - 1);
	return sql_finish(q);
}

enum err firefox_client_add(struct txn *t, const struct firefox_client *c, struct err_note *note)
{
	struct sql_query *q = NULL;
	enum err e = make_room(t, c, note);

	if (e == ERR_OK) {
		e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_CLIENT_PUT], &q, note);
	}
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "id", c->id);
	sql_bind_i64(q, "account_id", c->account_id);
	sql_bind_text(q, "kind", c->is_session ? SLICE("session") : SLICE("refresh"));
	sql_bind_text(q, "secret", c->secret);
	sql_bind_text(q, "client_id", c->client_id);
	sql_bind_text(q, "scope", c->scope);
	sql_bind_text(q, "agent", c->agent);
	sql_bind_i64(q, "reset_ms", c->reset_ms);
	sql_bind_i64(q, "now_ms", t->now_ms);
	return sql_finish(q);
}

enum err firefox_client_seen(struct txn *t, struct slice id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_CLIENT_SEEN], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "id", id);
	sql_bind_i64(q, "now_ms", t->now_ms);
	return sql_finish(q);
}

enum err firefox_client_set_device(
    struct txn *t, const struct firefox_client *c, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_CLIENT_DEVICE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "id", c->id);
	sql_bind_text(q, "device_id", c->device_id);
	sql_bind_text(q, "device_name", c->device_name);
	sql_bind_text(q, "device_type", c->device_type);
	sql_bind_text(q, "device_info", c->device_info);
	sql_bind_i64(q, "now_ms", t->now_ms);
	return sql_finish(q);
}

enum err firefox_client_end(
    struct txn *t, int64_t account_id, struct slice id, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_FIREFOX_CLIENT_DELETE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "account_id", account_id);
	sql_bind_text(q, "id", id);
	e = sql_finish(q);
	return e == ERR_OK && sql_changes(t->db) == 0 ? ERR_NOT_FOUND : e;
}
