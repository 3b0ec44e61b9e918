/*
 * /api/tokens/ (symbols.md 1.2): one's own tokens, for people with the permission manage_tokens;
 * administrators of this server manage those of others, too. Of a key only its beginning is known
 * after it was made, so lists have that, and the answer to a new token has the whole key, once.
 */
#include "accounts/account.h"
#include "core/base/clock.h"
#include "services/symbols/people_change.h"
#include "services/symbols/symbols_json.h"
#include "services/symbols/symbols_priv.h"
#include "services/symbols/symbols_who.h"

enum {
	ANSWER_MAX = 1024 * 1024,
	TOKENS_MAX = 1000, /* in an answer */
	NOTES_MAX = 500,   /* bytes */
	DAYS_DEFAULT = 365
};

/* ---- the list ---- */

enum state {
	STATE_LIVE,
	STATE_ALL,
	STATE_EXPIRED
};

struct list {
	struct json_writer w;
	enum state state;
	int64_t now_ms, all, active, shown;
};

static enum err put_token(void *arg, const struct symbols_token *t)
{
	struct list *l = arg;
	bool is_over = t->expires_ms <= l->now_ms;
	char key[SYMBOLS_KEY_START + 4];

	l->all++;
	l->active += is_over ? 0 : 1;
	if ((l->state == STATE_LIVE && is_over) || (l->state == STATE_EXPIRED && !is_over) ||
	    l->shown == TOKENS_MAX) {
		return ERR_OK;
	}
	l->shown++;
	(void)snprintf(key, sizeof(key), "%.*s...", SLICE_ARG(t->key_start));
	json_begin_object(&l->w);
	symbols_put_number(&l->w, SLICE("id"), t->id);
	symbols_put_text(&l->w, SLICE("key"), slice_str(key));
	symbols_put_time(&l->w, SLICE("expires_at"), t->expires_ms);
	symbols_put_flag(&l->w, SLICE("is_expired"), is_over);
	symbols_put_flag(&l->w, SLICE("is_blocked"), t->is_blocked);
	json_put_name(&l->w, SLICE("permissions"));
	symbols_put_permissions(&l->w, t->permissions);
	symbols_put_text(&l->w, SLICE("notes"), t->notes);
	symbols_put_text(&l->w, SLICE("user"), t->email);
	symbols_put_time(&l->w, SLICE("created_at"), t->created_ms);
	json_end_object(&l->w);
	return ERR_OK;
}

static void put_totals(struct list *l)
{
	json_put_name(&l->w, SLICE("totals"));
	json_begin_object(&l->w);
	symbols_put_number(&l->w, SLICE("all"), l->all);
	symbols_put_number(&l->w, SLICE("active"), l->active);
	symbols_put_number(&l->w, SLICE("expired"), l->all - l->active);
	json_end_object(&l->w);
}

/* Whose tokens: "?user=all" and "?user=ADDRESS" are for administrators. */
static enum err choose_owner(
    struct op_call *c, const struct symbols_who *who, struct slice given, struct slice *ret)
{
	*ret = who->email;
	if (given.len == 0) {
		return ERR_OK;
	}
	if (!who->is_admin) {
		return ERR_DENIED;
	}
	return email_key(c->arena, given, ret);
}

static enum state read_state(struct op_call *c)
{
	struct slice value = SLICE_EMPTY;

	(void)http_query_get(c->req, SLICE("state"), &value);
	return slice_eq(value, SLICE("all"))	   ? STATE_ALL
	       : slice_eq(value, SLICE("expired")) ? STATE_EXPIRED
						   : STATE_LIVE;
}

static enum err list_tokens(struct op_call *c, const struct symbols_who *who, struct slice owner)
{
	const struct svc_env *env = c->env;
	struct buf *out = arena_buf(c->arena, ANSWER_MAX);
	struct list l = { .state = read_state(c), .now_ms = clock_wall_ms() };

	if (out == NULL) {
		return ERR_MEMORY;
	}
	l.w = json_writer_new(out);
	json_begin_object(&l.w);
	json_put_name(&l.w, SLICE("tokens"));
	json_begin_array(&l.w);
	enum err e = symbols_token_each(env->db, owner, put_token, &l, &c->note);
	json_end_array(&l.w);
	json_put_name(&l.w, SLICE("permissions"));
	symbols_put_permissions(&l.w, who->permissions);
	put_totals(&l);
	json_end_object(&l.w);
	return e == ERR_OK ? symbols_reply(c, 200, out) : e;
}

