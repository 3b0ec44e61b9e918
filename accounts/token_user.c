/*
 * Users of the storage: the rules, and what follows from them.
 */
#include "accounts/token_user.h"

#include <math.h>

#include "accounts/accounts_priv.h"
#include "accounts/gone.h"

/* ---- what is there ---- */

static enum err take_row(struct sql_query *q, struct arena *arena, struct token_user *u)
{
	u->uid = sql_col_i64(q, 0);
	u->generation = sql_col_i64(q, 2);
	u->keys_changed_ms = sql_col_i64(q, 3);
	u->replaced_ms = sql_col_i64(q, 5);
	enum err e = arena_copy(arena, sql_col_text(q, 1), &u->node);
	return e == ERR_OK ? arena_copy(arena, sql_col_text(q, 4), &u->client_state) : e;
}

enum err token_user_find(struct sql_db *db, struct arena *arena, struct slice fxa_uid,
    struct token_user_rows *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_TOKEN_USER_FIND], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "fxa_uid", fxa_uid);
	sql_bind_i64(q, "most", TOKEN_USER_ROWS);
	ret->n = 0;
	while (ret->n < TOKEN_USER_ROWS && (e = sql_step(q)) == ERR_OK) {
		e = take_row(q, arena, &ret->rows[ret->n++]);
		if (e != ERR_OK) {
			break;
		}
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

/* ---- the rules ---- */

/* A comparison with something that is not known is false. */
static bool is_less(int64_t a, int64_t b)
{
	return a != 0 && b != 0 && a < b;
}

static bool is_old_state(const struct token_user_rows *rows, struct slice state)
{
	for (unsigned i = 1; i < rows->n; i++) {
		if (slice_eq(rows->rows[i].client_state, state)) {
			return true;
		}
	}
	return false;
}

/* Of a user whose current row has other keys than the claims. */
static enum token_verdict judge_other_keys(const struct token_user_rows *rows,
    const struct token_user *u, const struct token_claims *claims)
{
	if (claims->client_state.len == 0 || is_old_state(rows, claims->client_state)) {
		return TOKEN_BAD_CLIENT_STATE;
	}
	bool has_later_password =
	    claims->generation == 0 || u->generation == 0 || claims->generation > u->generation;
	bool has_later_keys = claims->keys_changed_ms == 0 || u->keys_changed_ms == 0 ||
			      claims->keys_changed_ms > u->keys_changed_ms;
	return has_later_password && has_later_keys ? TOKEN_ANEW : TOKEN_BAD_CLIENT_STATE;
}

enum token_verdict token_user_judge(
    const struct token_user_rows *rows, const struct token_claims *claims)
{
	const struct token_user *u = &rows->rows[0];

	if (rows->n == 0) {
		return TOKEN_NEW;
	}
	if (is_less(u->keys_changed_ms, claims->keys_changed_ms) &&
	    is_less(claims->generation, claims->keys_changed_ms)) {
		return TOKEN_BAD_KEYS_CHANGED;
	}
	enum token_verdict other = slice_eq(u->client_state, claims->client_state)
				       ? TOKEN_USE
				       : judge_other_keys(rows, u, claims);
	if (token_verdict_is_refusal(other)) {
		return other;
	}
	if (is_less(claims->generation, u->generation)) {
		return TOKEN_BAD_GENERATION;
	}
	if (is_less(claims->keys_changed_ms, u->keys_changed_ms) ||
	    (claims->keys_changed_ms == 0 && u->keys_changed_ms != 0)) {
		return TOKEN_BAD_KEYS_CHANGED;
	}
	if (u->replaced_ms != 0 && u->generation != TOKEN_USER_RETIRED) {
		return TOKEN_AGAIN;
	}
	if (other == TOKEN_ANEW) {
		return TOKEN_ANEW;
	}
	return claims->generation > u->generation || claims->keys_changed_ms > u->keys_changed_ms
		   ? TOKEN_RAISE
		   : TOKEN_USE;
}

/* ---- nodes ---- */

static enum err users_of(struct sql_db *db, struct slice node, int64_t *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(db, &accounts_stmts[STMT_TOKEN_NODE_USERS], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "node", node);
	e = sql_step(q);
	*ret = e == ERR_OK ? sql_col_i64(q, 0) : 0;
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err count_on(struct txn *t, struct slice node, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_TOKEN_NODE_ADD], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "node", node);
	return sql_finish(q);
}

/*
 * The node that is emptiest for its size: least log(users) / log(capacity), as the peers choose.
 * ERR_NOT_FOUND: all are full.
 */
static enum err choose_node(
    struct txn *t, struct slice nodes, struct slice *ret, struct err_note *note)
{
	struct slice rest = nodes, row;
	double best = HUGE_VAL;
	enum err e = ERR_OK;

