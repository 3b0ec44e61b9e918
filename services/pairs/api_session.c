/*
 * Signing in and out over the REST API.
 */
#include "accounts/account.h"
#include "accounts/credential.h"
#include "accounts/staged.h"
#include "core/http/cookie.h"
#include "services/pairs/api.h"
#include "services/pairs/pairs_db.h"
#include "services/pairs/pairs_fanout.h"

enum {
	COOKIE_MAX = 512
};

static void add_cookie(struct api_call *a, struct slice token, int64_t seconds)
{
	struct buf *value = arena_buf(a->c->arena, COOKIE_MAX);
	const struct http_set_cookie cookie = { .name = SLICE("pairs_session"),
		.value = token,
		.max_age_s = seconds,
		.http_only = true,
		.secure = http_is_https(a->c->req),
		.same_site = HTTP_SAME_SITE_STRICT };

	if (value != NULL && http_set_cookie_put(value, &cookie) == ERR_OK) {
		http_add_header(a->c->req, SLICE("Set-Cookie"), buf_slice(value));
	}
}

/* {token, user, couple} of a session that was opened just now. */
static enum err answer_session(struct api_call *a, struct slice token)
{
	enum err e = api_begin(a);

	if (e != ERR_OK) {
		return e;
	}
	add_cookie(a, token, conf_ms(a->env->conf, "pairs", "session_lifetime") / 1000);
	json_begin_object(&a->out);
	json_put_name(&a->out, SLICE("token"));
	json_put_string(&a->out, token);
	e = api_put_me(a);
	json_end_object(&a->out);
	return e == ERR_OK ? api_send(a, 200) : e;
}

/* Has the store open a session, and answers with it. */
static enum err open_session(struct api_call *a, struct pairs_change_req *r)
{
	struct pairs_changed changed;
	struct slice token;
	enum err e = api_new_token(a, &token, &r->session_hash);

	r->session_ms = conf_ms(a->env->conf, "pairs", "session_lifetime");
	if (e != ERR_OK || !api_change(a, r, &changed, &e)) {
		return e;
	}
	e = pairs_user_get(a->env->db, a->c->arena, changed.user, &a->user, &a->c->note);
	if (e == ERR_OK) {
		/* It may have taken the place of the oldest one. */
		pairs_recheck(a->env, a->user.couple, a->user.id);
		e = answer_session(a, token);
	}
	return e;
}

enum err api_verify(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_VERIFY };
	struct slice token = api_text(a, "token");
	char hash[TOKEN_HASH_HEX + 1];
	enum err e = token_hash(token, hash);

	if (e != ERR_OK) {
		return e;
	}
	r.hash = slice_str(hash);
	return open_session(a, &r);
}

static enum err refuse_login(struct api_call *a)
{
	return api_refuse(a, 401, "wrong_credentials", "the address or the password is wrong");
}

/* The address has no account: a sign-up may wait there. Takes as long as if it had one. */
static enum err log_in_unknown(struct api_call *a, struct slice key, const struct credential *given)
{
	static const char dummy[] = "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW";
	const struct kdf plain = { .kind = KDF_PLAIN };
	struct sql_query *q;
	struct slice stored = slice_str(dummy), unused = SLICE_EMPTY;
	bool waits = false, matches = false;
	enum err e = pairs_find(a->env->db, PAIRS_SIGNUP_BY_ADDRESS,
	    PAIRS_VALUES(PAIRS_T("address_key", key)), &q, &a->c->note);

	if (e == ERR_OK) {
		waits = sql_col_i64(q, 8) > a->now_ms;
		e = waits ? arena_copy(a->c->arena, sql_col_text(q, 5), &stored) : ERR_OK;
		sql_end(q);
	}
	if (e == ERR_OK || e == ERR_NOT_FOUND) {
		e = credential_verify(a->c, given, &plain, stored, &matches, &unused);
	}
	if (e != ERR_OK) {
		return e;
	}
	return waits && matches
		   ? api_refuse(a, 403, "unverified", "the mail that was sent is not answered yet")
		   : refuse_login(a);
}

enum err api_log_in(struct api_call *a)
{
	struct slice address, key = SLICE_EMPTY;
	struct account account;
	struct pairs_change_req r = { .kind = PAIRS_LOG_IN, .user = pairs_new_id() };
	const struct credential given = { .text = api_text(a, "password") };
	enum pass_verdict verdict = PASS_WRONG;
	enum err e = ERR_OK;

	if (!api_take_address(a, &address, &key, &e)) {
		return e;
	}
	e = account_by_address(a->env->db, a->c->arena, key, &account, &a->c->note);
	if (e == ERR_NOT_FOUND) {
		return log_in_unknown(a, key, &given);
	}
	if (e == ERR_OK) {
		e = credential_check(a->c, &account, &given, SLICE_EMPTY, key, false, &verdict);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (verdict == PASS_LOCKED) {
		return api_refuse_until(a, 429, "locked", "too many wrong passwords",
		    conf_ms(a->env->conf, "accounts", "lockout"));
	}
	if (verdict != PASS_GOOD) {
		return refuse_login(a);
	}
	if (!account.is_verified) {
		return api_refuse(
		    a, 403, "unverified", "the mail that was sent is not answered yet");
	}
	r.account = account.id;
	return open_session(a, &r);
}

static enum err end_session(struct api_call *a, struct pairs_change_req *r)
{
	struct pairs_changed changed;
	enum err e = ERR_OK;

	if (!api_change(a, r, &changed, &e)) {
		return e;
	}
	pairs_recheck(a->env, a->user.couple, a->user.id);
	add_cookie(a, SLICE_EMPTY, 0);
	return api_send_empty(a);
}

enum err api_log_out(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_LOG_OUT, .hash = slice_str(a->token_hash) };

	return end_session(a, &r);
}

enum err api_log_out_all(struct api_call *a)
{
	struct pairs_change_req r = { .kind = PAIRS_LOG_OUT_ALL, .user = a->user.id };

	return end_session(a, &r);
}
