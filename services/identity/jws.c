/*
 * Parsing, verifying and signing.
 */
#include "services/identity/jws.h"

#include <openssl/dsa.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/enc.h"

/* Decoded bytes of a part, in the arena. */
static enum err decode_part(struct arena *arena, struct slice part, struct slice *ret)
{
	size_t size = part.len / 4 * 3 + 3, len = 0;
	char *out = arena_alloc(arena, size);

	if (out == NULL) {
		return ERR_MEMORY;
	}
	enum err e = dec_base64url(part, out, size, &len);
	if (e == ERR_OK) {
		*ret = SLICE_OF(out, len);
	}
	return e == ERR_LIMIT ? ERR_SYNTAX : e;
}

static enum err decode_object(struct arena *arena, struct slice part, const struct json **ret)
{
	struct slice text = SLICE_EMPTY;
	const struct json *v = NULL;
	enum err e = decode_part(arena, part, &text);

	if (e == ERR_OK) {
		e = json_parse(arena, text, &v, NULL);
	}
	if (e == ERR_LIMIT || (e == ERR_OK && json_kind(v) != JSON_KIND_OBJECT)) {
		e = ERR_SYNTAX;
	}
	if (e == ERR_OK) {
		*ret = v;
	}
	return e;
}

/* The headers that all known software writes need no parsing. */
static const struct {
	const char *encoded, *alg;
} usual_headers[] = {
	{ "eyJhbGciOiJSUzI1NiJ9", "RS256" },
	{ "eyJhbGciOiJEUzI1NiJ9", "DS256" },
	{ "eyJhbGciOiJEUzEyOCJ9", "DS128" },
	{ "eyJhbGciOiJSUzEyOCJ9", "RS128" },
	{ "eyJhbGciOiJSUzY0In0", "RS64" },
};

static enum err take_alg(struct arena *arena, struct slice part, struct slice *ret)
{
	const struct json *header = NULL;

	for (size_t i = 0; i < sizeof(usual_headers) / sizeof(usual_headers[0]); i++) {
		if (slice_eq(part, slice_str(usual_headers[i].encoded))) {
			*ret = slice_str(usual_headers[i].alg);
			return ERR_OK;
		}
	}
	enum err e = decode_object(arena, part, &header);
	/* "crit" names extensions that must be understood; we know none. */
	if (e == ERR_OK && (!json_get_string(json_member(header, "alg"), ret) ||
			       json_member(header, "crit") != NULL)) {
		e = ERR_SYNTAX;
	}
	return e;
}

enum err jws_parse(struct arena *arena, struct slice text, struct jws *ret)
{
	size_t first = slice_find(text, '.', 0);
	size_t second = slice_find(text, '.', first + 1);
	struct jws j = { .payload = NULL };

	if (first >= text.len || second >= text.len ||
	    slice_find(text, '.', second + 1) < text.len) {
		return ERR_SYNTAX;
	}
	j.signed_text = slice_sub(text, 0, second);
	enum err e = take_alg(arena, slice_sub(text, 0, first), &j.alg);
	if (e == ERR_OK) {
		e = decode_object(arena, slice_sub(text, first + 1, second), &j.payload);
	}
	if (e == ERR_OK) {
		e = decode_part(arena, slice_sub(text, second + 1, text.len), &j.signature);
	}
	if (e == ERR_OK) {
		*ret = j;
	}
	return e;
}

/* Digest of the signed text for an algorithm; number of bytes, 0: OpenSSL had no memory. */
static size_t digest_of(
    enum jws_alg alg, struct slice text, unsigned char out[SHA256_DIGEST_LENGTH])
{
	if (alg == JWS_DS128) {
		return SHA1((const unsigned char *)text.ptr, text.len, out) == NULL
			   ? 0
			   : SHA_DIGEST_LENGTH;
	}
	return SHA256((const unsigned char *)text.ptr, text.len, out) == NULL
		   ? 0
		   : SHA256_DIGEST_LENGTH;
}

static enum err outcome(int verified)
{
	return verified == 1 ? ERR_OK : ERR_DENIED;
}

