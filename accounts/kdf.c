/*
 * The client-side stretching of passwords, done on the server for clients that send them plain.
 */
#include "accounts/kdf.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#include "accounts/hkdf.h"
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
	enum err e = hkdf_sha256(SLICE_OF(quick, sizeof(quick)), SLICE_EMPTY,
	    SLICE(KDF_NAMESPACE "authPW"), auth, sizeof(auth));
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