enum err symbols_tokens(struct op_call *c)
{
	struct symbols_who who;
	struct slice user = SLICE_EMPTY, owner = SLICE_EMPTY;
	bool good = false;
	enum err e = symbols_who_may(c, SYMBOLS_MANAGE_TOKENS, SYMBOLS_LOOK, &who, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	(void)http_query_get(c->req, SLICE("user"), &user);
	if (slice_eq(user, SLICE("all")) && who.is_admin) {
		return list_tokens(c, &who, SLICE_EMPTY);
	}
	e = choose_owner(c, &who, user, &owner);
	if (e == ERR_DENIED) {
		return symbols_refuse(c, 403, "Forbidden");
	}
	return e == ERR_OK ? list_tokens(c, &who, owner) : e;
}

/* ---- a new one ---- */

/* {"errors": {field: [text]}} */
static enum err refuse_field(struct op_call *c, struct slice field, const char *text)
{
	struct buf *out = arena_buf(c->arena, 1024);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(out);
	json_begin_object(&w);
	json_put_name(&w, SLICE("errors"));
	json_begin_object(&w);
	json_put_name(&w, field);
	json_begin_array(&w);
	json_put_string(&w, slice_str(text));
	json_end_array(&w);
	json_end_object(&w);
	json_end_object(&w);
	return symbols_reply(c, 400, out);
}

/* Numbers with commas, as the list has them. False: not of that form. */
static bool read_permissions(struct slice text, uint32_t *ret)
{
	uint32_t mask = 0;

	for (struct slice piece; slice_split(&text, ',', &piece);) {
		uint64_t id = 0;
		if (slice_to_u64(slice_trim(piece), SYMBOLS_PERMISSIONS, &id) != ERR_OK ||
		    id == 0) {
			return false;
		}
		mask |= 1u << (id - 1);
	}
	*ret = mask;
	return true;
}

static bool read_days(struct op_call *c, struct slice name, int64_t *ret)
{
	struct slice text = SLICE_EMPTY;
	uint64_t days = DAYS_DEFAULT;

	if (http_form_get(c->arena, http_body(c->req), name, &text) && text.len > 0 &&
	    (slice_to_u64(text, SYMBOLS_TOKEN_DAYS_MAX, &days) != ERR_OK || days == 0)) {
		return false;
	}
	*ret = (int64_t)days;
	return true;
}

static enum err reply_made(struct op_call *c, const struct people_changed *made)
{
	const char *text = arena_printf(c->arena, "{\"ok\": true, \"id\": %lld, \"key\": \"%s\"}",
	    (long long)made->id, made->key);

	if (text == NULL) {
		return ERR_MEMORY;
	}
	http_add_header(c->req, SLICE("Cache-Control"), SLICE("no-store"));
	http_reply(c->req, 201, SLICE("application/json"), slice_str(text));
	return ERR_OK;
}

/* Judges the form; *ret_field is of a 400 with *ret_text. */
static enum err read_form(struct op_call *c, const struct symbols_who *who,
    struct people_change *ret, struct slice *ret_field, const char **ret_text)
{
	const uint32_t both = SYMBOLS_UPLOAD | SYMBOLS_UPLOAD_TRY;
	struct slice body = http_body(c->req), permissions = SLICE_EMPTY, user = SLICE_EMPTY;

