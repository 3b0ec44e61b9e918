/*
 * The token server: GET /1.0/sync/1.5.
 */
#include "services/sync/token_server.h"

#include <stdio.h>
#include <string.h>

#include "accounts/keys.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/rng.h"
#include "core/base/wire.h"
#include "core/obs/log.h"
#include "services/sync/fx.h"
#include "services/sync/token.h"

enum {
	STATE_BYTES = 16,
	KID_SIZE = 64,
	RETRY_S = 10
};

/* What came with a request. */
struct asking {
	struct token_owner owner;
	int64_t keys_changed_ms;
	char state[2 * STATE_BYTES + 1]; /* client state in hex; empty: it has none */
	int64_t duration_s;
};

/* ---- answers ---- */

struct refusal {
	int status;
	const char *state, *location, *name, *text;
};

static enum err refuse(struct op_call *c, const struct refusal *r)
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

static enum err refuse_header(
    struct op_call *c, const char *state, const char *name, const char *text)
{
	const struct refusal r = { 401, state, "header", name, text };

	LOG(LOG_INFO, "sync", "token_refused", LOG_C("status", state), LOG_C("detail", text));
	return refuse(c, &r);
}

bool token_server_owns_path(struct slice path)
{
	return slice_starts(path, SLICE("/token/")) || slice_eq(path, SLICE("/1.0/sync/1.5")) ||
	       slice_starts(path, SLICE("/1.0/webhooks/"));
}

static void add_retry(struct op_call *c)
{
	const char *text = arena_printf(c->arena, "%u", RETRY_S + (unsigned)rng_below(RETRY_S + 1));

	if (text != NULL) {
		http_add_header(c->req, SLICE("Retry-After"), slice_str(text));
		http_add_header(c->req, SLICE("X-Backoff"), slice_str(text));
	}
}

void token_server_error(struct op_call *c, enum err e)
{
	const struct refusal r = { err_http_status(e), "error", "internal", "", err_text(e) };

	if (r.status == 503) {
		add_retry(c);
	}
	if (r.status == 500) {
		LOG(LOG_WARN, "sync", "failed", LOG_C("op", c->op->name), LOG_C("err", err_name(e)),
		    LOG_C("detail", c->note.text));
	}
	if (refuse(c, &r) != ERR_OK) {
		http_reply_text(c->req, r.status, err_text(e));
	}
}

/* ---- headers ---- */

/* KEYS_CHANGED_AT-FINGERPRINT */
static bool take_key_id(struct slice value, struct asking *a)
{
	size_t dash = slice_find(value, '-', 0), len = 0;
	uint8_t bytes[STATE_BYTES];
	uint64_t ms = 0;
	struct buf hex = buf_new(2 * STATE_BYTES);

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
	return s.len >= 1 && s.len <= 2 * STATE_BYTES;
}

