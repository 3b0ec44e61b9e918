/*
 * The token server: GET /1.0/sync/1.5.
 */
#include "services/sync/token_server.h"

#include <stdio.h>

#include "core/base/enc.h"
#include "core/obs/log.h"
#include "services/sync/fx.h"
#include "services/sync/token_server_priv.h"

/* ---- headers ---- */

/* KEYS_CHANGED_AT-FINGERPRINT */
static bool take_key_id(struct slice value, struct token_asking *a)
{
	size_t dash = slice_find(value, '-', 0), len = 0;
	uint8_t bytes[TOKEN_STATE_BYTES];
	uint64_t ms = 0;
	struct buf hex = buf_new(2 * TOKEN_STATE_BYTES);

	if (dash == value.len ||
	    slice_to_u64(slice_sub(value, 0, dash), INT64_MAX, &ms) != ERR_OK ||
	    dec_base64url(slice_sub(value, dash + 1, value.len), bytes, sizeof(bytes), &len) !=
		ERR_OK) {
		return false;
	}
	enc_hex(&hex, SLICE_OF(bytes, len));
	a->keys_changed_ms = (int64_t)ms;
	bool is_good = len == sizeof(bytes) &&
		       slice_to_cstr(buf_slice(&hex), a->state, sizeof(a->state)) == ERR_OK;
	buf_free(&hex);
	return is_good;
}

static bool is_client_state(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			c == '.' || c == '_' || c == '-')) {
			return false;
		}
	}
	return s.len >= 1 && s.len <= 2 * TOKEN_STATE_BYTES;
}

/* False: answered. */
static bool take_headers(struct op_call *c, bool is_oauth, struct token_asking *a, enum err *ret)
{
	struct slice key_id = http_header_get(c->req, SLICE("X-KeyID"));
	struct slice state = http_header_get(c->req, SLICE("X-Client-State"));
	static const struct token_refusal malformed = { 400, "error", "header", "X-Client-State",
		"Invalid value" };

	if (state.ptr != NULL && state.len > 0 && !is_client_state(state)) {
		*ret = token_refuse(c, &malformed);
		return false;
	}
	if ((key_id.ptr != NULL || is_oauth) && (key_id.ptr == NULL || !take_key_id(key_id, a))) {
		*ret = token_refuse_header(c, "invalid-key-id", "X-KeyID", "Missing or malformed");
		return false;
	}
	if (state.ptr == NULL || state.len == 0) {
		return true;
	}
	if (a->state[0] == '\0') {
		/* Of an assertion, which has no X-KeyID. */
		(void)snprintf(a->state, sizeof(a->state), "%.*s", SLICE_ARG(state));
	} else if (!slice_eq(state, slice_str(a->state))) {
		*ret = token_refuse_header(
		    c, "invalid-client-state", "X-Client-State", "It does not fit X-KeyID");
		return false;
	}
	return true;
}

static bool cut_scheme(struct slice *value, struct slice scheme)
{
	if (value->len <= scheme.len ||
	    !slice_eq_nocase(slice_sub(*value, 0, scheme.len), scheme)) {
		return false;
	}
	*value = slice_trim(slice_sub(*value, scheme.len, value->len));
	return value->len > 0;
}

/* The proof that came with the request. False: answered. */
static bool prove(struct op_call *c, struct token_asking *a, bool *ret_oauth, enum err *ret)
{
	static const struct token_refusal away = { 503, "error", "internal", "",
		"Resource is not available" };
	struct slice value = http_header_get(c->req, SLICE("Authorization"));
	enum token_proof proof = TOKEN_NOT_PROVED;

	*ret = ERR_OK;
	*ret_oauth = value.ptr != NULL && cut_scheme(&value, SLICE("Bearer "));
	if (*ret_oauth) {
		*ret = token_prove_oauth(c, value, &a->owner, &proof);
	} else if (value.ptr != NULL && cut_scheme(&value, SLICE("BrowserID "))) {
		*ret = token_prove_assertion(c, value, &a->owner, &proof);
	} else {
		(void)!err_note_set(&c->note, ERR_UNAUTHENTICATED, "no Authorization");
	}
	if (*ret != ERR_OK) {
		return false;
	}
	if (proof == TOKEN_NOBODY_TO_ASK) {
		token_add_retry(c);
		*ret = token_refuse(c, &away);
		return false;
	}
	if (proof == TOKEN_NOT_PROVED) {
		LOG(LOG_INFO, "sync", "token_refused", LOG_C("status", "invalid-credentials"),
		    LOG_C("detail", c->note.text));
		const struct token_refusal r = { 401, "invalid-credentials", "header",
			"Authorization", "Unauthorized" };
		*ret = token_refuse(c, &r);
		return false;
	}
	return true;
}

static int64_t duration_s(struct op_call *c)
{
	const struct svc_env *env = c->env;
	int64_t most = conf_ms(env->conf, "sync", "token_lifetime") / 1000;
	struct slice text;
	uint64_t wish = 0;

	if (!http_query_get(c->req, SLICE("duration"), &text) ||
	    slice_to_u64(text, INT32_MAX, &wish) != ERR_OK || wish == 0 || (int64_t)wish > most) {
		return most;
	}
	return (int64_t)wish;
}

static enum err check_application(struct op_call *c, bool *ret_is_good)
{
	struct slice application = http_param(c->req, "application");
	struct slice version = http_param(c->req, "version");
	static const struct token_refusal bad_application = { 404, "error", "url", "application",
		"Unsupported application" };
	static const struct token_refusal bad_version = { 404, "error", "url", "version",
		"Unsupported application version" };

	*ret_is_good = false;
	if (application.len > 0 && !slice_eq(application, SLICE("sync"))) {
		return token_refuse(c, &bad_application);
	}
	if (version.len > 0 && !slice_eq(version, SLICE("1.5"))) {
		return token_refuse(c, &bad_version);
	}
	*ret_is_good = true;
	return ERR_OK;
}

enum err token_server_get(struct op_call *c)
{
	const struct sync_state *state = c->state;
	struct token_asking a = { .duration_s = duration_s(c) };
	enum token_verdict verdict = TOKEN_VERDICTS;
	struct token_user u = { .uid = 0, .node = SLICE_EMPTY };
	bool is_good = false, is_oauth = false;
	enum err e = check_application(c, &is_good);

	if (!is_good || !prove(c, &a, &is_oauth, &e) || !take_headers(c, is_oauth, &a, &e)) {
		return e;
	}
	if (a.keys_changed_ms == 0) {
		a.keys_changed_ms = a.owner.keys_changed_ms;
	}
	const struct token_claims claims = { .fxa_uid = a.owner.fxa_uid,
		.generation = a.owner.generation,
		.keys_changed_ms = a.keys_changed_ms,
		.client_state = slice_str(a.state) };
	e = token_settle_user(c, &claims, &verdict, &u);
	if (e != ERR_OK) {
		return e;
	}
	if (token_verdict_is_refusal(verdict)) {
		return token_refuse_verdict(c, verdict);
	}
	const char *node =
	    u.node.len == 0 ? state->url.origin : arena_printf(c->arena, "%.*s", SLICE_ARG(u.node));
	sync_backoff_gives(c, u.uid);
	return node == NULL ? ERR_MEMORY : token_answer(c, &a, &u, node);
}