	ret->notes = SLICE_EMPTY;
	(void)http_form_get(c->arena, body, SLICE("permissions"), &permissions);
	(void)http_form_get(c->arena, body, SLICE("notes"), &ret->notes);
	(void)http_form_get(c->arena, body, SLICE("user"), &user);
	*ret_field = SLICE("permissions");
	if (!read_permissions(permissions, &ret->permissions) || ret->permissions == 0) {
		*ret_text = "a token needs permissions: their numbers, with commas";
	} else if ((ret->permissions & both) == both) {
		*ret_text =
		    "a token uploads either to the regular storage or to that of try builds";
	} else if (!read_days(c, SLICE("expires"), &ret->days)) {
		*ret_field = SLICE("expires");
		*ret_text = "this is no number of days";
	} else if (ret->notes.len > NOTES_MAX) {
		*ret_field = SLICE("notes");
		*ret_text = "the notes are too long";
	} else if (user.len > 0 && slice_find(user, '@', 0) == user.len) {
		*ret_field = SLICE("user");
		*ret_text = "this is no e-mail address";
	}
	if (*ret_text != NULL) {
		return ERR_OK;
	}
	return (ret->permissions & ~who->permissions) != 0
		   ? ERR_DENIED
		   : choose_owner(c, who, user, &ret->email);
}

enum err symbols_token_make(struct op_call *c)
{
	struct symbols_who who;
	struct people_change change = { .kind = PEOPLE_ADD_TOKEN, .hash = SLICE_EMPTY };
	struct people_changed made;
	struct slice field = SLICE_EMPTY;
	const char *text = NULL;
	bool good = false;
	enum err e = symbols_who_may(c, SYMBOLS_MANAGE_TOKENS, SYMBOLS_CHANGE, &who, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	e = read_form(c, &who, &change, &field, &text);
	if (e == ERR_DENIED) {
		return symbols_refuse(c, 403, "Forbidden");
	}
	if (e == ERR_OK && text != NULL) {
		return refuse_field(c, field, text);
	}
	e = e == ERR_OK ? people_change(c, &change, &made) : e;
	return e == ERR_OK ? reply_made(c, &made) : e;
}

/* ---- one that is there ---- */

/* *ret_good false: it is not the caller's, not there, or the caller may nothing; answered. */
static enum err find_token(struct op_call *c, int64_t *ret_id, bool *ret_good)
{
	const struct svc_env *env = c->env;
	struct symbols_who who;
	struct symbols_token token;
	uint64_t id = 0;
	enum err e = symbols_who_may(c, SYMBOLS_MANAGE_TOKENS, SYMBOLS_CHANGE, &who, ret_good);

	if (e != ERR_OK || !*ret_good) {
		return e;
	}
	*ret_good = false;
	if (slice_to_u64(http_param(c->req, "id"), INT64_MAX, &id) != ERR_OK) {
		return symbols_not_found(c);
	}
	e = symbols_token_get(env->db, c->arena, (int64_t)id, &token, &c->note);
	if (e == ERR_NOT_FOUND) {
		return symbols_not_found(c);
	}
	if (e == ERR_OK && !who.is_admin && !slice_eq(token.email, who.email)) {
		return symbols_refuse(c, 403, "Forbidden");
	}
	*ret_good = e == ERR_OK;
	*ret_id = (int64_t)id;
	return e;
}

static enum err change_token(
    struct op_call *c, enum people_change_kind kind, int64_t id, int64_t days)
{
	struct people_changed changed;

	return people_change(c,
	    &(struct people_change){ .kind = kind,
		.id = id,
		.days = days,
		.hash = SLICE_EMPTY,
		.email = SLICE_EMPTY,
		.notes = SLICE_EMPTY },
	    &changed);
}

enum err symbols_token_revoke(struct op_call *c)
{
	int64_t id = 0;
	bool good = false;
	enum err e = find_token(c, &id, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	e = change_token(c, PEOPLE_REVOKE_TOKEN, id, 0);
	if (e == ERR_OK) {
		http_reply(c->req, 200, SLICE("application/json"), SLICE("{\"ok\": true}"));
	}
	return e;
}

enum err symbols_token_extend(struct op_call *c)
{
	int64_t id = 0, days = 0;
	bool good = false;
	enum err e = find_token(c, &id, &good);

	if (e != ERR_OK || !good) {
		return e;
	}
	if (!read_days(c, SLICE("days"), &days)) {
		return refuse_field(c, SLICE("days"), "this is no number of days");
	}
	e = change_token(c, PEOPLE_EXTEND_TOKEN, id, days);
	const char *text =
	    arena_printf(c->arena, "{\"ok\": true, \"days\": %lld}", (long long)days);
	if (e == ERR_OK && text == NULL) {
		e = ERR_MEMORY;
	}
	if (e == ERR_OK) {
		http_reply(c->req, 200, SLICE("application/json"), slice_str(text));
	}
	return e;
}
