/*
 * Who proves to be whom: access tokens of our own accounts, those of another accounts server, which
 * is asked ([sync] oauth_verifier) or whose keys are here ([sync] oauth_jwks), and assertions of
 * BrowserID by an address of an account.
 */
#include "accounts/assertion.h"
#include "accounts/outside.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "services/sync/fx.h"
#include "services/sync/jwt.h"
#include "services/sync/token_server.h"

enum {
	TOKEN_TEXT_MAX = 4096 /* bytes of somebody else's access token */
};

static enum err not_proved(struct op_call *c, const char *why, enum token_proof *ret)
{
	(void)!err_note_set(&c->note, ERR_UNAUTHENTICATED, "%s", why);
	*ret = TOKEN_NOT_PROVED;
	return ERR_OK;
}

/* ---- another accounts server ---- */

static bool has_sync_scope_in(const struct json *list)
{
	struct slice word;

	for (size_t i = 0; i < json_count(list); i++) {
		if (json_get_string(json_element(list, i), &word) &&
		    slice_eq(word, SLICE(FX_SCOPE_SYNC))) {
			return true;
		}
	}
	return false;
}

static enum err judge_answer(struct op_call *c, const struct outside_reply *reply,
    struct token_owner *ret_owner, enum token_proof *ret)
{
	const struct json *answer = NULL;
	struct token_owner owner = { .generation = 0 };

	if (reply->status == 400 || reply->status == 401) {
		return not_proved(c, "the accounts server does not know the access token", ret);
	}
	if (reply->status != 200 || json_parse(c->arena, reply->body, &answer, NULL) != ERR_OK) {
		*ret = TOKEN_NOBODY_TO_ASK;
		return ERR_OK;
	}
	if (!fx_take_text(answer, "user", TOKEN_FXA_UID_MAX, &owner.fxa_uid) ||
	    !has_sync_scope_in(json_member(answer, "scope"))) {
		return not_proved(c, "the scope is not that of Sync", ret);
	}
	(void)json_get_i64(json_member(answer, "generation"), &owner.generation);
	owner.generation = owner.generation < 0 ? 0 : owner.generation;
	*ret_owner = owner;
	*ret = TOKEN_PROVED;
	return ERR_OK;
}

static enum err ask_outside(
    struct op_call *c, struct slice token, struct token_owner *ret_owner, enum token_proof *ret)
{
	const struct svc_env *env = c->env;
	struct buf *body = fx_buf(c, OUTSIDE_MAX_BYTES);
	struct buf *message = fx_buf(c, accounts_outside.max_req);
	struct slice text = SLICE_EMPTY;
	struct outside_reply reply;

	if (body == NULL || message == NULL) {
		return ERR_MEMORY;
	}
	struct json_writer w = json_writer_new(body);
	json_begin_object(&w);
	json_put_name(&w, SLICE("token"));
	json_put_string(&w, token);
	json_end_object(&w);
	const struct outside_request r = { SLICE("/v1/verify"), buf_slice(body) };
	outside_put_request(message, &r);
	if (body->failed || message->failed) {
		return ERR_LIMIT;
	}
	enum err e = rpc_call(env->peer[ROLE_COURIER], &accounts_outside, buf_slice(message),
	    c->deadline_us, c->trace, c->arena, &text, &c->note);
	if (e != ERR_OK) {
		return e;
	}
	CHECK(outside_take_reply(text, &reply));
	return judge_answer(c, &reply, ret_owner, ret);
}

/* ---- access tokens ---- */

static bool has_word(struct slice scope, char separator)
{
	struct slice rest = scope, word;

	while (slice_split(&rest, separator, &word)) {
		if (slice_eq(word, SLICE(FX_SCOPE_SYNC))) {
			return true;
		}
	}
	return false;
}

/* A JWT of an accounts server whose keys are here. */
static enum err check_jwt(
    struct op_call *c, struct slice token, struct token_owner *ret_owner, enum token_proof *ret)
{
	const struct sync_state *state = c->state;
	const struct json *claims = NULL;
	struct token_owner owner = { .generation = 0 };
	struct slice scope;
	enum err e = jwt_claims(&state->jwt_keys, c->arena, token, JWT_ACCESS_TOKEN,
	    clock_wall_ms() / 1000, &claims, &c->note);

