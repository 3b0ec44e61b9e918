/*
 * POST /v1/oauth/destroy, /v1/verify and /v1/introspect: tokens that end, and what another token
 * server or a browser asks about one.
 */
#include "accounts/staged.h"
#include "core/base/clock.h"
#include "services/sync/fx_oauth.h"

static enum err destroy_refresh(struct op_call *c, struct slice token)
{
	struct fx_who who;
	struct fx_changed changed;
	enum err e = fx_find_refresh(c, token, &who);

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

/* Is a token of either kind still good? */
static enum err is_active(struct op_call *c, struct slice token, bool *ret)
{
	struct access_token unused;
	struct fx_who who;
	enum err e;

	*ret = false;
	if (!fx_is_hex(token, FX_TOKEN_HEX)) {
		e = fx_access(c, token, &unused, &who);
	} else {
		e = fx_find_refresh(c, token, &who);
		if (e == ERR_OK && (who.client.reset_ms != who.account.password_reset_ms ||
				       who.account.is_locked)) {
			e = ERR_NOT_FOUND;
		}
	}
	*ret = e == ERR_OK;
	return e == ERR_SYNTAX || e == ERR_UNAUTHENTICATED || e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* POST /v1/introspect (RFC 7662): a browser asks whether its refresh token is still good. */
enum err fx_introspect(struct op_call *c)
{
	const struct json *body = NULL;
	struct slice token;
	struct fx_answer a;
	bool active = false;
	enum err e = ERR_OK;

	if (!fx_take_body(c, &body, &e)) {
		return e;
	}
	if (!fx_take_text(body, "token", ACCESS_TOKEN_MAX, &token)) {
		return fx_refuse(c, 400, FX_OAUTH_PARAMETER, "token is missing");
	}
	e = is_active(c, token, &active);
	if (e == ERR_OK) {
		e = fx_begin(c, &a);
	}
	if (e != ERR_OK) {
		return e;
	}
	fx_put_flag(&a, "active", active);
	return fx_send(&a);
}
