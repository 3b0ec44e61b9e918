/*
 * What the token server says to those who get no token.
 */
#include "core/base/clock.h"
#include "core/obs/log.h"
#include "services/sync/fx.h"
#include "services/sync/sync_backoff.h"
#include "services/sync/token_server_priv.h"

enum {
	RETRY_S = 10
};

enum err token_refuse(struct op_call *c, const struct token_refusal *r)
{
	struct fx_answer a;
	struct slice body = SLICE_EMPTY;
	enum err e = fx_begin(c, &a);

	if (e != ERR_OK) {
		return e;
	}
	fx_put_text(&a, "status", slice_str(r->state));
	json_put_name(&a.json, SLICE("errors"));
	json_begin_array(&a.json);
	json_begin_object(&a.json);
	fx_put_text(&a, "location", slice_str(r->location));
	fx_put_text(&a, "name", slice_str(r->name));
	fx_put_text(&a, "description", slice_str(r->text));
	json_end_object(&a.json);
	json_end_array(&a.json);
	json_end_object(&a.json);
	e = buf_finish(a.body, &body);
	if (e != ERR_OK) {
		return e;
	}
	if (r->status == 401) {
		http_add_header(c->req, SLICE("WWW-Authenticate"), SLICE("Bearer, BrowserID"));
	}
	const char *now = arena_printf(c->arena, "%lld", (long long)(clock_wall_ms() / 1000));
	http_add_header(c->req, SLICE("X-Timestamp"), slice_str(now));
	http_reply(c->req, r->status, SLICE("application/json"), body);
	return ERR_OK;
}

enum err token_refuse_header(
    struct op_call *c, const char *state, const char *name, const char *text)
{
	const struct token_refusal r = { 401, state, "header", name, text };

	LOG(LOG_INFO, "sync", "token_refused", LOG_C("status", state), LOG_C("detail", text));
	return token_refuse(c, &r);
}

bool token_server_owns_path(struct slice path)
{
	return slice_starts(path, SLICE("/token/")) || slice_eq(path, SLICE("/1.0/sync/1.5")) ||
	       slice_starts(path, SLICE("/1.0/webhooks/"));
}

void token_add_retry(struct op_call *c)
{
	const char *text = arena_printf(c->arena, "%u", sync_backoff_retry_s(c, RETRY_S));

	if (text != NULL) {
		http_add_header(c->req, SLICE("Retry-After"), slice_str(text));
		http_add_header(c->req, SLICE("X-Backoff"), slice_str(text));
	}
}

void token_server_error(struct op_call *c, enum err e)
{
	const struct token_refusal r = { err_http_status(e), "error", "internal", "", err_text(e) };

	if (r.status == 503) {
		token_add_retry(c);
	}
	if (r.status == 500) {
		LOG(LOG_WARN, "sync", "failed", LOG_C("op", c->op->name), LOG_C("err", err_name(e)),
		    LOG_C("detail", c->note.text));
	}
	if (token_refuse(c, &r) != ERR_OK) {
		http_reply_text(c->req, r.status, err_text(e));
	}
}

enum err token_refuse_verdict(struct op_call *c, enum token_verdict verdict)
{
	static const struct token_refusal refusals[TOKEN_VERDICTS] = {
		[TOKEN_NO_NEW_USERS] = { 403, "new-users-disabled", "body", "",
		    "New users are not allowed" },
		[TOKEN_BAD_CLIENT_STATE] = { 401, "invalid-client-state", "header",
		    "X-Client-State", "Unacceptable client-state value" },
		[TOKEN_BAD_GENERATION] = { 401, "invalid-generation", "body", "",
		    "Older than what was seen before" },
		[TOKEN_BAD_KEYS_CHANGED] = { 401, "invalid-keysChangedAt", "body", "",
		    "Older than what was seen before, or newer than the account" },
		[TOKEN_NO_NODE] = { 503, "error", "internal", "", "Unable to get a node" },
	};
	const struct token_refusal *r = &refusals[verdict];

	if (r->status == 503) {
		token_add_retry(c);
	}
	LOG(LOG_INFO, "sync", "token_refused", LOG_C("status", r->state), LOG_C("detail", r->text));
	return token_refuse(c, r);
}
