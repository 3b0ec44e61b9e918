/*
 * See vapid.h. The file has the private scalar and behind it the public point.
 */
#include "accounts/vapid.h"

#include <openssl/crypto.h>
#include <string.h>

#include "accounts/accounts_priv.h"
#include "accounts/keyfile.h"
#include "core/base/check.h"
#include "core/base/clock.h"
#include "core/base/enc.h"
#include "core/base/json.h"

enum {
	FETCH_LIMIT_US = 10 * 1000 * 1000,
	CLAIMS_MAX = 1024,
};

_Static_assert(sizeof(struct p256_pair) == P256_SCALAR_BYTES + P256_POINT_BYTES, "no padding");

/* ---- the key ---- */

static enum err make(struct buf *out, struct err_note *note)
{
	struct p256_pair pair;
	enum err e = p256_generate(&pair);

	if (e != ERR_OK) {
		return err_note_set(note, e, "cannot make a key for push: %s", err_text(e));
	}
	buf_append(out, &pair, sizeof(pair));
	OPENSSL_cleanse(&pair, sizeof(pair));
	return out->failed ? ERR_MEMORY : ERR_OK;
}

enum err vapid_load(struct svc_env *env, struct err_note *note)
{
	struct vapid *v = &accounts_state(env)->vapid;
	struct buf bytes = buf_new(4096);
	enum err e = keyfile_load(env->data_dir, "vapid.key", make, &bytes, note);

	if (e == ERR_OK) {
		v->is_known = bytes.len == sizeof(v->pair);
		if (v->is_known) {
			memcpy(&v->pair, bytes.data, sizeof(v->pair));
			v->is_known = p256_is_pair(&v->pair);
		}
		if (!v->is_known) {
			e = err_note_set(note, ERR_CONFIG,
			    "%s/keys/vapid.key is no pair of keys: it is damaged", env->data_dir);
		}
	}
	if (bytes.data != NULL) {
		OPENSSL_cleanse(bytes.data, bytes.cap);
	}
	buf_free(&bytes);
	return e;
}

void vapid_set_contact(struct svc_env *env, const char *contact)
{
	accounts_state(env)->vapid.contact = contact;
}

enum err vapid_fetch(struct svc_env *env, struct err_note *note)
{
	struct vapid *v = &accounts_state(env)->vapid;
	struct arena arena = arena_new(64 * 1024);
	struct slice reply = SLICE_EMPTY;
	enum err e = rpc_call(env->peer[ROLE_SIGNER], &accounts_vapid_key, SLICE_EMPTY,
	    clock_mono_us() + FETCH_LIMIT_US, 0, &arena, &reply, note);

	if (e == ERR_OK) {
		CHECK(reply.len == P256_POINT_BYTES);
		memcpy(v->pair.point, reply.ptr, P256_POINT_BYTES);
		v->is_known = true;
	}
	arena_reset(&arena);
	return e;
}

const uint8_t *vapid_public(const struct svc_env *env)
{
	const struct vapid *v = &accounts_state(env)->vapid;

	return v->is_known ? v->pair.point : NULL;
}

/* ---- tokens ---- */

static void put_claims(const struct vapid *v, struct slice origin, int64_t now_s, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	json_put_name(&w, SLICE("aud"));
	json_put_string(&w, origin);
	json_put_name(&w, SLICE("exp"));
	json_put_i64(&w, now_s + VAPID_LIFE_S);
	json_put_name(&w, SLICE("sub"));
	json_put_string(&w, slice_str(v->contact));
	json_end_object(&w);
}

enum err vapid_put(const struct vapid *v, struct slice origin, int64_t now_s, struct buf *out)
{
	struct buf claims = buf_new(CLAIMS_MAX), token = buf_new(VAPID_VALUE_MAX);
	uint8_t signature[P256_SIGNATURE_BYTES];
	enum err e = ERR_OK;

	put_claims(v, origin, now_s, &claims);
	enc_base64url(&token, SLICE("{\"typ\":\"JWT\",\"alg\":\"ES256\"}"));
	buf_append_char(&token, '.');
	enc_base64url(&token, buf_slice(&claims));
	e = claims.failed || token.failed ? ERR_LIMIT
					  : p256_sign(&v->pair, buf_slice(&token), signature);
	if (e == ERR_OK) {
		buf_append_str(out, "vapid t=");
		buf_append_slice(out, buf_slice(&token));
		buf_append_char(out, '.');
		enc_base64url(out, SLICE_OF(signature, sizeof(signature)));
		buf_append_str(out, ", k=");
		enc_base64url(out, SLICE_OF(v->pair.point, sizeof(v->pair.point)));
		e = out->failed ? ERR_LIMIT : ERR_OK;
	}
	buf_free(&claims);
	buf_free(&token);
	return e;
}

/* ---- messages ---- */

static enum err handle_key(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct vapid *v = &accounts_state(role_state)->vapid;

	(void)info;
	CHECK(req.len == 0);
	if (!v->is_known) {
		return err_note_set(note, ERR_UNSUPPORTED, "push is off");
	}
	buf_append(reply, v->pair.point, sizeof(v->pair.point));
	return ERR_OK;
}

static enum err handle_sign(void *role_state, const struct rpc_call_info *info, struct slice req,
    struct buf *reply, struct err_note *note)
{
	const struct vapid *v = &accounts_state(role_state)->vapid;

	(void)info;
	if (!v->is_known || req.len > VAPID_ORIGIN_MAX) {
		return err_note_set(note, ERR_UNSUPPORTED, "push is off");
	}
	return vapid_put(v, req, clock_wall_ms() / 1000, reply);
}

const struct rpc_def accounts_vapid_key = {
	.name = "accounts.vapid_key",
	.from = ROLE_BIT(ROLE_WEB),
	.to = ROLE_SIGNER,
	.max_req = 0,
	.max_rep = P256_POINT_BYTES,
	.deadline_ms = 10000,
	.cost_us = 20,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_key,
};

const struct rpc_def accounts_vapid_sign = {
	.name = "accounts.vapid_sign",
	.from = ROLE_BIT(ROLE_COURIER),
	.to = ROLE_SIGNER,
	.max_req = VAPID_ORIGIN_MAX,
	.max_rep = VAPID_VALUE_MAX,
	.deadline_ms = 10000,
	.cost_us = 200,
	.flags = RPC_IDEMPOTENT,
	.handle = handle_sign,
};