static enum err verify_rsa(const struct jws *j, const struct pubkey *k)
{
	unsigned char signature[JWS_SIGNATURE_MAX] = { 0 }, digest[SHA256_DIGEST_LENGTH];
	size_t digest_len = digest_of(k->alg, j->signed_text, digest);

	if (digest_len == 0) {
		return ERR_CRYPTO;
	}
	/* Peers may drop leading zero bytes. */
	if (j->signature.len > k->number_bytes || k->number_bytes > sizeof(signature)) {
		return ERR_DENIED;
	}
	memcpy(signature + k->number_bytes - j->signature.len, j->signature.ptr, j->signature.len);
	return outcome(
	    EVP_PKEY_verify(k->verifier, signature, k->number_bytes, digest, digest_len));
}

/* r and s as DER, which OpenSSL wants; *ret is freed with OPENSSL_free. */
static enum err dsa_to_der(
    const unsigned char *numbers, size_t each, unsigned char **ret, size_t *ret_len)
{
	DSA_SIG *sig = DSA_SIG_new();
	BIGNUM *r = BN_bin2bn(numbers, (int)each, NULL);
	BIGNUM *s = BN_bin2bn(numbers + each, (int)each, NULL);
	unsigned char *der = NULL;
	int len = -1;

	if (sig != NULL && r != NULL && s != NULL && DSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* now owned by sig */
		len = i2d_DSA_SIG(sig, &der);
	}
	BN_free(r);
	BN_free(s);
	DSA_SIG_free(sig);
	if (len < 0) {
		return ERR_CRYPTO;
	}
	*ret = der;
	*ret_len = (size_t)len;
	return ERR_OK;
}

/* OpenSSL checks 0 < r, s < q. */
static enum err verify_dsa(const struct jws *j, const struct pubkey *k)
{
	unsigned char numbers[2 * SHA256_DIGEST_LENGTH] = { 0 }, digest[SHA256_DIGEST_LENGTH];
	unsigned char *der = NULL;
	size_t len = 2 * k->number_bytes, der_len = 0;
	size_t digest_len = digest_of(k->alg, j->signed_text, digest);

	if (digest_len == 0) {
		return ERR_CRYPTO;
	}
	if (j->signature.len > len || len > sizeof(numbers)) {
		return ERR_SYNTAX;
	}
	memcpy(numbers + len - j->signature.len, j->signature.ptr, j->signature.len);
	enum err e = dsa_to_der(numbers, k->number_bytes, &der, &der_len);
	if (e != ERR_OK) {
		return e;
	}
	e = outcome(EVP_PKEY_verify(k->verifier, der, der_len, digest, digest_len));
	OPENSSL_free(der);
	return e;
}

enum err jws_verify(const struct jws *j, const struct pubkey *key)
{
	if (!slice_eq(j->alg, slice_str(jws_alg_name(key->alg)))) {
		return ERR_DENIED;
	}
	return key->alg == JWS_DS128 || key->alg == JWS_DS256 ? verify_dsa(j, key)
							      : verify_rsa(j, key);
}

static enum err sign(EVP_PKEY *key, struct slice text, unsigned char *out, size_t *len)
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	size_t digest_len = digest_of(JWS_RS256, text, digest);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	enum err e = ERR_CRYPTO;

	if (digest_len > 0 && ctx != NULL && EVP_PKEY_sign_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_sign(ctx, out, len, digest, digest_len) == 1) {
		e = ERR_OK;
	}
	EVP_PKEY_CTX_free(ctx);
	return e;
}

enum err jws_sign_rs256(struct slice payload, EVP_PKEY *key, struct buf *out)
{
	unsigned char signature[JWS_SIGNATURE_MAX];
	size_t from = out->len, len = sizeof(signature);

	enc_base64url(out, SLICE("{\"alg\":\"RS256\"}"));
	buf_append_char(out, '.');
	enc_base64url(out, payload);
	if (out->failed) {
		return ERR_LIMIT;
	}
	enum err e = sign(key, slice_sub(buf_slice(out), from, out->len), signature, &len);
	if (e == ERR_OK) {
		buf_append_char(out, '.');
		enc_base64url(out, SLICE_OF(signature, len));
		e = out->failed ? ERR_LIMIT : ERR_OK;
	}
	return e;
}
