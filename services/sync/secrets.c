/*
 * Where the secrets of tokens come from.
 */
#include "services/sync/secrets.h"

#include <openssl/crypto.h>

#include "accounts/keys.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/wire.h"

enum {
	FETCH_LIMIT_US = 10 * 1000 * 1000,
	REPLY_MAX = 2 * (TOKEN_SECRET_MAX + 8)
};

/* Role: signer. The configured ones, newest first; empty: there are none. */
static enum err handle_secrets(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct svc_env *env = role_state;

	(void)info;
	(void)note;
	CHECK(req.len == 0);
	wire_put_bytes(reply, slice_str(conf_str(env->conf, "sync", "master_secret")));
	wire_put_bytes(reply, slice_str(conf_str(env->conf, "sync", "master_secret_previous")));
	return ERR_OK;
}

static enum err add(struct token_secrets *s, struct slice text)
{
	return text.len == 0 ? ERR_OK : token_secret_init(text, &s->list[s->n++]);
}

static enum err add_derived(struct token_secrets *s, const uint8_t key[SYMMETRIC_KEY_BYTES])
{
	uint8_t bytes[DERIVED_KEY_BYTES];
	struct buf hex = buf_new(2 * sizeof(bytes));

	symmetric_derive(key, SLICE("sync-token"), SLICE("v1"), bytes);
	enc_hex(&hex, SLICE_OF(bytes, sizeof(bytes)));
	enum err e = hex.failed ? ERR_MEMORY : add(s, buf_slice(&hex));
	if (hex.data != NULL) {
		OPENSSL_cleanse(hex.data, hex.cap);
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	buf_free(&hex);
	return e;
}

/* Configured ones or, where there are none, those that follow from the keys. */
static enum err choose(struct slice newest, struct slice previous,
    const struct symmetric_keys *keys, struct token_secrets *ret)
{
	ret->n = 0;
	if (newest.len > 0) {
		enum err e = add(ret, newest);
		return e == ERR_OK ? add(ret, previous) : e;
	}
	enum err e = add_derived(ret, keys->current);
	return e == ERR_OK ? add_derived(ret, keys->previous) : e;
}

static enum err take(const struct svc_env *env, struct slice reply, struct token_secrets *ret)
{
	struct wire_reader r = wire_reader_new(reply);
	struct slice newest = wire_take_bytes(&r), previous = wire_take_bytes(&r);

	CHECK(wire_done(&r));
	return choose(newest, previous, accounts_keys(env), ret);
}

enum err token_secrets_read(
    const struct conf *conf, const char *data_dir, struct token_secrets *ret, struct err_note *note)
{
	struct symmetric_keys keys = { .current = { 0 } };
	struct slice newest = slice_str(conf_str(conf, "sync", "master_secret"));
	enum err e = newest.len > 0 ? ERR_OK : symmetric_keys_read(data_dir, &keys, note);

	if (e == ERR_OK) {
		e = choose(newest, slice_str(conf_str(conf, "sync", "master_secret_previous")),
		    &keys, ret);
	}
	OPENSSL_cleanse(&keys, sizeof(keys));
	return e;
}

enum err token_secrets_fetch(struct svc_env *env, struct token_secrets *ret, struct err_note *note)
{
	struct arena arena = arena_new(64 * 1024);
	struct slice reply = SLICE_EMPTY;
	enum err e = rpc_call(env->peer[ROLE_SIGNER], &sync_secrets, SLICE_EMPTY,
	    clock_mono_us() + FETCH_LIMIT_US, 0, &arena, &reply, note);

	if (e == ERR_OK) {
		e = take(env, reply, ret);
	}
	arena_reset(&arena);
	return e;
}

const struct rpc_def sync_secrets = {
	.name = "sync.secrets",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_SIGNER,
	.max_req = 0,
	.max_rep = REPLY_MAX,
	.deadline_ms = 10000,
	.cost_us = 20,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_secrets,
};
