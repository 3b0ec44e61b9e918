/*
 * Who calls the REST API: a member by the token of a session, as bearer or in a cookie, or the
 * app's own server by its key. Tokens are 256 random bits; only their hashes are stored.
 */
#include "accounts/account.h"
#include "accounts/staged.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "services/pairs/api.h"
#include "services/pairs/pairs_db.h"

enum {
	TOKEN_BYTES = 32,
	TOKEN_TEXT_MAX = 100
};

static struct slice bearer(const struct op_call *c)
{
	struct slice value = http_header_get(c->req, SLICE("Authorization"));
	const struct slice scheme = SLICE("Bearer ");

	if (value.ptr == NULL || value.len <= scheme.len ||
	    !slice_eq_nocase(slice_sub(value, 0, scheme.len), scheme)) {
		return SLICE_EMPTY;
	}
	return slice_trim(slice_sub(value, scheme.len, value.len));
}

/* Does a page of another origin send this with the browser's cookie? */
static bool is_foreign(const struct op_call *c)
{
	struct slice origin = http_header_get(c->req, SLICE("Origin"));
	struct slice host = http_host(c->req);
	size_t at = 0;

	if (origin.ptr == NULL || http_method(c->req) == HTTP_GET) {
		return false;
	}
	at = slice_starts(origin, SLICE("https://"))  ? 8
	     : slice_starts(origin, SLICE("http://")) ? 7
						      : 0;
	return at == 0 || !slice_eq_nocase(slice_sub(origin, at, origin.len), host);
}

static bool turn_away(struct api_call *a, enum err *ret)
{
	http_add_header(a->c->req, SLICE("WWW-Authenticate"), SLICE("Bearer"));
	*ret = api_refuse(a, 401, "unauthorized", "sign in first");
	return false;
}

/* ---- members ---- */

/* What of a session's row is looked at beside the member. */
struct session {
	int64_t reset_ms, created_ms, expires_ms;
};

static enum err find_session(struct api_call *a, struct session *s)
{
	struct sql_query *q;
	enum err e = pairs_find(a->env->db, PAIRS_SESSION_FIND,
	    PAIRS_VALUES(PAIRS_T("token_hash", slice_str(a->token_hash))), &q, &a->c->note);

	if (e != ERR_OK) {
		return e;
	}
	*s = (struct session){ .reset_ms = sql_col_i64(q, 1),
		.created_ms = sql_col_i64(q, 2),
		.expires_ms = sql_col_i64(q, 3) };
	e = pairs_user_take(q, 4 - 1, a->c->arena, &a->user); /* account_id is its second column */
	a->user.id = sql_col_i64(q, 0);
	if (a->user.couple != 0 && !sql_col_is_null(q, 13)) {
		int64_t one = sql_col_i64(q, 13), two = sql_col_i64(q, 14);
		a->partner = one == a->user.id ? two : one;
		a->head = sql_col_i64(q, 15);
	}
	sql_end(q);
	return e;
}

/* The account behind it: gone, locked, or with another password than then. */
static enum err check_account(struct api_call *a, const struct session *s, bool *ret)
{
	struct account account;
	enum err e = account_by_id(a->env->db, a->c->arena, a->user.account, &account, &a->c->note);

	*ret = e == ERR_OK && !account.is_locked && account.password_reset_ms == s->reset_ms;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static bool authorise_member(struct api_call *a, enum err *ret)
{
	struct slice token = bearer(a->c);
	struct session s;
	bool is_good = false;

	if (token.len == 0) {
		token = http_cookie(a->c->req, SLICE("pairs_session"));
		if (token.ptr != NULL && is_foreign(a->c)) {
			return turn_away(a, ret);
		}
	}
	if (token.ptr == NULL || token.len == 0 || token.len > TOKEN_TEXT_MAX) {
		return turn_away(a, ret);
	}
	enum err e = token_hash(token, a->token_hash);
	if (e == ERR_OK) {
		e = find_session(a, &s);
	}
	if (e == ERR_NOT_FOUND) {
		return turn_away(a, ret);
	}
	if (e == ERR_OK && (s.expires_ms <= a->now_ms || s.created_ms < a->user.not_before_ms)) {
		return turn_away(a, ret);
	}
	if (e == ERR_OK) {
		e = check_account(a, &s, &is_good);
	}
	if (e != ERR_OK) {
		*ret = e;
		return false;
	}
	return is_good ? true : turn_away(a, ret);
}

/* ---- the app's own server ---- */

static bool authorise_server(struct api_call *a, enum err *ret)
{
	struct slice key = bearer(a->c);
	struct slice wanted = slice_str(conf_str(a->env->conf, "pairs", "publish_key_sha256"));
	char hash[TOKEN_HASH_HEX + 1];

	if (wanted.len == 0 || key.len == 0) {
		return turn_away(a, ret);
	}
	enum err e = token_hash(key, hash);
	if (e != ERR_OK) {
		*ret = e;
		return false;
	}
	return slice_eq_secret(slice_str(hash), wanted) ? true : turn_away(a, ret);
}

bool api_authorise(struct api_call *a, enum err *ret)
{
	switch (a->row->who) {
	case API_OPEN:
		return true;
	case API_SERVER:
		return authorise_server(a, ret);
	case API_MEMBER:
	case API_COUPLE:
		break;
	}
	if (!authorise_member(a, ret)) {
		return false;
	}
	if (a->row->who == API_COUPLE && a->partner == 0) {
		*ret = api_refuse(a, 404, "unpaired", "there is no partner yet");
		return false;
	}
	return true;
}

enum err api_new_token(struct api_call *a, struct slice *ret_token, struct slice *ret_hash)
{
	unsigned char bytes[TOKEN_BYTES];
	char hash[TOKEN_HASH_HEX + 1];
	struct buf *text = arena_buf(a->c->arena, TOKEN_TEXT_MAX);

	if (text == NULL) {
		return ERR_MEMORY;
	}
	rng_bytes(bytes, sizeof(bytes));
	enc_base64url(text, SLICE_OF(bytes, sizeof(bytes)));
	enum err e = buf_finish(text, ret_token);
	if (e == ERR_OK) {
		e = token_hash(*ret_token, hash);
	}
	return e == ERR_OK ? arena_copy(a->c->arena, slice_str(hash), ret_hash) : e;
}
