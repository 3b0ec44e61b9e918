/*
 * POST /v1/oauth/token: a code, a session or a refresh token becomes an access token, for the token
 * server and the profile; Firefox on phones gets a refresh token as well (sync.md 6.3, 6.4).
 */
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "accounts/staged.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "services/sync/fx_oauth.h"

enum {
	VERIFIER_MAX = 128,
	CHALLENGE_LEN = 43 /* base64url of SHA-256 */
};

/* What a grant came to. */
struct grant {
	const struct account *account;
	const struct firefox_account *fx;
	struct slice owner; /* session or refresh token that the access token belongs to */
	struct slice client_id, scope;
	int64_t ttl_s;
	bool wants_refresh, wants_session;
	struct slice keys_jwe; /* or empty */
	int64_t auth_at_ms;
};

static enum err make_access(struct op_call *c, const struct grant *g, struct slice *ret)
{
	struct buf *text = fx_buf(c, ACCESS_TOKEN_MAX);
	const struct access_token t = { .account_id = g->account->id,
		.uid = g->fx->uid,
		.client_id = g->client_id,
		.scope = g->scope,
		.owner = g->owner,
		.generation = fx_generation(g->account, g->fx),
		.expires_ms = clock_wall_ms() + g->ttl_s * 1000 };

	if (text == NULL) {
		return ERR_MEMORY;
	}
	enum err e = access_token_make(accounts_keys(c->env), &t, text);
	return e == ERR_OK ? buf_finish(text, ret) : e;
}

static enum err make_refresh(struct op_call *c, const struct grant *g, struct slice *ret)
{
	char hash[TOKEN_HASH_HEX + 1];
	struct fx_changed changed;
	enum err e = fx_random_hex(c, ret);

	if (e == ERR_OK) {
		e = token_hash(*ret, hash);
	}
	if (e != ERR_OK) {
		return e;
	}
	const struct fx_change change = { .kind = FX_ADD_CLIENT,
		.client = { .id = slice_str(hash),
		    .account_id = g->account->id,
		    .client_id = g->client_id,
		    .scope = g->scope,
		    .reset_ms = g->account->password_reset_ms } };
	return fx_change(c, &change, &changed);
}

/* Firefox on phones asks for a session of its own beside the refresh token. */
static enum err make_session(struct op_call *c, const struct grant *g, struct slice *ret)
{
	struct fx_opening o = { .wants_keys = false };
	struct firefox_account unused;
	enum err e = fx_open_session(c, g->account, g->client_id, &o, &unused);

	*ret = fx_opening_session(c, &o);
	OPENSSL_cleanse(&o, sizeof(o));
	return e;
}

static enum err answer_grant(struct op_call *c, const struct grant *g)
{
	struct slice access = SLICE_EMPTY, refresh = SLICE_EMPTY, session = SLICE_EMPTY;
	struct fx_answer a;
	enum err e = make_access(c, g, &access);

	if (e == ERR_OK && g->wants_refresh) {
		e = make_refresh(c, g, &refresh);
	}
	if (e == ERR_OK && g->wants_session) {
		e = make_session(c, g, &session);
	}
	if (e == ERR_OK) {
		e = fx_begin(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (g->wants_session) {
		fx_put_text(&a, "session_token", session);
	}
	fx_put_text(&a, "access_token", access);
	if (g->wants_refresh) {
		fx_put_text(&a, "refresh_token", refresh);
	}
	fx_put_text(&a, "token_type", SLICE("bearer"));
	fx_put_number(&a, "expires_in", g->ttl_s);
	fx_put_text(&a, "scope", g->scope);
	fx_put_number(&a, "auth_at", g->auth_at_ms / 1000);
	if (g->keys_jwe.len > 0) {
		fx_put_text(&a, "keys_jwe", g->keys_jwe);
	}
	return fx_send(&a);
}

/* base64url(SHA-256(verifier)) */
static bool challenge_is_met(struct slice verifier, struct slice challenge)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	struct buf text = buf_new(64);

	if (SHA256((const unsigned char *)verifier.ptr, verifier.len, digest) == NULL) {
		return false;
	}
	enc_base64url(&text, SLICE_OF(digest, sizeof(digest)));
	bool is_met = !text.failed && slice_eq_secret(buf_slice(&text), challenge);
	buf_free(&text);
	return is_met;
}

/* Whose code it is, as far as it is good. NULL, or the words of the refusal with its number. */
static const char *judge_code(
    const struct json *body, const struct firefox_code *code, enum fx_errno *ret_number)
{
	struct slice client, verifier;

	*ret_number = FX_OAUTH_CODE_MISMATCH;
	if (!fx_take_client(body, &client) || !slice_eq(client, code->client_id)) {
		return "Incorrect code: of another client";
	}
	*ret_number = FX_OAUTH_CODE_EXPIRED;
	if (code->expires_ms <= clock_wall_ms()) {
		return "Expired code";
	}
	*ret_number = FX_OAUTH_CHALLENGE;
	if (!fx_take_text(body, "code_verifier", VERIFIER_MAX, &verifier) ||
	    !challenge_is_met(verifier, code->challenge)) {
		return "Incorrect code_verifier";
	}
	return NULL;
}

static enum err find_owner(struct op_call *c, const struct firefox_code *code, struct fx_who *who)
{
	const struct svc_env *env = c->env;
	enum err e = account_by_id(env->db, c->arena, code->account_id, &who->account, &c->note);

