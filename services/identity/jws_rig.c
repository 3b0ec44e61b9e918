/*
 * Keys and signatures for unit tests, made with OpenSSL alone.
 */
#include "services/identity/jws_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/dsa.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "core/base/enc.h"
#include "services/identity/dsa_group.h"

static bool is_dsa(enum jws_alg alg)
{
	return alg == JWS_DS128 || alg == JWS_DS256;
}

static void write_rsa_json(struct test_key *k)
{
	struct buf b = buf_new(sizeof(k->json));

	assert_int_equal(pubkey_write_rsa(k->pair, &b), ERR_OK);
	assert_int_equal(slice_to_cstr(buf_slice(&b), k->json, sizeof(k->json)), ERR_OK);
	buf_free(&b);
}

/* OpenSSL of this age makes no RSA-512 keys through the short form, so ask for the bits. */
static void make_rsa(struct test_key *k, unsigned bits)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

	assert_non_null(ctx);
	assert_int_equal(EVP_PKEY_keygen_init(ctx), 1);
	assert_int_equal(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits), 1);
	assert_int_equal(EVP_PKEY_generate(ctx, &k->pair), 1);
	EVP_PKEY_CTX_free(ctx);
	write_rsa_json(k);
}

static char *lower_hex(const BIGNUM *n)
{
	char *hex = BN_bn2hex(n);

	assert_non_null(hex);
	for (char *p = hex; *p != '\0'; p++) {
		*p = (char)(*p >= 'A' && *p <= 'F' ? *p - 'A' + 'a' : *p);
	}
	return hex;
}

static void make_dsa(struct test_key *k)
{
	const struct dsa_group *g = dsa_group_of(k->alg);
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
	BN_CTX *bn = BN_CTX_new();
	BIGNUM *x = BN_new(), *y = BN_new();

	assert_int_equal(BN_priv_rand_range(x, g->q), 1);
	assert_int_equal(BN_mod_exp(y, g->g, x, g->p, bn), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_P, g->p), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_Q, g->q), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_FFC_G, g->g), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PUB_KEY, y), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_PRIV_KEY, x), 1);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(b);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &k->pair, EVP_PKEY_KEYPAIR, params), 1);
	char *hex[4] = { lower_hex(y), lower_hex(g->p), lower_hex(g->q), lower_hex(g->g) };
	(void)snprintf(k->json, sizeof(k->json),
	    "{\"algorithm\":\"DS\",\"y\":\"%s\",\"p\":\"%s\",\"q\":\"%s\",\"g\":\"%s\"}", hex[0],
	    hex[1], hex[2], hex[3]);
	for (size_t i = 0; i < 4; i++) {
		OPENSSL_free(hex[i]);
	}
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	BN_CTX_free(bn);
	BN_free(x);
	BN_free(y);
}

void test_key_init(struct test_key *k, enum jws_alg alg)
{
	*k = (struct test_key){ .alg = alg };
	if (is_dsa(alg)) {
		make_dsa(k);
	} else {
		make_rsa(k, alg == JWS_RS64 ? 512 : alg == JWS_RS128 ? 1024 : 2048);
	}
}

void test_key_fini(struct test_key *k)
{
	EVP_PKEY_free(k->pair);
}

static void append_dsa(
    const struct test_key *k, const unsigned char *der, size_t len, struct buf *out)
{
	int each = k->alg == JWS_DS128 ? 20 : 32;
	unsigned char numbers[64];
	DSA_SIG *sig = d2i_DSA_SIG(NULL, &der, (long)len);

	const BIGNUM *r = NULL, *s = NULL;

	assert_non_null(sig);
	DSA_SIG_get0(sig, &r, &s);
	assert_int_equal(BN_bn2binpad(r, numbers, each), each);
	assert_int_equal(BN_bn2binpad(s, numbers + each, each), each);
	enc_base64url(out, SLICE_OF(numbers, (size_t)(2 * each)));
	DSA_SIG_free(sig);
}

void test_sign(const struct test_key *k, const char *alg_name, const char *payload, struct buf *out)
{
	unsigned char signature[300];
	size_t from = out->len, len = sizeof(signature);
	char header[64];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const EVP_MD *md = k->alg == JWS_DS128 ? EVP_sha1() : EVP_sha256();

	(void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}",
	    alg_name != NULL ? alg_name : jws_alg_name(k->alg));
	enc_base64url(out, slice_str(header));
	buf_append_char(out, '.');
	enc_base64url(out, slice_str(payload));
	assert_int_equal(EVP_DigestSignInit(ctx, NULL, md, NULL, k->pair), 1);
	assert_int_equal(EVP_DigestSign(ctx, signature, &len,
			     (const unsigned char *)out->data + from, out->len - from),
	    1);
	EVP_MD_CTX_free(ctx);
	buf_append_char(out, '.');
	if (is_dsa(k->alg)) {
		append_dsa(k, signature, len, out);
	} else {
		enc_base64url(out, SLICE_OF(signature, len));
	}
}
