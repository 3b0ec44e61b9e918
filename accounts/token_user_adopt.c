/*
 * Users of another token server, taken over with their numbers.
 */
#include "accounts/accounts_priv.h"
#include "accounts/token_user.h"

enum err token_user_of_uid(struct sql_db *db, struct arena *arena, int64_t uid,
    struct slice *ret_fxa_uid, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_TOKEN_USER_OF_UID], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", uid);
	e = sql_step(q);
	if (e == ERR_OK) {
		e = arena_copy(arena, sql_col_text(q, 0), ret_fxa_uid);
	}
	sql_end(q);
	return e == ERR_END ? ERR_NOT_FOUND : e;
}

static enum err run_on_uid(
    struct txn *t, enum accounts_stmt stmt, int64_t uid, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[stmt], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", uid);
	while ((e = sql_step(q)) == ERR_OK) {
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

enum err token_user_reserve(struct txn *t, int64_t uid, struct err_note *note)
{
	enum err e = run_on_uid(t, STMT_TOKEN_USER_RESERVE, uid, note);

	return e == ERR_OK ? run_on_uid(t, STMT_TOKEN_USER_NUMBERING, uid, note) : e;
}

enum err token_user_adopt(struct txn *t, struct slice fxa_uid, const struct token_user *u,
    int64_t created_ms, struct err_note *note)
{
	struct sql_query *q;
	struct slice owner = SLICE_EMPTY;
	enum err e = token_user_of_uid(t->db, t->arena, u->uid, &owner, note);

	if (e == ERR_OK && !slice_eq(owner, fxa_uid)) {
		return err_note_set(note, ERR_EXISTS,
		    "uid %lld is the user %.*s here and %.*s there: a server takes over others "
		    "before it has users of its own",
		    (long long)u->uid, SLICE_ARG(owner), SLICE_ARG(fxa_uid));
	}
	if (e != ERR_OK && e != ERR_NOT_FOUND) {
		return e;
	}
	e = sql_begin(t->db, &accounts_stmts[STMT_TOKEN_USER_ADOPT], &q, note);
	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", u->uid);
	sql_bind_text(q, "fxa_uid", fxa_uid);
	sql_bind_text(q, "node", u->node);
	sql_bind_i64(q, "generation", u->generation);
	sql_bind_i64(q, "keys_changed_ms", u->keys_changed_ms);
	sql_bind_text(q, "client_state", u->client_state);
	sql_bind_i64(q, "created_ms", created_ms);
	sql_bind_i64(q, "replaced_ms", u->replaced_ms);
	e = sql_finish(q);
	return e == ERR_OK ? run_on_uid(t, STMT_TOKEN_USER_NUMBERING, u->uid, note) : e;
}
