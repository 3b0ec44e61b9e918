/*
 * OAuth, as Firefox uses it (sync.md 6.3, 6.4): a code for a browser that signs in on our page,
 * access tokens for the token server and the profile, refresh tokens for Firefox on phones.
 */
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "accounts/staged.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "services/sync/fx.h"

enum {
	CODE_MS = 10 * 60 * 1000,
	ACCESS_DEFAULT_S = 3600,
	ACCESS_MAX_S = 6 * 3600,
	CLIENT_ID_HEX = 16,
	STATE_MAX = 256,
	VERIFIER_MAX = 128,
	CHALLENGE_LEN = 43, /* base64url of SHA-256 */
	JWE_MAX = 4096
};

static const char urn_redirect[] = "urn:ietf:wg:oauth:2.0:oob:oauth-redirect-webchannel";

/* ---- what is asked for ---- */

/* Words of printable ASCII without quotes, one space between them. */
static bool is_scope(struct slice scope)
{
	for (size_t i = 0; i < scope.len; i++) {
		char c = scope.ptr[i];
		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\') {
			return false;
		}
	}
	return scope.len > 0 && scope.len <= ACCESS_SCOPE_MAX;
}

static bool has_word(struct slice scope, struct slice word)
{
	struct slice rest = scope, piece;

	while (slice_split(&rest, ' ', &piece)) {
		if (slice_eq(piece, word)) {
			return true;
		}
	}
	return false;
}

/* Is everything in part also in whole? */
static bool is_part(struct slice part, struct slice whole)
{
	struct slice rest = part, piece;

	while (slice_split(&rest, ' ', &piece)) {
		if (piece.len > 0 && !has_word(whole, piece)) {
			return false;
		}
	}
	return true;
}

static bool take_scope(const struct json *body, struct slice *ret)
{
	return fx_take_text(body, "scope", ACCESS_SCOPE_MAX, ret) && is_scope(*ret);
}

static bool take_client(const struct json *body, struct slice *ret)
{
	return fx_take_hex(body, "client_id", CLIENT_ID_HEX, ret);
}

/* Seconds that an access token is to live: less than the most on request. */
static int64_t take_ttl_s(const struct json *body)
{
	int64_t ttl = ACCESS_DEFAULT_S;

	if (!json_get_i64(json_member(body, "ttl"), &ttl) || ttl < 1) {
		return ACCESS_DEFAULT_S;
	}
	return ttl > ACCESS_MAX_S ? ACCESS_MAX_S : ttl;
}

/* ---- POST /v1/oauth/authorization: the page asks for a code ---- */

static const char *take_request(const struct json *body, struct firefox_code *code,
    struct slice *ret_state, enum fx_errno *ret_number)
{
	struct slice method, access;

	*ret_number = FX_OAUTH_UNKNOWN_CLIENT;
	if (!take_client(body, &code->client_id)) {
		return "Unknown client";
	}
	*ret_number = FX_OAUTH_SCOPE;
	if (!take_scope(body, &code->scope)) {
		return "Requested scopes are not allowed";
	}
	*ret_number = FX_OAUTH_CHALLENGE;
	if (!fx_take_text(body, "code_challenge", CHALLENGE_LEN, &code->challenge) ||
	    code->challenge.len != CHALLENGE_LEN ||
	    !fx_take_text(body, "code_challenge_method", 8, &method) ||
	    !slice_eq(method, SLICE("S256"))) {
		return "PKCE with S256 is required";
	}
	*ret_number = FX_OAUTH_PARAMETER;
	if (!fx_take_text(body, "state", STATE_MAX, ret_state)) {
		return "state is missing";
	}
	if (json_member(body, "keys_jwe") != NULL &&
	    !fx_take_text(body, "keys_jwe", JWE_MAX, &code->keys_jwe)) {
		return "keys_jwe is too long";
	}
	code->is_offline =
	    fx_take_text(body, "access_type", 16, &access) && slice_eq(access, SLICE("offline"));
	return NULL;
}

static enum err random_hex(struct op_call *c, struct slice *ret)
{
	uint8_t bytes[FX_TOKEN_BYTES];
	struct buf *hex = fx_buf(c, FX_TOKEN_HEX);

