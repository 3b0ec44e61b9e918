/*
 * Tokens of sessions: what they are known by, and how their keys are stored. A stored key is
 * sealed with a key that only web has, so a stolen database or backup signs nobody in.
 */
#include <openssl/crypto.h>

#include "accounts/hkdf.h"
#include "core/base/check.h"
#include "core/base/enc.h"
#include "services/sync/fx.h"

enum err fx_token_keys(
    const uint8_t token[FX_TOKEN_BYTES], const char *kind, struct fx_token_keys *ret)
{
	uint8_t all[3 * FX_TOKEN_BYTES];
	struct buf info = buf_new(128), hex = buf_new(FX_TOKEN_HEX);

	buf_append_str(&info, FX_NAMESPACE);
	buf_append_str(&info, kind);
	enum err e = hkdf_sha256(
	    SLICE_OF(token, FX_TOKEN_BYTES), SLICE_EMPTY, buf_slice(&info), all, sizeof(all));
	enc_hex(&hex, SLICE_OF(all, FX_TOKEN_BYTES));
	if (e == ERR_OK) {
		e = hex.failed ? ERR_MEMORY
			       : slice_to_cstr(buf_slice(&hex), ret->id, sizeof(ret->id));
	}
	memcpy(ret->key, all + FX_TOKEN_BYTES, sizeof(ret->key));
	memcpy(ret->extra, all + 2 * FX_TOKEN_BYTES, sizeof(ret->extra));
	OPENSSL_cleanse(all, sizeof(all));
	buf_free(&info);
	buf_free(&hex);
	return e;
}

void fx_seal(const struct symmetric_keys *keys, enum fx_seal_key which, const char *id,
    uint8_t bytes[FX_TOKEN_BYTES])
{
	uint8_t pad[DERIVED_KEY_BYTES]; /* as long as a token */
	const uint8_t *key = which == FX_SEAL_CURRENT ? keys->current : keys->previous;

	symmetric_derive(key, SLICE("firefox-secret"), slice_str(id), pad);
	for (size_t i = 0; i < FX_TOKEN_BYTES; i++) {
		bytes[i] = (uint8_t)(bytes[i] ^ pad[i]);
	}
	OPENSSL_cleanse(pad, sizeof(pad));
}
