/*
 * POST /v1/oauth/authorization: a code for a browser that signs in on our page (sync.md 6.3).
 */
#include "accounts/staged.h"
#include "core/base/clock.h"
#include "services/sync/fx_oauth.h"

enum {
	CODE_MS = 10 * 60 * 1000,
	STATE_MAX = 256,
	CHALLENGE_LEN = 43, /* base64url of SHA-256 */
	JWE_MAX = 4096
};

static const char urn_redirect[] = "urn:ietf:wg:oauth:2.0:oob:oauth-redirect-webchannel";

static const char *take_request(const struct json *body, struct firefox_code *code,
    struct slice *ret_state, enum fx_errno *ret_number)
{
	struct slice method, access;

	*ret_number = FX_OAUTH_UNKNOWN_CLIENT;
	if (!fx_take_client(body, &code->client_id)) {
		return "Unknown client";
	}
	*ret_number = FX_OAUTH_SCOPE;
	if (!fx_take_scope(body, &code->scope)) {
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
	e = fx_random_hex(c, &code_text);
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
