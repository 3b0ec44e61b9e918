/*
 * HKDF out of HMAC: OpenSSL's own looks its algorithm up at each call, which takes longer than all
 * of this.
 */
#include "accounts/hkdf.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

enum {
	HASH_BYTES = 32
};

static bool hmac(struct slice key, const uint8_t *text, size_t len, uint8_t out[HASH_BYTES])
{
	unsigned n = 0;

	return HMAC(EVP_sha256(), key.ptr, (int)key.len, text, len, out, &n) != NULL &&
	       n == HASH_BYTES;
}

/* T(i) = HMAC(key, T(i-1) | info | i), one behind the other. */
static enum err expand(const uint8_t key[HASH_BYTES], struct slice info, uint8_t *out, size_t len)
{
	uint8_t text[HASH_BYTES + HKDF_INFO_MAX + 1], block[HASH_BYTES];
	size_t before = 0;
	enum err e = ERR_OK;

	for (uint8_t i = 1; e == ERR_OK && len > 0; i++) {
		size_t n = len < sizeof(block) ? len : sizeof(block);
		if (info.len > 0) {
			memcpy(text + before, info.ptr, info.len);
		}
		text[before + info.len] = i;
		if (!hmac(SLICE_OF(key, HASH_BYTES), text, before + info.len + 1, block)) {
			e = ERR_CRYPTO;
			break;
		}
		memcpy(out, block, n);
		memcpy(text, block, sizeof(block));
		before = sizeof(block);
		out += n;
		len -= n;
	}
	OPENSSL_cleanse(text, sizeof(text));
	OPENSSL_cleanse(block, sizeof(block));
	return e;
}

enum err hkdf_sha256(
    struct slice secret, struct slice salt, struct slice info, uint8_t *out, size_t len)
{
	static const char zeros[HASH_BYTES];
	uint8_t key[HASH_BYTES];
	struct slice with = salt.len == 0 ? SLICE_OF(zeros, sizeof(zeros)) : salt;

	if (len > HKDF_MAX || info.len > HKDF_INFO_MAX || with.len > INT_MAX) {
		return ERR_LIMIT;
	}
	enum err e = hmac(with, (const uint8_t *)secret.ptr, secret.len, key)
			 ? expand(key, info, out, len)
			 : ERR_CRYPTO;
	OPENSSL_cleanse(key, sizeof(key));
	return e;
}