/* False: answered. */
static bool take_headers(struct op_call *c, bool is_oauth, struct asking *a, enum err *ret)
{
	struct slice key_id = http_header_get(c->req, SLICE("X-KeyID"));
	struct slice state = http_header_get(c->req, SLICE("X-Client-State"));
	static const struct refusal malformed = { 400, "error", "header", "X-Client-State",
		"Invalid value" };

	if (state.ptr != NULL && state.len > 0 && !is_client_state(state)) {
		*ret = refuse(c, &malformed);
		return false;
	}
	if ((key_id.ptr != NULL || is_oauth) && (key_id.ptr == NULL || !take_key_id(key_id, a))) {
		*ret = refuse_header(c, "invalid-key-id", "X-KeyID", "Missing or malformed");
		return false;
	}
	if (state.ptr == NULL || state.len == 0) {
		return true;
	}
	if (a->state[0] == '\0') {
		/* Of an assertion, which has no X-KeyID. */
		(void)snprintf(a->state, sizeof(a->state), "%.*s", SLICE_ARG(state));
	} else if (!slice_eq(state, slice_str(a->state))) {
		*ret = refuse_header(
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
static bool prove(struct op_call *c, struct asking *a, bool *ret_oauth, enum err *ret)
{
	static const struct refusal away = { 503, "error", "internal", "",
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
		add_retry(c);
		*ret = refuse(c, &away);
		return false;
	}
	if (proof == TOKEN_NOT_PROVED) {
		LOG(LOG_INFO, "sync", "token_refused", LOG_C("status", "invalid-credentials"),
		    LOG_C("detail", c->note.text));
		const struct refusal r = { 401, "invalid-credentials", "header", "Authorization",
			"Unauthorized" };
		*ret = refuse(c, &r);
		return false;
	}
	return true;
}

/* ---- who has which store ---- */

static void put_claims(
    struct buf *out, const struct token_claims *claims, struct slice nodes, bool may_create)
{
	wire_put_bytes(out, claims->fxa_uid);
	wire_put_i64(out, claims->generation);
	wire_put_i64(out, claims->keys_changed_ms);
	wire_put_bytes(out, claims->client_state);
	wire_put_bytes(out, nodes);
	wire_put_u8(out, may_create ? 1 : 0);
}

/* Role: store. */
static enum err handle_token_user(void *role_state, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	struct txn *t = role_state;
	struct wire_reader r = wire_reader_new(req);
	struct token_claims claims = { .fxa_uid = wire_take_bytes(&r) };
	enum token_verdict verdict = TOKEN_VERDICTS;
	struct token_user u = { .uid = 0, .node = SLICE_EMPTY };

	(void)info;
	claims.generation = wire_take_i64(&r);
	claims.keys_changed_ms = wire_take_i64(&r);
	claims.client_state = wire_take_bytes(&r);
	struct slice nodes = wire_take_bytes(&r);
	bool may_create = wire_take_u8(&r) != 0;
	CHECK(wire_done(&r));
	enum err e = token_user_settle(t, &claims, nodes, may_create, &verdict, &u, note);
	if (e == ERR_OK) {
		wire_put_u8(reply, (uint8_t)verdict);
		wire_put_i64(reply, u.uid);
		wire_put_bytes(reply, u.node);
	}
	return e;
}

const struct rpc_def sync_token_user = {
	.name = "sync.token_user",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_STORE,
	.max_req = 8192,
	.max_rep = 1024,
	.deadline_ms = 10000,
	.cost_us = 120,
	.flags = RPC_TXN | RPC_IDEMPOTENT, /* who has a store keeps it */
	.handle = handle_token_user,
};

/* Most requests change nothing: these are answered from what web reads. */
static enum err find_user(struct op_call *c, const struct token_claims *claims,
    enum token_verdict *ret, struct token_user *ret_user)
{
	const struct svc_env *env = c->env;
	struct token_user_rows *rows = arena_alloc(c->arena, sizeof(*rows));
	struct buf *message = fx_buf(c, sync_token_user.max_req);
	struct slice reply = SLICE_EMPTY;
	enum err e = rows == NULL || message == NULL
			 ? ERR_MEMORY
			 : token_user_find(env->db, c->arena, claims->fxa_uid, rows, &c->note);

	if (e != ERR_OK) {
		return e;
	}
	*ret = token_user_judge(rows, claims);
	if (*ret == TOKEN_USE || token_verdict_is_refusal(*ret)) {
		*ret_user = rows->rows[0];
		return ERR_OK;
	}
	put_claims(message, claims, slice_str(conf_str(env->conf, "sync", "nodes")),
	    conf_bool(env->conf, "sync", "new_users"));
	if (message->failed) {
		return ERR_LIMIT;
	}
	e = rpc_call(env->peer[ROLE_STORE], &sync_token_user, buf_slice(message), c->deadline_us,
	    c->trace, c->arena, &reply, &c->note);
	if (e == ERR_OK) {
		struct wire_reader r = wire_reader_new(reply);
		*ret = (enum token_verdict)wire_take_u8(&r);
		ret_user->uid = wire_take_i64(&r);
		ret_user->node = wire_take_bytes(&r);
		CHECK(wire_done(&r) && *ret < TOKEN_VERDICTS);
	}
	return e;
}

static enum err refuse_verdict(struct op_call *c, enum token_verdict verdict)
{
	static const struct refusal refusals[TOKEN_VERDICTS] = {
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
	const struct refusal *r = &refusals[verdict];

	if (r->status == 503) {
		add_retry(c);
	}
	LOG(LOG_INFO, "sync", "token_refused", LOG_C("status", r->state), LOG_C("detail", r->text));
	return refuse(c, r);
}

/* ---- the token ---- */

/* "%013d-" and base64url of the client state: how Firefox names the keys. */
static enum err make_kid(const struct asking *a, int64_t generation, char out[KID_SIZE])
{
	uint8_t bytes[STATE_BYTES];
	struct buf text = buf_new(KID_SIZE - 1);
	size_t len = 0;
	int64_t at = a->keys_changed_ms != 0 ? a->keys_changed_ms : generation;

	buf_printf(&text, "%013lld-", (long long)at);
	if (dec_hex(slice_str(a->state), bytes, sizeof(bytes), &len) == ERR_OK) {
		enc_base64url(&text, SLICE_OF(bytes, len));
	}
	enum err e = text.failed ? ERR_LIMIT : slice_to_cstr(buf_slice(&text), out, KID_SIZE);
	buf_free(&text);
	return e;
}

struct hashed {
	char user[TOKEN_HASHED_ID_SIZE], device[TOKEN_HASHED_ID_SIZE];
};

static enum err hash_ids(struct op_call *c, struct slice fxa_uid, struct hashed *h)
{
	uint8_t key[DERIVED_KEY_BYTES];
	struct slice secret = SLICE_OF(key, sizeof(key));

	symmetric_derive(accounts_keys(c->env)->current, SLICE("sync-metrics"), SLICE("v1"), key);
	enum err e = token_hashed_id(secret, fxa_uid, h->user);
	if (e == ERR_OK) {
		const char *device = arena_printf(c->arena, "%snone", h->user);
		e = device == NULL ? ERR_MEMORY
				   : token_hashed_id(secret, slice_str(device), h->device);
	}
	return e;
}

static enum err answer(
    struct op_call *c, const struct asking *a, const struct token_user *u, const char *node_url)
{
	struct sync_state *state = c->state;
	const struct svc_env *env = c->env;
	struct hashed hashed;
	char kid[KID_SIZE], key[TOKEN_KEY_SIZE];
	struct buf *text = fx_buf(c, TOKEN_MAX);
	struct fx_answer answer;
	enum err e = text == NULL ? ERR_MEMORY : hash_ids(c, a->owner.fxa_uid, &hashed);

	if (e == ERR_OK) {
		e = make_kid(a, a->owner.generation, kid);
	}
	if (e == ERR_OK) {
		const struct token t = { .uid = u->uid,
			.expires_s = clock_wall_ms() / 1000 + a->duration_s,
			.node = slice_str(node_url),
			.fxa_uid = a->owner.fxa_uid,
			.fxa_kid = slice_str(kid),
			.hashed_fxa_uid = slice_str(hashed.user),
			.hashed_device_id = slice_str(hashed.device) };
		e = token_make(&state->secrets, &t, text, key);
	}
	if (e == ERR_OK) {
		e = fx_begin(c, &answer);
	}
	if (e != ERR_OK) {
		return e;
	}
	fx_put_text(&answer, "id", buf_slice(text));
	fx_put_text(&answer, "key", slice_str(key));
	fx_put_number(&answer, "uid", u->uid);
	fx_put_text(&answer, "api_endpoint",
	    slice_str(arena_printf(c->arena, "%s/1.5/%lld", node_url, (long long)u->uid)));
	fx_put_number(&answer, "duration", a->duration_s);
	fx_put_text(&answer, "hashed_fxa_uid", slice_str(hashed.user));
	fx_put_text(&answer, "hashalg", SLICE("sha256"));
	bool is_postgres = strcmp(conf_str(env->conf, "store", "engine"), "postgres") == 0;
	fx_put_text(&answer, "node_type", is_postgres ? SLICE("postgres") : SLICE("sqlite"));
	return fx_send(&answer);
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
	static const struct refusal bad_application = { 404, "error", "url", "application",
		"Unsupported application" };
	static const struct refusal bad_version = { 404, "error", "url", "version",
		"Unsupported application version" };

	*ret_is_good = false;
	if (application.len > 0 && !slice_eq(application, SLICE("sync"))) {
		return refuse(c, &bad_application);
	}
	if (version.len > 0 && !slice_eq(version, SLICE("1.5"))) {
		return refuse(c, &bad_version);
	}
	*ret_is_good = true;
	return ERR_OK;
}

enum err token_server_get(struct op_call *c)
{
	const struct sync_state *state = c->state;
	struct asking a = { .duration_s = duration_s(c) };
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
	e = find_user(c, &claims, &verdict, &u);
	if (e != ERR_OK) {
		return e;
	}
	if (token_verdict_is_refusal(verdict)) {
		return refuse_verdict(c, verdict);
	}
	const char *node =
	    u.node.len == 0 ? state->url.origin : arena_printf(c->arena, "%.*s", SLICE_ARG(u.node));
	return node == NULL ? ERR_MEMORY : answer(c, &a, &u, node);
}