	if (hex == NULL) {
		return ERR_MEMORY;
	}
	rng_bytes(bytes, sizeof(bytes));
	enc_hex(hex, SLICE_OF(bytes, sizeof(bytes)));
	return buf_finish(hex, ret);
}

enum err fx_authorization(struct op_call *c)
{
	const struct json *body = NULL;
	struct fx_who who;
	struct slice state, code_text = SLICE_EMPTY;
	char hash[TOKEN_HASH_HEX + 1];
	struct fx_change change = { .kind = FX_PUT_CODE };
	struct fx_changed changed;
	struct fx_answer a;
	enum fx_errno number = FX_OAUTH_PARAMETER;
	enum err e = ERR_OK;

	if (!fx_session(c, &who, &e) || !fx_take_body(c, &body, &e)) {
		return e;
	}
	const char *problem = take_request(body, &change.code, &state, &number);
	if (problem != NULL) {
		return fx_refuse(c, 400, number, problem);
	}
	e = random_hex(c, &code_text);
	if (e == ERR_OK) {
		e = token_hash(code_text, hash);
	}
	if (e == ERR_OK) {
		change.code.hash = slice_str(hash);
		change.code.account_id = who.account.id;
		change.code.session_id = who.client.id;
		change.code.expires_ms = clock_wall_ms() + CODE_MS;
		e = fx_change(c, &change, &changed);
	}
	if (e == ERR_OK) {
		e = fx_begin(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	fx_put_text(&a, "code", code_text);
	fx_put_text(&a, "state", state);
	fx_put_text(&a, "redirect", slice_str(urn_redirect));
	return fx_send(&a);
}

/* ---- tokens ---- */

/* What a grant came to. */
struct grant {
	const struct account *account;
	const struct firefox_account *fx;
	struct slice owner; /* session or refresh token that the access token belongs to */
	struct slice client_id, scope;
	int64_t ttl_s;
	bool wants_refresh;
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
	enum err e = random_hex(c, ret);

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

static enum err answer_grant(struct op_call *c, const struct grant *g)
{
	struct slice access = SLICE_EMPTY, refresh = SLICE_EMPTY;
	struct fx_answer a;
	enum err e = make_access(c, g, &access);

	if (e == ERR_OK && g->wants_refresh) {
		e = make_refresh(c, g, &refresh);
	}
	if (e == ERR_OK) {
		e = fx_begin(c, &a);
	}
	if (e != ERR_OK) {
		return e;
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
	if (!take_client(body, &client) || !slice_eq(client, code->client_id)) {
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
		.ttl_s = take_ttl_s(body),
		.wants_refresh = code.is_offline,
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
	if (!take_client(body, &client)) {
		return fx_refuse(c, 400, FX_OAUTH_UNKNOWN_CLIENT, "Unknown client");
	}
	if (!take_scope(body, &scope)) {
		return fx_refuse(c, 400, FX_OAUTH_SCOPE, "Requested scopes are not allowed");
	}
	const struct grant g = { .account = &who.account,
		.fx = &who.fx,
		.owner = who.client.id,
		.client_id = client,
		.scope = scope,
		.ttl_s = take_ttl_s(body),
		.wants_refresh = fx_take_text(body, "access_type", 16, &access) &&
				 slice_eq(access, SLICE("offline")),
		.keys_jwe = SLICE_EMPTY,
		.auth_at_ms = who.client.created_ms };
	return answer_grant(c, &g);
}

/* The browser that a refresh token belongs to. ERR_NOT_FOUND: none any more. */
static enum err find_refresh(struct op_call *c, struct slice token, struct fx_who *who)
{
	const struct svc_env *env = c->env;
	char hash[TOKEN_HASH_HEX + 1];
	enum err e = token_hash(token, hash);

	if (e == ERR_OK) {
		e = firefox_client_find(env->db, c->arena, slice_str(hash), &who->client, &c->note);
	}
	if (e == ERR_OK && who->client.is_session) {
		e = ERR_NOT_FOUND;
	}
	if (e == ERR_OK) {
		e = account_by_id(
		    env->db, c->arena, who->client.account_id, &who->account, &c->note);
	}
	if (e == ERR_OK) {
		e = firefox_account_find(
		    env->db, c->arena, who->client.account_id, &who->fx, &c->note);
	}
	return e;
}

static enum err grant_refresh(struct op_call *c, const struct json *body)
{
	struct slice token, scope;
	struct fx_who who;
	enum err e = ERR_NOT_FOUND;

	if (fx_take_hex(body, "refresh_token", FX_TOKEN_HEX, &token)) {
		e = find_refresh(c, token, &who);
	}
	if (e == ERR_NOT_FOUND ||
	    (e == ERR_OK &&
		(who.client.reset_ms != who.account.password_reset_ms || who.account.is_locked))) {
		return fx_refuse(c, 400, FX_OAUTH_TOKEN, "Invalid token");
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!take_scope(body, &scope)) {
		scope = who.client.scope;
	}
	if (!is_part(scope, who.client.scope)) {
		return fx_refuse(c, 400, FX_OAUTH_SCOPE, "Requested scopes are not allowed");
	}
	const struct grant g = { .account = &who.account,
		.fx = &who.fx,
		.owner = who.client.id,
		.client_id = who.client.client_id,
		.scope = scope,
		.ttl_s = take_ttl_s(body),
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

/* ---- POST /v1/oauth/destroy ---- */

static enum err destroy_refresh(struct op_call *c, struct slice token)
{
	struct fx_who who;
	struct fx_changed changed;
	enum err e = find_refresh(c, token, &who);

	if (e == ERR_NOT_FOUND) {
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	const struct fx_change change = {
		.kind = FX_END_CLIENT, .account_id = who.account.id, .client = who.client
	};
	return fx_change(c, &change, &changed);
}

static enum err destroy_access(struct op_call *c, struct slice token)
{
	struct access_token t;
	char hash[TOKEN_HASH_HEX + 1];
	struct fx_changed changed;
	enum err e = access_token_read(accounts_keys(c->env), c->arena, token, &t);

	if (e == ERR_SYNTAX || e == ERR_DENIED) {
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = token_hash(token, hash);
	}
	if (e != ERR_OK || t.expires_ms <= clock_wall_ms()) {
		return e;
	}
	const struct fx_change change = { .kind = FX_REVOKE,
		.code = { .hash = slice_str(hash), .expires_ms = t.expires_ms } };
	return fx_change(c, &change, &changed);
}

/* A token that is none is as good as destroyed (RFC 7009). */
enum err fx_destroy(struct op_call *c)
{
	static const char *const names[] = { "token", "refresh_token", "access_token" };
	const struct json *body = NULL;
	struct slice token = SLICE_EMPTY;
	enum err e = ERR_OK;

	if (!fx_take_body(c, &body, &e)) {
		return e;
	}
	for (size_t i = 0; token.len == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		(void)fx_take_text(body, names[i], ACCESS_TOKEN_MAX, &token);
	}
	if (token.len == 0) {
		return fx_refuse(c, 400, FX_OAUTH_PARAMETER, "token is missing");
	}
	e = fx_is_hex(token, FX_TOKEN_HEX) ? destroy_refresh(c, token) : destroy_access(c, token);
	return e == ERR_OK ? fx_send_empty(c) : e;
}

/* POST /v1/verify: another token server asks about an access token of ours. */
enum err fx_verify(struct op_call *c)
{
	const struct json *body = NULL;
	struct slice token, rest, word;
	struct access_token t;
	struct fx_who who;
	struct fx_answer a;
	enum err e = ERR_OK;

	if (!fx_take_body(c, &body, &e)) {
		return e;
	}
	e = fx_take_text(body, "token", ACCESS_TOKEN_MAX, &token) ? fx_access(c, token, &t, &who)
								  : ERR_SYNTAX;
	if (e == ERR_SYNTAX || e == ERR_UNAUTHENTICATED) {
		return fx_refuse(c, 400, FX_OAUTH_TOKEN, "Invalid token");
	}
	if (e == ERR_OK) {
		e = fx_begin(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	fx_put_text(&a, "user", t.uid);
	fx_put_text(&a, "client_id", t.client_id);
	json_put_name(&a.json, SLICE("scope"));
	json_begin_array(&a.json);
	for (rest = t.scope; slice_split(&rest, ' ', &word);) {
		json_put_string(&a.json, word);
	}
	json_end_array(&a.json);
	fx_put_number(&a, "generation", t.generation);
	return fx_send(&a);
}
