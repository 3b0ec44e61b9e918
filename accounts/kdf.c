/*
 * The client-side stretching of passwords, done on the server for clients that send them plain.
 */
#include "accounts/kdf.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/enc.h"

#define KDF_NAMESPACE "identity.mozilla.com/picl/v1/"

enum {
	KEY_BYTES = 32
};

const char *kdf_name(enum kdf_kind kind)
{
	return kind == KDF_ONEPW_2 ? "onepw-2" : "plain";
}

bool kdf_from_name(struct slice name, enum kdf_kind *ret)
{
	if (slice_eq(name, SLICE("plain"))) {
		*ret = KDF_PLAIN;
		return true;
	}
	if (slice_eq(name, SLICE("onepw-2"))) {
		*ret = KDF_ONEPW_2;
		return true;
	}
	return false;
}

static bool is_lower_hex(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
			return false;
		}
	}
	return true;
}

enum err kdf_from_text(struct slice name, struct slice salt, struct kdf *ret)
{
	struct kdf kdf = { .kind = KDF_PLAIN };

	if (!kdf_from_name(name, &kdf.kind)) {
		return ERR_INVALID;
	}
	if (kdf.kind == KDF_ONEPW_2) {
		if (salt.len != KDF_SALT_HEX || !is_lower_hex(salt)) {
			return ERR_INVALID;
		}
		memcpy(kdf.salt, salt.ptr, KDF_SALT_HEX);
	}
	*ret = kdf;
	return ERR_OK;
}

bool kdf_is_stretched(struct slice pass)
{
	return pass.len == KDF_STRETCHED_HEX && is_lower_hex(pass);
}

/* HKDF-SHA256 without salt. */
static enum err hkdf(const uint8_t key[KEY_BYTES], const char *info, uint8_t out[KEY_BYTES])
{
	char digest[] = "SHA256";
	uint8_t key_copy[KEY_BYTES];
	char info_copy[64];
	size_t info_len = strlen(info);
	enum err e = ERR_CRYPTO;

	if (info_len > sizeof(info_copy)) {
		return ERR_LIMIT;
	}
	/* OSSL_PARAM wants pointers to what it could change. */
	memcpy(key_copy, key, sizeof(key_copy));
	memcpy(info_copy, info, info_len);
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	if (ctx != NULL) {
		const OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
			OSSL_PARAM_construct_octet_string(
			    OSSL_KDF_PARAM_KEY, key_copy, sizeof(key_copy)),
			OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info_copy, info_len),
			OSSL_PARAM_construct_end(),
		};
		e = EVP_KDF_derive(ctx, out, KEY_BYTES, params) == 1 ? ERR_OK : ERR_CRYPTO;
	}
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	OPENSSL_cleanse(key_copy, sizeof(key_copy));
	return e;
}

enum err kdf_stretch(struct slice password, const struct kdf *kdf, char out[KDF_STRETCHED_HEX + 1])
{
	static const char prefix[] = KDF_NAMESPACE "quickStretchV2:";
	unsigned char salt[sizeof(prefix) - 1 + KDF_SALT_HEX];
	uint8_t quick[KEY_BYTES], auth[KEY_BYTES];
	struct buf hex = buf_new(KDF_STRETCHED_HEX);

	if (kdf->kind != KDF_ONEPW_2 || password.len > INT_MAX) {
		return ERR_INVALID;
	}
	memcpy(salt, prefix, sizeof(prefix) - 1);
	memcpy(salt + sizeof(prefix) - 1, kdf->salt, KDF_SALT_HEX);
	if (PKCS5_PBKDF2_HMAC(password.ptr, (int)password.len, salt, (int)sizeof(salt), KDF_ROUNDS,
		EVP_sha256(), KEY_BYTES, quick) != 1) {
		return ERR_CRYPTO;
	}
	enum err e = hkdf(quick, KDF_NAMESPACE "authPW", auth);
	if (e == ERR_OK) {
		enc_hex(&hex, SLICE_OF(auth, sizeof(auth)));
		struct slice text = SLICE_EMPTY;
		e = buf_finish(&hex, &text);
		if (e == ERR_OK) {
			e = slice_to_cstr(text, out, KDF_STRETCHED_HEX + 1);
		}
	}
	if (hex.data != NULL) {
		OPENSSL_cleanse(hex.data, hex.cap);
	}
	buf_free(&hex);
	OPENSSL_cleanse(quick, sizeof(quick));
	OPENSSL_cleanse(auth, sizeof(auth));
	return e;
}
