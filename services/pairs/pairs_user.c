/*
 * See pairs_user.h.
 */
#include "services/pairs/pairs_user.h"

#include <stdio.h>

#include "core/base/rng.h"
#include "services/pairs/pairs_db.h"

int64_t pairs_new_id(void)
{
	return (int64_t)(rng_u64() >> 2) + 1;
}

enum err pairs_user_take(
    struct sql_query *q, int column, struct arena *arena, struct pairs_user *ret)
{
	struct pairs_user u = { .id = sql_col_i64(q, column),
		.account = sql_col_i64(q, column + 1),
		.couple = sql_col_i64(q, column + 2),
		.read_seq = sql_col_i64(q, column + 6),
		.not_before_ms = sql_col_i64(q, column + 7),
		.present_ms = sql_col_i64(q, column + 8),
		.away = sql_col_i64(q, column + 9) != 0 };
	enum err e = arena_copy(arena, sql_col_text(q, column + 3), &u.first_name);

	if (e == ERR_OK) {
		e = arena_copy(arena, sql_col_text(q, column + 4), &u.avatar);
	}
	if (e == ERR_OK) {
		e = arena_copy(arena, sql_col_text(q, column + 5), &u.options);
	}
	if (e == ERR_OK) {
		*ret = u;
	}
	return e;
}

static enum err get(struct sql_db *db, enum pairs_stmt stmt, const struct pairs_value *values,
    struct arena *arena, struct pairs_user *ret, struct err_note *note)
{
	struct sql_query *q;
	enum err e = pairs_find(db, stmt, values, &q, note);

	if (e == ERR_OK) {
		e = pairs_user_take(q, 0, arena, ret);
		sql_end(q);
	}
	return e;
}

enum err pairs_user_get(struct sql_db *db, struct arena *arena, int64_t id, struct pairs_user *ret,
    struct err_note *note)
{
	return get(db, PAIRS_USER_GET, PAIRS_VALUES(PAIRS_N("id", id)), arena, ret, note);
}

enum err pairs_user_by_account(struct sql_db *db, struct arena *arena, int64_t account,
    struct pairs_user *ret, struct err_note *note)
{
	return get(db, PAIRS_USER_BY_ACCOUNT, PAIRS_VALUES(PAIRS_N("account_id", account)), arena,
	    ret, note);
}

void pairs_put_id(struct json_writer *json, const char *name, int64_t id)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%lld", (long long)id);

	json_put_name(json, slice_str(name));
	json_put_string(json, SLICE_OF(text, (size_t)n));
}

struct slice pairs_presence_name(enum pairs_presence p)
{
	return p == PAIRS_ONLINE ? SLICE("online")
	       : p == PAIRS_AWAY ? SLICE("away")
				 : SLICE("offline");
}

void pairs_put_id_or_null(struct json_writer *json, const char *name, int64_t id)
{
	if (id != 0) {
		pairs_put_id(json, name, id);
		return;
	}
	json_put_name(json, slice_str(name));
	json_put_null(json);
}

void pairs_user_put(struct json_writer *json, const struct pairs_user *u, int64_t now_ms)
{
	json_begin_object(json);
	pairs_put_id(json, "id", u->id);
	json_put_name(json, SLICE("first_name"));
	json_put_string(json, u->first_name);
	json_put_name(json, SLICE("avatar"));
	if (u->avatar.len == 0) {
		json_put_null(json);
	} else {
		json_put_string(json, u->avatar);
	}
	json_put_name(json, SLICE("options"));
	json_put_raw(json, u->options);
	json_put_name(json, SLICE("read_seq"));
	json_put_i64(json, u->read_seq);
	json_put_name(json, SLICE("presence"));
	json_put_string(json, pairs_presence_name(pairs_presence_of(u, now_ms)));
	json_end_object(json);
}
