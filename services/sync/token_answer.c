/*
 * The token server's answer: the token, its key, and where the store is.
 */
#include <stdio.h>
#include <string.h>

#include "accounts/keys.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "services/sync/fx.h"
#include "services/sync/token.h"
#include "services/sync/token_server_priv.h"

enum {
	KID_SIZE = 64
};

/* "%013d-" and base64url of the client state: how Firefox names the keys. */
static enum err make_kid(const struct token_asking *a, int64_t generation, char out[KID_SIZE])
{
	uint8_t bytes[TOKEN_STATE_BYTES];
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

enum err token_answer(struct op_call *c, const struct token_asking *a, const struct token_user *u,
    const char *node_url)
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