	if (e == ERR_OK) {
		e = firefox_account_find(env->db, c->arena, code->account_id, &who->fx, &c->note);
	}
	if (e == ERR_OK) {
		e = firefox_client_find(
		    env->db, c->arena, code->session_id, &who->client, &c->note);
	}
	/* A new password has ended the session that the code came from. */
	if (e == ERR_OK && who->client.reset_ms != who->account.password_reset_ms) {
		e = ERR_NOT_FOUND;
	}
	return e;
}

static enum err grant_code(struct op_call *c, const struct json *body)
{
	const struct svc_env *env = c->env;
	struct slice text;
	char hash[TOKEN_HASH_HEX + 1];
	struct firefox_code code;
	struct fx_changed changed;
	struct fx_who who;
	enum fx_errno number = FX_OAUTH_UNKNOWN_CODE;

	if (!fx_take_hex(body, "code", FX_TOKEN_HEX, &text)) {
		return fx_refuse(c, 400, number, "Unknown code");
	}
	enum err e = token_hash(text, hash);
	if (e == ERR_OK) {
		e = firefox_code_find(env->db, c->arena, slice_str(hash), &code, &c->note);
	}
	if (e == ERR_NOT_FOUND) {
		return fx_refuse(c, 400, number, "Unknown code");
	}
	const char *problem = e == ERR_OK ? judge_code(body, &code, &number) : NULL;
	if (problem != NULL) {
		return fx_refuse(c, 400, number, problem);
	}
	if (e == ERR_OK) {
		e = find_owner(c, &code, &who);
	}
	if (e == ERR_OK) {
		const struct fx_change change = { .kind = FX_TAKE_CODE,
			.code = { .hash = slice_str(hash) } };
		e = fx_change(c, &change, &changed);
	}
	if (e == ERR_NOT_FOUND || (e == ERR_OK && changed.outcome != FX_DONE)) {
		return fx_refuse(c, 400, FX_OAUTH_UNKNOWN_CODE, "Unknown code");
	}
	if (e != ERR_OK) {
		return e;
	}
	const struct grant g = { .account = &who.account,
		.fx = &who.fx,
		.owner = who.client.id,
		.client_id = code.client_id,
		.scope = code.scope,
		.ttl_s = fx_take_ttl_s(body),
		.wants_refresh = code.is_offline,
		.wants_session = fx_scope_is_part(SLICE(FX_SCOPE_SESSION), code.scope),
		.keys_jwe = code.keys_jwe,
		.auth_at_ms = code.created_ms };
	return answer_grant(c, &g);
}

static enum err grant_session(struct op_call *c, const struct json *body)
{
	struct fx_who who;
	struct slice client, scope, access;
	enum err e = ERR_OK;

	if (!fx_session(c, &who, &e)) {
		return e;
	}
	if (!fx_take_client(body, &client)) {
		return fx_refuse(c, 400, FX_OAUTH_UNKNOWN_CLIENT, "Unknown client");
	}
	if (!fx_take_scope(body, &scope)) {
		return fx_refuse(c, 400, FX_OAUTH_SCOPE, "Requested scopes are not allowed");
	}
	const struct grant g = { .account = &who.account,
		.fx = &who.fx,
		.owner = who.client.id,
		.client_id = client,
		.scope = scope,
		.ttl_s = fx_take_ttl_s(body),
		.wants_refresh = fx_take_text(body, "access_type", 16, &access) &&
				 slice_eq(access, SLICE("offline")),
		.keys_jwe = SLICE_EMPTY,
		.auth_at_ms = who.client.created_ms };
	return answer_grant(c, &g);
}

static enum err grant_refresh(struct op_call *c, const struct json *body)
{
	struct slice token, scope;
	struct fx_who who;
	enum err e = ERR_NOT_FOUND;

	if (fx_take_hex(body, "refresh_token", FX_TOKEN_HEX, &token)) {
		e = fx_find_refresh(c, token, &who);
	}
	if (e == ERR_NOT_FOUND ||
	    (e == ERR_OK &&
		(who.client.reset_ms != who.account.password_reset_ms || who.account.is_locked))) {
		return fx_refuse(c, 400, FX_OAUTH_TOKEN, "Invalid token");
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!fx_take_scope(body, &scope)) {
		scope = who.client.scope;
	}
	if (!fx_scope_is_part(scope, who.client.scope)) {
		return fx_refuse(c, 400, FX_OAUTH_SCOPE, "Requested scopes are not allowed");
	}
	const struct grant g = { .account = &who.account,
		.fx = &who.fx,
		.owner = who.client.id,
		.client_id = who.client.client_id,
		.scope = scope,
		.ttl_s = fx_take_ttl_s(body),
		.keys_jwe = SLICE_EMPTY,
		.auth_at_ms = who.client.created_ms };
	return answer_grant(c, &g);
}

/* POST /v1/oauth/token */
enum err fx_token(struct op_call *c)
{
	const struct json *body = NULL;
	struct slice type = SLICE("authorization_code"); /* what it is when nobody says */
	enum err e = ERR_OK;

	if (!fx_take_body(c, &body, &e)) {
		return e;
	}
	(void)fx_take_text(body, "grant_type", 64, &type);
	if (slice_eq(type, SLICE("authorization_code"))) {
		return grant_code(c, body);
	}
	if (slice_eq(type, SLICE("fxa-credentials"))) {
		return grant_session(c, body);
	}
	if (slice_eq(type, SLICE("refresh_token"))) {
		return grant_refresh(c, body);
	}
	return fx_refuse(c, 400, FX_OAUTH_PARAMETER, "Unknown grant_type");
}
