/*
 * The caller and the couple over the REST API.
 */
#include "accounts/staged.h"
#include "services/pairs/api.h"
#include "services/pairs/pairs_db.h"

/* The couple's two members, the caller first. */
static enum err put_couple(struct api_call *a)
{
	struct pairs_user partner;
	enum err e = pairs_user_get(a->env->db, a->c->arena, a->partner, &partner, &a->c->note);

	if (e != ERR_OK) {
		return e;
	}
	json_begin_object(&a->out);
	pairs_put_id(&a->out, "id", a->user.couple);
	json_put_name(&a->out, SLICE("head"));
	json_put_i64(&a->out, a->head);
	json_put_name(&a->out, SLICE("users"));
	json_begin_array(&a->out);
	pairs_user_put(&a->out, &a->user, a->now_ms);
	pairs_user_put(&a->out, &partner, a->now_ms);
	json_end_array(&a->out);
	json_end_object(&a->out);
	return ERR_OK;
}

/* The couple of a->user into a->partner and a->head; 0 and 0 if there is none. */
static enum err find_couple(struct api_call *a)
{
	struct sql_query *q;

	a->partner = a->head = 0;
	if (a->user.couple == 0) {
		return ERR_OK;
	}
	enum err e = pairs_find(a->env->db, PAIRS_COUPLE_GET,
	    PAIRS_VALUES(PAIRS_N("id", a->user.couple)), &q, &a->c->note);
	if (e == ERR_OK) {
		int64_t one = sql_col_i64(q, 0), two = sql_col_i64(q, 1);
		a->partner = one == a->user.id ? two : one;
		a->head = sql_col_i64(q, 2);
		sql_end(q);
	}
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err api_put_me(struct api_call *a)
{
	enum err e = find_couple(a);

	if (e != ERR_OK) {
		return e;
	}
	json_put_name(&a->out, SLICE("user"));
	pairs_user_put(&a->out, &a->user, a->now_ms);
	json_put_name(&a->out, SLICE("couple"));
	if (a->partner != 0) {
		return put_couple(a);
	}
	json_put_null(&a->out);
	return ERR_OK;
}

static enum err answer_me(struct api_call *a)
{
	enum err e = api_begin(a);

	if (e != ERR_OK) {
		return e;
	}
	json_begin_object(&a->out);
	e = api_put_me(a);
	json_end_object(&a->out);
	return e == ERR_OK ? api_send(a, a->row->success) : e;
}

enum err api_get_me(struct api_call *a)
{
	return answer_me(a);
}

enum err api_get_couple(struct api_call *a)
{
	enum err e = api_begin(a);

	if (e == ERR_OK) {
		e = put_couple(a);
	}
	return e == ERR_OK ? api_send(a, a->row->success) : e;
}

enum err api_edit_me(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_EDIT_USER,
		.user = a->user.id,
		.couple = a->user.couple,
		.name = api_text(a, "first_name"),
		.avatar = api_text(a, "avatar"),
		.options = api_text(a, "options") };
	struct pairs_changed changed;
	enum err e = ERR_OK;

	r.given = api_given(a, "first_name", PAIRS_GIVEN_NAME) |
		  api_given(a, "avatar", PAIRS_GIVEN_AVATAR) |
		  api_given(a, "options", PAIRS_GIVEN_OPTIONS);
	if (r.given == 0) {
		return api_refuse(a, 400, "invalid", "there is nothing to change");
	}
	if (!api_change(a, &r, &changed, &e)) {
		return e;
	}
	e = pairs_user_get(a->env->db, a->c->arena, a->user.id, &a->user, &a->c->note);
	return e == ERR_OK ? answer_me(a) : e;
}

/* ---- becoming a couple and parting ---- */

enum err api_accept(struct api_call *a)
{
	char hash[TOKEN_HASH_HEX + 1];
	struct pairs_change_req r = {
		.kind = PAIRS_ACCEPT, .user = a->user.id, .new_id = pairs_new_id()
	};
	struct pairs_changed changed;
	enum err e = token_hash(api_text(a, "token"), hash);

	r.hash = slice_str(hash);
	if (e != ERR_OK || !api_change(a, &r, &changed, &e)) {
		return e;
	}
	a->user.couple = changed.couple;
	return answer_me(a);
}

enum err api_leave(struct api_call *a)
{
	struct pairs_change_req r = {
		.kind = PAIRS_LEAVE, .user = a->user.id, .couple = a->user.couple
	};
	struct pairs_changed changed;
	enum err e = ERR_OK;

	return api_change(a, &r, &changed, &e) ? api_send_empty(a) : e;
}