	*ret = SLICE_EMPTY;
	while (e == ERR_OK && slice_split(&rest, ',', &row)) {
		size_t equals = slice_find(row, '=', 0);
		struct slice node = slice_trim(slice_sub(row, 0, equals));
		uint64_t capacity = INT32_MAX;
		int64_t users = 0;
		if (equals < row.len &&
		    slice_to_u64(slice_trim(slice_sub(row, equals + 1, row.len)), INT32_MAX,
			&capacity) != ERR_OK) {
			continue;
		}
		e = users_of(t->db, node, &users, note);
		double load = log((double)users + 1) / log((double)capacity + 2);
		if (e == ERR_OK && users < (int64_t)capacity && load < best) {
			best = load;
			*ret = node;
		}
	}
	if (e == ERR_OK && nodes.len > 0) {
		e = ret->len == 0 ? ERR_NOT_FOUND : count_on(t, *ret, note);
	}
	return e;
}

/* ---- what follows ---- */

static enum err insert(
    struct txn *t, const struct token_claims *claims, struct token_user *u, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_TOKEN_USER_INSERT], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "fxa_uid", claims->fxa_uid);
	sql_bind_text(q, "node", u->node);
	sql_bind_i64(q, "generation", u->generation);
	sql_bind_i64(q, "keys_changed_ms", u->keys_changed_ms);
	sql_bind_text(q, "client_state", u->client_state);
	sql_bind_i64(q, "now_ms", t->now_ms);
	e = sql_step(q);
	if (e == ERR_OK) {
		u->uid = sql_col_i64(q, 0);
		e = sql_step(q);
	}
	sql_end(q);
	return e == ERR_END ? ERR_OK : e;
}

static enum err replace_others(
    struct txn *t, struct slice fxa_uid, int64_t uid, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_TOKEN_USER_REPLACE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "fxa_uid", fxa_uid);
	sql_bind_i64(q, "uid", uid);
	sql_bind_i64(q, "now_ms", t->now_ms);
	return sql_finish(q);
}

static enum err raise_values(struct txn *t, const struct token_user *u, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_TOKEN_USER_RAISE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_i64(q, "uid", u->uid);
	sql_bind_i64(q, "generation", u->generation);
	sql_bind_i64(q, "keys_changed_ms", u->keys_changed_ms);
	return sql_finish(q);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* u learns what the claims know better. */
static void learn(struct token_user *u, const struct token_claims *claims)
{
	u->generation = later(u->generation, claims->generation);
	u->keys_changed_ms = later(u->keys_changed_ms, claims->keys_changed_ms);
	u->client_state = claims->client_state;
	u->replaced_ms = 0;
}

/* A new row, which takes the place of all others. */
static enum err add_row(
    struct txn *t, const struct token_claims *claims, struct token_user *u, struct err_note *note)
{
	learn(u, claims);
	enum err e = insert(t, claims, u, note);
	return e == ERR_OK ? replace_others(t, claims->fxa_uid, u->uid, note) : e;
}

enum err token_user_settle(struct txn *t, const struct token_claims *claims, struct slice nodes,
    bool may_create, enum token_verdict *ret, struct token_user *ret_user, struct err_note *note)
{
	struct token_user_rows *rows = arena_alloc(t->arena, sizeof(*rows));
	struct token_user u = { .node = SLICE_EMPTY, .client_state = SLICE_EMPTY };
	enum err e = rows == NULL ? ERR_MEMORY
				  : token_user_find(t->db, t->arena, claims->fxa_uid, rows, note);

	if (e != ERR_OK) {
		return e;
	}
	enum token_verdict verdict = token_user_judge(rows, claims);
	if (verdict == TOKEN_NEW && !may_create) {
		verdict = TOKEN_NO_NEW_USERS;
	}
	if (rows->n > 0) {
		u = rows->rows[0];
	}
	if (verdict == TOKEN_NEW || verdict == TOKEN_AGAIN) {
		e = choose_node(t, nodes, &u.node, note);
		verdict = e == ERR_NOT_FOUND ? TOKEN_NO_NODE : verdict;
		e = e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	if (e == ERR_OK &&
	    (verdict == TOKEN_NEW || verdict == TOKEN_AGAIN || verdict == TOKEN_ANEW)) {
		e = add_row(t, claims, &u, note);
	} else if (e == ERR_OK && verdict == TOKEN_RAISE) {
		learn(&u, claims);
		e = raise_values(t, &u, note);
	}
	if (e == ERR_OK) {
		*ret = verdict;
		*ret_user = u;
	}
	return e;
}

enum err token_user_retire(struct txn *t, struct slice fxa_uid, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_TOKEN_USER_RETIRE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "fxa_uid", fxa_uid);
	sql_bind_i64(q, "generation", TOKEN_USER_RETIRED);
	sql_bind_i64(q, "now_ms", t->now_ms);
	e = sql_finish(q);
	return e == ERR_OK ? store_gone_put(t, fxa_uid, note) : e;
}

enum err token_user_outdate(
    struct txn *t, struct slice fxa_uid, int64_t generation, struct err_note *note)
{
	struct sql_query *q;
	enum err e = sql_begin(t->db, &accounts_stmts[STMT_TOKEN_USER_OUTDATE], &q, note);

	if (e != ERR_OK) {
		return e;
	}
	sql_bind_text(q, "fxa_uid", fxa_uid);
	sql_bind_i64(q, "generation", generation);
	return sql_finish(q);
}
