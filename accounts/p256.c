/*
 * See p256.h: OpenSSL's keys out of bytes and back.
 */
#include "accounts/p256.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

enum {
	DER_BYTES = 80 /* of a signature, at most 72 */
};

/* secret NULL: a public key only. NULL: it is none. */
static EVP_PKEY *key_of(const uint8_t point[P256_POINT_BYTES], const uint8_t *secret)
{
	EVP_PKEY *key = NULL;
	BIGNUM *number = secret == NULL ? NULL : BN_secure_new();
	OSSL_PARAM_BLD *list = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params = NULL;
	bool good =
	    list != NULL && ctx != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(list, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(
		list, OSSL_PKEY_PARAM_PUB_KEY, point, P256_POINT_BYTES) == 1;

	if (secret != NULL) {
		good = good && number != NULL &&
		       BN_bin2bn(secret, P256_SCALAR_BYTES, number) != NULL &&
		       OSSL_PARAM_BLD_push_BN(list, OSSL_PKEY_PARAM_PRIV_KEY, number) == 1;
	}
	if (good) {
		params = OSSL_PARAM_BLD_to_param(list);
	}
	if (params == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(
		ctx, &key, secret == NULL ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR, params) != 1) {
		key = NULL;
	}
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(list);
	EVP_PKEY_CTX_free(ctx);
	BN_clear_free(number);
	return key;
}

enum err p256_generate(struct p256_pair *ret)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIGNUM *number = NULL;
	size_t len = 0;
	bool good = key != NULL &&
		    EVP_PKEY_get_octet_string_param(
			key, OSSL_PKEY_PARAM_PUB_KEY, ret->point, sizeof(ret->point), &len) == 1 &&
		    len == sizeof(ret->point) &&
		    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &number) == 1 &&
		    BN_bn2binpad(number, ret->secret, sizeof(ret->secret)) == P256_SCALAR_BYTES;

	BN_clear_free(number);
	EVP_PKEY_free(key);
	return good ? ERR_OK : ERR_CRYPTO;
}

bool p256_is_point(const uint8_t point[P256_POINT_BYTES])
{
	EVP_PKEY *key = point[0] == POINT_CONVERSION_UNCOMPRESSED ? key_of(point, NULL) : NULL;

	EVP_PKEY_free(key);
	return key != NULL;
}

bool p256_is_pair(const struct p256_pair *pair)
{
	EVP_PKEY *key = key_of(pair->point, pair->secret);
	EVP_PKEY_CTX *ctx = key == NULL ? NULL : EVP_PKEY_CTX_new(key, NULL);
	bool good = ctx != NULL && EVP_PKEY_pairwise_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good;
}

enum err p256_agree(const struct p256_pair *own, const uint8_t point[P256_POINT_BYTES],
    uint8_t ret[P256_SCALAR_BYTES])
{
	EVP_PKEY *mine = key_of(own->point, own->secret), *theirs = key_of(point, NULL);
	EVP_PKEY_CTX *ctx = mine == NULL ? NULL : EVP_PKEY_CTX_new(mine, NULL);
	size_t len = P256_SCALAR_BYTES;
	bool good = ctx != NULL && theirs != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
		    EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
		    EVP_PKEY_derive(ctx, ret, &len) == 1 && len == P256_SCALAR_BYTES;

	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(mine);
	EVP_PKEY_free(theirs);
	return good ? ERR_OK : ERR_CRYPTO;
}

/* ---- signatures: OpenSSL's are DER, JOSE's are two numbers ---- */

static bool to_numbers(const uint8_t *der, size_t len, uint8_t ret[P256_SIGNATURE_BYTES])
{
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool good =
	    pair != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(pair), ret, P256_SCALAR_BYTES) == P256_SCALAR_BYTES &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), ret + P256_SCALAR_BYTES, P256_SCALAR_BYTES) ==
		P256_SCALAR_BYTES;

	ECDSA_SIG_free(pair);
	return good;
}

enum err p256_sign(
    const struct p256_pair *own, struct slice text, uint8_t ret[P256_SIGNATURE_BYTES])
{
	uint8_t der[DER_BYTES];
	size_t len = sizeof(der);
	EVP_PKEY *key = key_of(own->point, own->secret);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = key != NULL && ctx != NULL &&
		    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		    EVP_DigestSign(ctx, der, &len, (const uint8_t *)text.ptr, text.len) == 1 &&
		    to_numbers(der, len, ret);

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good ? ERR_OK : ERR_CRYPTO;
}

static bool from_numbers(
    const uint8_t signature[P256_SIGNATURE_BYTES], uint8_t der[DER_BYTES], size_t *ret_len)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, P256_SCALAR_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(signature + P256_SCALAR_BYTES, P256_SCALAR_BYTES, NULL);
	int len = 0;

	if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
		BN_free(r);
		BN_free(s);
	} else {
		len = i2d_ECDSA_SIG(pair, NULL);
		len = len > 0 && len <= DER_BYTES ? i2d_ECDSA_SIG(pair, &der) : 0;
	}
	ECDSA_SIG_free(pair);
	*ret_len = len > 0 ? (size_t)len : 0;
	return len > 0;
}

bool p256_verify(const uint8_t point[P256_POINT_BYTES], struct slice text,
    const uint8_t signature[P256_SIGNATURE_BYTES])
{
	uint8_t der[DER_BYTES];
	size_t len = 0;
	EVP_PKEY *key = key_of(point, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = key != NULL && ctx != NULL && from_numbers(signature, der, &len) &&
		    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		    EVP_DigestVerify(ctx, der, len, (const uint8_t *)text.ptr, text.len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good;
}
