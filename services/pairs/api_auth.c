/*
 * Who calls the REST API: a member by the token of a session, as bearer or in a cookie, or the
 * app's own server by its key. Tokens are 256 random bits; only their hashes are stored.
 */
#include "accounts/staged.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "services/pairs/api.h"

enum {
	TOKEN_BYTES = 32,
	TOKEN_TEXT_MAX = 100
};

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

static bool authorise_member(struct api_call *a, enum err *ret)
{
	struct slice token = http_bearer(a->c->req);
	struct pairs_session s;

	if (token.len == 0) {
		token = http_cookie(a->c->req, SLICE("pairs_session"));
		if (token.ptr != NULL && is_foreign(a->c)) {
			return turn_away(a, ret);
		}
	}
	*ret = pairs_session_find(a->env, a->c->arena, token, a->now_ms, &s, &a->c->note);
	if (*ret == ERR_UNAUTHENTICATED) {
		return turn_away(a, ret);
	}
	if (*ret != ERR_OK) {
		return false;
	}
	api_set_session(a, &s);
	return true;
}

/* ---- the app's own server ---- */

static bool authorise_server(struct api_call *a, enum err *ret)
{
	struct slice key = http_bearer(a->c->req);
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
