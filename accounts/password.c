/*
 * bcrypt with a pre-hash for long credentials.
 */
#include "accounts/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/enc.h"
#include "core/base/rng.h"

#define PREHASHED "sha384:"

enum {
	BCRYPT_INPUT_MAX = 72, /* bytes that bcrypt looks at */
	BCRYPT_LEN = 60,       /* of "$2b$10$" + 22 letters of salt + 31 of hash */
	BCRYPT_SALT_BYTES = 16,
	PREHASH_LEN = 64, /* base64 of 48 bytes */
};

_Static_assert(sizeof(PREHASHED) - 1 + BCRYPT_LEN < PASSWORD_HASH_SIZE, "stored text fits");

/* crypt_r() is given C strings, so a NUL byte would cut as well. */
static bool needs_prehash(struct slice credential)
{
	return credential.len > BCRYPT_INPUT_MAX ||
	       slice_find(credential, '\0', 0) < credential.len;
}

/* What bcrypt gets, with NUL; out has room for either form. */
static enum err bcrypt_input(struct slice credential, bool prehash, char out[BCRYPT_INPUT_MAX + 1])
{
	unsigned char digest[SHA384_DIGEST_LENGTH];
	struct buf text = buf_new(PREHASH_LEN);
	struct slice s = SLICE_EMPTY;

	if (!prehash) {
		return slice_to_cstr(credential, out, BCRYPT_INPUT_MAX + 1);
	}
	/* What is left in digest then would match every long password. */
	if (SHA384((const unsigned char *)credential.ptr, credential.len, digest) == NULL) {
		return ERR_CRYPTO;
	}
	enc_base64(&text, SLICE_OF(digest, sizeof(digest)));
	enum err e = buf_finish(&text, &s);
	if (e == ERR_OK) {
		e = slice_to_cstr(s, out, BCRYPT_INPUT_MAX + 1);
		OPENSSL_cleanse(text.data, text.cap);
	}
	buf_free(&text);
	OPENSSL_cleanse(digest, sizeof(digest));
	return e;
}

/* setting is a salt or a whole hash; out gets the BCRYPT_LEN letters of the result. */
static enum err bcrypt(const char *input, const char *setting, char out[BCRYPT_LEN + 1])
{
	/* 32 KiB: too much for a task's stack. */
	struct crypt_data *data = calloc(1, sizeof(*data));
	enum err e = ERR_CRYPTO;

	if (data == NULL) {
		return ERR_MEMORY;
	}
	const char *hash = crypt_r(input, setting, data);
	if (hash != NULL && hash[0] == '$' && strlen(hash) == BCRYPT_LEN) {
		memcpy(out, hash, BCRYPT_LEN + 1);
		e = ERR_OK;
	}
	OPENSSL_cleanse(data, sizeof(*data));
	free(data);
	return e;
}

enum err password_hash(struct slice credential, unsigned cost, char out[PASSWORD_HASH_SIZE])
{
	bool prehash = needs_prehash(credential);
	char salt[BCRYPT_SALT_BYTES];
	char setting[BCRYPT_LEN + 1], input[BCRYPT_INPUT_MAX + 1], hash[BCRYPT_LEN + 1];

	if (credential.len > PASSWORD_MAX_BYTES) {
		return ERR_LIMIT;
	}
	rng_bytes(salt, sizeof(salt));
	if (crypt_gensalt_rn("$2b$", cost, salt, sizeof(salt), setting, sizeof(setting)) == NULL) {
		return ERR_CRYPTO;
	}
	enum err e = bcrypt_input(credential, prehash, input);
	if (e == ERR_OK) {
		e = bcrypt(input, setting, hash);
	}
	OPENSSL_cleanse(input, sizeof(input));
	if (e == ERR_OK) {
		(void)snprintf(out, PASSWORD_HASH_SIZE, "%s%s", prehash ? PREHASHED : "", hash);
	}
	return e;
}

/* Splits a stored text; false if it is not of a form above. */
static bool split(struct slice stored, bool *ret_prehash, struct slice *ret_bcrypt)
{
	bool prehash = slice_starts(stored, SLICE(PREHASHED));
	struct slice b = slice_sub(stored, prehash ? sizeof(PREHASHED) - 1 : 0, stored.len);

	if (b.len != BCRYPT_LEN || b.ptr[0] != '$' || b.ptr[1] != '2' || b.ptr[3] != '$' ||
	    memchr("aby", b.ptr[2], 3) == NULL || b.ptr[6] != '$') {
		return false;
	}
	*ret_prehash = prehash;
	*ret_bcrypt = b;
	return true;
}

enum err password_verify(struct slice credential, struct slice stored, bool *ret_matches)
{
	bool prehash = false;
	struct slice expected;
	char setting[BCRYPT_LEN + 1], input[PASSWORD_MAX_BYTES + 1], hash[BCRYPT_LEN + 1];

	if (!split(stored, &prehash, &expected)) {
		return ERR_CORRUPT;
	}
	if (credential.len > PASSWORD_MAX_BYTES) {
		return ERR_LIMIT;
	}
	/*
	 * A longer credential without the mark: imported from a server that cut at 72 bytes, so
	 * bcrypt may cut here too.
	 */
	enum err e = slice_to_cstr(expected, setting, sizeof(setting));
	if (e == ERR_OK) {
		e = prehash ? bcrypt_input(credential, true, input)
			    : slice_to_cstr(credential, input, sizeof(input));
	}
	if (e == ERR_LIMIT) { /* holds a NUL byte, which no hash without pre-hash was made from */
		*ret_matches = false;
		return ERR_OK;
	}
	if (e == ERR_OK) {
		e = bcrypt(input, setting, hash);
	}
	OPENSSL_cleanse(input, sizeof(input));
	if (e == ERR_CRYPTO) {
		return ERR_CORRUPT;
	}
	if (e == ERR_OK) {
		*ret_matches = slice_eq_secret(SLICE_OF(hash, BCRYPT_LEN), expected);
	}
	return e;
}

unsigned password_cost(struct slice stored)
{
	bool prehash;
	struct slice b;
	uint64_t cost = 0;

	if (!split(stored, &prehash, &b) || slice_to_u64(slice_sub(b, 4, 6), 31, &cost) != ERR_OK) {
		return 0;
	}
	return (unsigned)cost;
}
