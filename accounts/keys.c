/*
 * The symmetric keys: the signer's file and the message that hands them to web.
 */
#include "accounts/keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "accounts/accounts_priv.h"
#include "accounts/keyfile.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/rng.h"

enum {
	FETCH_LIMIT_US = 10 * 1000 * 1000
};

#define FILE_NAME "symmetric.key"

_Static_assert(sizeof(struct symmetric_keys) == 2 * SYMMETRIC_KEY_BYTES, "no padding");

static enum err make(struct buf *out, struct err_note *note)
{
	(void)note;
	char *room = buf_room(out, sizeof(struct symmetric_keys));
	if (room == NULL) {
		return ERR_MEMORY;
	}
	rng_bytes(room, sizeof(struct symmetric_keys));
	buf_grew(out, sizeof(struct symmetric_keys));
	return ERR_OK;
}

static enum err take(
    const char *data_dir, bool makes, struct symmetric_keys *ret, struct err_note *note)
{
	struct buf bytes = buf_new(2 * 4096);
	enum err e = makes ? keyfile_load(data_dir, FILE_NAME, make, &bytes, note)
			   : keyfile_read(data_dir, FILE_NAME, &bytes, note);

	if (e == ERR_OK && bytes.len != sizeof(*ret)) {
		e = err_note_set(note, ERR_CONFIG,
		    "%s/keys/" FILE_NAME " has %zu bytes where %zu belong: it is damaged", data_dir,
		    bytes.len, sizeof(*ret));
	}
	if (e == ERR_OK) {
		memcpy(ret, bytes.data, sizeof(*ret));
	}
	if (bytes.data != NULL) {
		OPENSSL_cleanse(bytes.data, bytes.cap);
	}
	buf_free(&bytes);
	return e;
}

enum err symmetric_keys_load(
    const char *data_dir, struct symmetric_keys *ret, struct err_note *note)
{
	return take(data_dir, true, ret, note);
}

enum err symmetric_keys_read(
    const char *data_dir, struct symmetric_keys *ret, struct err_note *note)
{
	return take(data_dir, false, ret, note);
}

enum err symmetric_keys_fetch(
    struct svc_env *env, struct symmetric_keys *ret, struct err_note *note)
{
	struct arena arena = arena_new(64 * 1024);
	struct slice reply = SLICE_EMPTY;
	enum err e = rpc_call(env->peer[ROLE_SIGNER], &accounts_symmetric_keys, SLICE_EMPTY,
	    clock_mono_us() + FETCH_LIMIT_US, 0, &arena, &reply, note);

	if (e == ERR_OK) {
		CHECK(reply.len == sizeof(*ret));
		memcpy(ret, reply.ptr, sizeof(*ret));
	}
	arena_reset(&arena);
	return e;
}

void symmetric_derive(const uint8_t key[SYMMETRIC_KEY_BYTES], struct slice label,
    struct slice context, uint8_t out[DERIVED_KEY_BYTES])
{
	struct buf message = buf_new(1024);
	unsigned len = 0;

	buf_append_slice(&message, label);
	buf_append_char(&message, '/');
	buf_append_slice(&message, context);
	CHECK(!message.failed);
	CHECK(HMAC(EVP_sha256(), key, SYMMETRIC_KEY_BYTES, (const unsigned char *)message.data,
		  message.len, out, &len) != NULL);
	CHECK(len == DERIVED_KEY_BYTES);
	buf_free(&message);
}

static enum err handle_symmetric_keys(void *role_state, const struct rpc_call_info *info,
    struct slice req, struct buf *reply, struct err_note *note)
{
	const struct accounts_state *state = accounts_state(role_state);

	(void)info;
	(void)note;
	CHECK(req.len == 0 && state->has_keys);
	buf_append(reply, &state->keys, sizeof(state->keys));
	return ERR_OK;
}

const struct symmetric_keys *accounts_keys(const struct svc_env *env)
{
	const struct accounts_state *state = accounts_state(env);

	CHECK(state->has_keys);
	return &state->keys;
}

const struct rpc_def accounts_symmetric_keys = {
	.name = "accounts.symmetric_keys",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_SIGNER,
	.max_req = 0,
	.max_rep = sizeof(struct symmetric_keys),
	.deadline_ms = 10000,
	.cost_us = 20,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_symmetric_keys,
};