	if (e == ERR_DENIED) {
		*ret = TOKEN_NOT_PROVED;
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	/* Some separate by commas. */
	if (!fx_take_text(claims, "sub", TOKEN_FXA_UID_MAX, &owner.fxa_uid) ||
	    !json_get_string(json_member(claims, "scope"), &scope) ||
	    (!has_word(scope, ' ') && !has_word(scope, ','))) {
		return not_proved(c, "the scope is not that of Sync", ret);
	}
	(void)json_get_i64(json_member(claims, "fxa-generation"), &owner.generation);
	owner.generation = owner.generation < 0 ? 0 : owner.generation;
	*ret_owner = owner;
	*ret = TOKEN_PROVED;
	return ERR_OK;
}

enum err token_prove_oauth(
    struct op_call *c, struct slice token, struct token_owner *ret_owner, enum token_proof *ret)
{
	const struct svc_env *env = c->env;
	const struct sync_state *state = c->state;
	struct access_token t;
	struct fx_who who;
	bool asks = *conf_str(env->conf, "sync", "oauth_verifier") != '\0';
	enum err e = fx_access(c, token, &t, &who);

	*ret = TOKEN_NOT_PROVED;
	if (e == ERR_SYNTAX && state->jwt_keys.n > 0 && jwt_looks_like_one(token)) {
		return check_jwt(c, token, ret_owner, ret);
	}
	if (e == ERR_SYNTAX && asks && token.len <= TOKEN_TEXT_MAX) {
		return ask_outside(c, token, ret_owner, ret);
	}
	if (e == ERR_SYNTAX) {
		return not_proved(c, "the access token is none of this server", ret);
	}
	if (e == ERR_UNAUTHENTICATED) {
		return ERR_OK;
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!has_word(t.scope, ' ')) {
		return not_proved(c, "the scope is not that of Sync", ret);
	}
	*ret_owner = (struct token_owner){ .fxa_uid = t.uid, .generation = t.generation };
	*ret = TOKEN_PROVED;
	return ERR_OK;
}

/* ---- assertions ---- */

/* Firefox's name of an account, which it gets if it has none. */
static enum err name_of(
    struct op_call *c, const struct account *account, struct firefox_account *ret)
{
	const struct svc_env *env = c->env;
	uint8_t random[FIREFOX_UID_HEX / 2];
	struct buf *hex = fx_buf(c, FIREFOX_UID_HEX);
	struct fx_changed changed;
	enum err e = firefox_account_find(env->db, c->arena, account->id, ret, &c->note);

	if (e != ERR_NOT_FOUND) {
		return e;
	}
	if (hex == NULL) {
		return ERR_MEMORY;
	}
	rng_bytes(random, sizeof(random));
	enc_hex(hex, SLICE_OF(random, sizeof(random)));
	const struct fx_change change = {
		.kind = FX_NEED_NAME, .account_id = account->id, .new_uid = buf_slice(hex)
	};
	e = fx_change(c, &change, &changed);
	if (e == ERR_OK) {
		*ret = changed.account;
	}
	return e;
}

enum err token_prove_assertion(
    struct op_call *c, struct slice bundle, struct token_owner *ret_owner, enum token_proof *ret)
{
	const struct sync_state *state = c->state;
	const struct svc_env *env = c->env;
	struct assertion_result result;
	struct slice key = SLICE_EMPTY;
	struct account account;
	struct firefox_account fx;
	enum err e = accounts_verify_assertion(c, bundle, slice_str(state->url.origin), &result);

	if (e == ERR_UNSUPPORTED) {
		return not_proved(c, "assertions are not taken here", ret);
	}
	if (e == ERR_OK && result.reason != NULL) {
		return not_proved(c, result.reason, ret);
	}
	if (e == ERR_OK) {
		e = email_key(c->arena, result.email, &key);
	}
	if (e == ERR_OK) {
		e = account_by_address(env->db, c->arena, key, &account, &c->note);
	}
	if (e == ERR_NOT_FOUND || (e == ERR_OK && account.is_locked)) {
		return not_proved(c, "no account has this address", ret);
	}
	if (e == ERR_OK) {
		e = name_of(c, &account, &fx);
	}
	if (e == ERR_OK) {
		*ret_owner = (struct token_owner){ .fxa_uid = fx.uid,
			.generation = fx_generation(&account, &fx),
			.keys_changed_ms = fx.keys_ms };
		*ret = TOKEN_PROVED;
	}
	return e;
}
