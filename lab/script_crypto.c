/*
 * Cryptography for models: what clients of real services compute before they ask. PBKDF2 runs here,
 * on the generator's own processor: its time is in the run's own use of the processor, and makes a
 * run void where it makes requests late.
 */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "lab/script_priv.h"

enum {
	HKDF_MOST = 255 * 32, /* RFC 5869 */
	PBKDF2_MOST = 1024,
	PBKDF2_ROUNDS = 10000000,
	KDF_INPUT_MOST = 1024,
	XOR_MOST = 1024,
};

static int sha256(lua_State *L)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct slice text = script_text(L, 1, "sha256: what to hash");

	if (EVP_Digest(text.ptr, text.len, digest, &len, EVP_sha256(), NULL) != 1) {
		script_fail(L, "sha256: OpenSSL refused");
	}
	lua_pushlstring(L, (const char *)digest, len);
	return 1;
}

static int hmac_sha256(lua_State *L)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct slice key = script_text(L, 1, "hmac_sha256: the key");
	struct slice text = script_text(L, 2, "hmac_sha256: the text");

	if (key.len > INT32_MAX ||
	    HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)text.ptr, text.len,
		digest, &len) == NULL) {
		script_fail(L, "hmac_sha256: OpenSSL refused");
	}
	lua_pushlstring(L, (const char *)digest, len);
	return 1;
}

static enum err derive(
    struct slice key, struct slice salt, struct slice info, unsigned char *out, size_t len)
{
	char digest[] = "SHA256";
	unsigned char copies[3][KDF_INPUT_MOST];
	const struct slice parts[3] = { key, salt, info };
	enum err e = ERR_CRYPTO;

	/* OSSL_PARAM wants pointers to what it could change. */
	for (int i = 0; i < 3; i++) {
		if (parts[i].len > 0) {
			memcpy(copies[i], parts[i].ptr, parts[i].len);
		}
	}
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	if (ctx != NULL) {
		const OSSL_PARAM params[] = {
			OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
			OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, copies[0], key.len),
			OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, copies[1], salt.len),
			OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, copies[2], info.len),
			OSSL_PARAM_construct_end(),
		};
		e = EVP_KDF_derive(ctx, out, len, params) == 1 ? ERR_OK : ERR_CRYPTO;
	}
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return e;
}

/* hkdf(key, salt, info, length): SHA-256; an empty salt is none. */
static int hkdf(lua_State *L)
{
	unsigned char out[HKDF_MOST];
	struct slice key = script_text(L, 1, "hkdf: the key");
	struct slice salt = script_text(L, 2, "hkdf: the salt");
	struct slice info = script_text(L, 3, "hkdf: the info");
	double len = script_number(L, 4, "hkdf: the length");

	if (!(len >= 1 && len <= HKDF_MOST)) {
		script_fail(L, "hkdf: from 1 to %d bytes", HKDF_MOST);
	}
	if (key.len > KDF_INPUT_MOST || salt.len > KDF_INPUT_MOST || info.len > KDF_INPUT_MOST) {
		script_fail(L, "hkdf: key, salt and info have at most %d bytes", KDF_INPUT_MOST);
	}
	if (derive(key, salt, info, out, (size_t)len) != ERR_OK) {
		script_fail(L, "hkdf: OpenSSL refused");
	}
	lua_pushlstring(L, (const char *)out, (size_t)len);
	return 1;
}

/* pbkdf2(password, salt, rounds, length): HMAC-SHA256. */
static int pbkdf2(lua_State *L)
{
	unsigned char out[PBKDF2_MOST];
	struct slice password = script_text(L, 1, "pbkdf2: the password");
	struct slice salt = script_text(L, 2, "pbkdf2: the salt");
	double rounds = script_number(L, 3, "pbkdf2: the rounds");
	double len = script_number(L, 4, "pbkdf2: the length");

	if (!(rounds >= 1 && rounds <= PBKDF2_ROUNDS && len >= 1 && len <= PBKDF2_MOST)) {
		script_fail(L, "pbkdf2: from 1 to %d rounds, from 1 to %d bytes", PBKDF2_ROUNDS,
		    PBKDF2_MOST);
	}
	if (password.len > KDF_INPUT_MOST || salt.len > KDF_INPUT_MOST ||
	    PKCS5_PBKDF2_HMAC(password.ptr, (int)password.len, (const unsigned char *)salt.ptr,
		(int)salt.len, (int)rounds, EVP_sha256(), (int)len, out) != 1) {
		script_fail(L, "pbkdf2: OpenSSL refused");
	}
	lua_pushlstring(L, (const char *)out, (size_t)len);
	return 1;
}

/* xor(a, b): of two texts of the same length, byte by byte. */
static int xor_texts(lua_State *L)
{
	unsigned char out[XOR_MOST];
	struct slice a = script_text(L, 1, "xor: the first text");
	struct slice b = script_text(L, 2, "xor: the second text");

	if (a.len != b.len || a.len > XOR_MOST) {
		script_fail(L, "xor: two texts of the same length, at most %d bytes", XOR_MOST);
	}
	for (size_t i = 0; i < a.len; i++) {
		out[i] = (unsigned char)(a.ptr[i] ^ b.ptr[i]);
	}
	lua_pushlstring(L, (const char *)out, a.len);
	return 1;
}

void script_add_crypto(struct script *s)
{
	lua_State *L = s->lua;

	lua_register(L, "sha256", sha256);
	lua_register(L, "hmac_sha256", hmac_sha256);
	lua_register(L, "hkdf", hkdf);
	lua_register(L, "pbkdf2", pbkdf2);
	lua_register(L, "xor", xor_texts);
}
