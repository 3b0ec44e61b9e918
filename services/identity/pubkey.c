/*
 * Public keys between JSON and OpenSSL. A user's key is met once and thrown away, so making it
 * counts as much as using it: parameters are handed over as plain arrays, and the context that is
 * made ready for the first verification stays for the next.
 */
#include "services/identity/pubkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>
#include <pthread.h>

#include "core/base/check.h"
#include "services/identity/dsa_group.h"

enum {
	RSA_DECIMAL_MAX = 620, /* digits of a number of 2049 bits */
	RSA_E_DECIMAL_MAX = 10,
	DSA_HEX_MAX = 514,
	NUMBER_MAX = 257, /* bytes of the largest number */
};

const char *jws_alg_name(enum jws_alg alg)
{
	static const char *const names[JWS_ALGS] = { "RS64", "RS128", "RS256", "DS128", "DS256" };

	return names[alg];
}

static bool is_digits(struct slice s, bool hex)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= '0' && c <= '9') || (hex && c >= 'a' && c <= 'f') ||
			(hex && c >= 'A' && c <= 'F'))) {
			return false;
		}
	}
	return s.len > 0;
}

/* Member name of v as a number of at most max digits; NULL if it is none. */
static BIGNUM *take_number(const struct json *v, const char *name, bool hex, size_t max)
{
	char digits[RSA_DECIMAL_MAX + 1];
	struct slice text;
	BIGNUM *n = NULL;

	if (!json_get_string(json_member(v, name), &text) || text.len > max ||
	    !is_digits(text, hex) || slice_to_cstr(text, digits, sizeof(digits)) != ERR_OK) {
		return NULL;
	}
	int used = hex ? BN_hex2bn(&n, digits) : BN_dec2bn(&n, digits);
	if (used == 0) {
		BN_free(n);
		return NULL;
	}
	return n;
}

/* A number in the form that OpenSSL takes as parameter. */
struct native {
	unsigned char bytes[NUMBER_MAX];
};

static OSSL_PARAM param_of(const char *name, const BIGNUM *n, struct native *room)
{
	int len = BN_num_bytes(n);

	CHECK(len <= NUMBER_MAX && BN_bn2nativepad(n, room->bytes, len) == len);
	return OSSL_PARAM_construct_BN(name, room->bytes, (size_t)len);
}

static const EVP_MD *sha256;
static pthread_once_t sha256_once = PTHREAD_ONCE_INIT;

/* Finding an algorithm takes longer than hashing with it. */
static void fetch_sha256(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	CHECK(sha256 != NULL);
}

/* Ready to verify: PKCS#1 is the default padding of RSA; a DSA digest is signed as it is. */
static EVP_PKEY_CTX *verifier_of(EVP_PKEY *key, bool is_rsa)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	(void)pthread_once(&sha256_once, fetch_sha256);
	if (ctx == NULL || EVP_PKEY_verify_init(ctx) != 1 ||
	    (is_rsa && EVP_PKEY_CTX_set_signature_md(ctx, sha256) != 1)) {
		EVP_PKEY_CTX_free(ctx);
		return NULL;
	}
	return ctx;
}

/* A key of that type from parameters, made ready. */
static enum err make_verifier(const char *type, OSSL_PARAM *params, bool is_rsa, EVP_PKEY_CTX **ret)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *verifier = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) == 1) {
		verifier = verifier_of(key, is_rsa);
	}
	EVP_PKEY_free(key); /* the verifier holds it */
	EVP_PKEY_CTX_free(ctx);
	if (verifier == NULL) {
		return ERR_CRYPTO;
	}
	*ret = verifier;
	return ERR_OK;
}

/* The nominal strength by the bits of the modulus, one more or less allowed. */
static bool rsa_alg(int bits, enum jws_alg *ret)
{
	static const struct {
		int bits;
		enum jws_alg alg;
	} sizes[] = { { 512, JWS_RS64 }, { 1024, JWS_RS128 }, { 2048, JWS_RS256 } };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (bits >= sizes[i].bits - 1 && bits <= sizes[i].bits + 1) {
			*ret = sizes[i].alg;
			return true;
		}
	}
	return false;
}

static enum err make_rsa(const BIGNUM *n, const BIGNUM *e, EVP_PKEY_CTX **ret)
{
	struct native n_room, e_room;
	OSSL_PARAM params[] = {
		param_of(OSSL_PKEY_PARAM_RSA_N, n, &n_room),
		param_of(OSSL_PKEY_PARAM_RSA_E, e, &e_room),
		OSSL_PARAM_construct_end(),
	};

	return make_verifier("RSA", params, true, ret);
}

static enum err parse_rsa(const struct json *v, struct pubkey *ret, struct err_note *note)
{
	BIGNUM *n = take_number(v, "n", false, RSA_DECIMAL_MAX);
	BIGNUM *e = take_number(v, "e", false, RSA_E_DECIMAL_MAX);
	struct pubkey k = { .verifier = NULL };
	enum err result = ERR_OK;

	if (n == NULL || e == NULL) {
		result = err_note_set(note, ERR_INVALID, "n and e must be decimal numbers");
	} else if (!rsa_alg(BN_num_bits(n), &k.alg)) {
		result = err_note_set(
		    note, ERR_INVALID, "an RSA key of %d bits is not supported", BN_num_bits(n));
	} else if (!BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e)) {
		result = err_note_set(note, ERR_INVALID, "not an RSA key");
	} else {
		k.number_bytes = (size_t)BN_num_bytes(n);
		result = make_rsa(n, e, &k.verifier);
	}
	BN_free(n);
	BN_free(e);
	if (result == ERR_OK) {
		*ret = k;
	}
	return result;
}

/* 1 < y < p - 1: the values that would make any signature good are out. */
static bool is_dsa_y(const BIGNUM *y, const struct dsa_group *group)
{
	BIGNUM *top = BN_dup(group->p);
	bool good = top != NULL && BN_sub_word(top, 1) == 1 && !BN_is_zero(y) && !BN_is_one(y) &&
		    BN_cmp(y, top) < 0;

	BN_free(top);
	return good;
}

static enum err make_dsa(const BIGNUM *y, const struct dsa_group *group, EVP_PKEY_CTX **ret)
{
	struct native p, q, g, y_room;
	OSSL_PARAM params[] = {
		param_of(OSSL_PKEY_PARAM_FFC_P, group->p, &p),
		param_of(OSSL_PKEY_PARAM_FFC_Q, group->q, &q),
		param_of(OSSL_PKEY_PARAM_FFC_G, group->g, &g),
		param_of(OSSL_PKEY_PARAM_PUB_KEY, y, &y_room),
		OSSL_PARAM_construct_end(),
	};

	return make_verifier("DSA", params, false, ret);
}

/* y must be a power of g: y^q = 1 (mod p). As costly as half a verification. */
static bool is_in_group(const BIGNUM *y, const struct dsa_group *group)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *one = BN_new();
	bool good = ctx != NULL && one != NULL &&
		    BN_mod_exp(one, y, group->q, group->p, ctx) == 1 && BN_is_one(one);

	BN_free(one);
	BN_CTX_free(ctx);
	return good;
}

static enum err parse_dsa(
    const struct json *v, bool thorough, struct pubkey *ret, struct err_note *note)
{
	BIGNUM *numbers[4] = { take_number(v, "p", true, DSA_HEX_MAX),
		take_number(v, "q", true, DSA_HEX_MAX), take_number(v, "g", true, DSA_HEX_MAX),
		take_number(v, "y", true, DSA_HEX_MAX) };
	const BIGNUM *p = numbers[0], *q = numbers[1], *g = numbers[2], *y = numbers[3];
	const struct dsa_group *group = NULL;
	struct pubkey k = { .verifier = NULL };
	enum err e = ERR_OK;

	if (p == NULL || q == NULL || g == NULL || y == NULL) {
		e = err_note_set(note, ERR_INVALID, "y, p, q and g must be hex numbers");
	} else if ((group = dsa_group_find(p, q, g)) == NULL) {
		e = err_note_set(note, ERR_INVALID, "not one of the DSA groups of the protocol");
	} else if (!is_dsa_y(y, group) || (thorough && !is_in_group(y, group))) {
		e = err_note_set(note, ERR_INVALID, "y is not in its DSA group");
	} else {
		k.alg = group->alg;
		k.number_bytes = (size_t)BN_num_bytes(q);
		e = make_dsa(y, group, &k.verifier);
	}
	for (size_t i = 0; i < 4; i++) {
		BN_free(numbers[i]);
	}
	if (e == ERR_OK) {
		*ret = k;
	}
	return e;
}

static enum err parse(
    const struct json *v, bool thorough, struct pubkey *ret, struct err_note *note)
{
	struct slice algorithm;

	if (!json_get_string(json_member(v, "algorithm"), &algorithm)) {
		return err_note_set(note, ERR_INVALID, "a public key names its algorithm");
	}
	if (slice_eq(algorithm, SLICE("RS"))) {
		return parse_rsa(v, ret, note);
	}
	if (slice_eq(algorithm, SLICE("DS"))) {
		return parse_dsa(v, thorough, ret, note);
	}
	return err_note_set(note, ERR_INVALID, "algorithm must be RS or DS");
}

enum err pubkey_parse(const struct json *v, struct pubkey *ret, struct err_note *note)
{
	return parse(v, false, ret, note);
}

void pubkey_free(struct pubkey *key)
{
	EVP_PKEY_CTX_free(key->verifier);
	key->verifier = NULL;
}

static void put_members(struct buf *out, const struct json *v, const char *const *names, size_t n)
{
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	for (size_t i = 0; i < n; i++) {
		struct slice text = SLICE_EMPTY;
		if (json_get_string(json_member(v, names[i]), &text)) {
			json_put_name(&w, slice_str(names[i]));
			json_put_string(&w, text);
		}
	}
	json_end_object(&w);
}

enum err pubkey_check(
    struct arena *arena, struct slice text, struct buf *out, struct err_note *note)
{
	static const char *const rsa_names[] = { "algorithm", "n", "e" };
	static const char *const dsa_names[] = { "algorithm", "y", "p", "q", "g" };
	const struct json *v = NULL;
	struct pubkey k = { .verifier = NULL };
	enum err e = json_parse(arena, text, &v, note);

	if (e == ERR_OK) {
		e = parse(v, true, &k, note);
	}
	if (e != ERR_OK) {
		return e == ERR_SYNTAX || e == ERR_LIMIT ? ERR_INVALID : e;
	}
	if (k.alg == JWS_DS128 || k.alg == JWS_DS256) {
		put_members(out, v, dsa_names, 5);
	} else {
		put_members(out, v, rsa_names, 3);
	}
	pubkey_free(&k);
	return out->failed ? ERR_LIMIT : ERR_OK;
}

static enum err put_decimal(
    const EVP_PKEY *key, const char *param, struct slice name, struct json_writer *w)
{
	BIGNUM *n = NULL;

	if (EVP_PKEY_get_bn_param(key, param, &n) != 1) {
		return ERR_CRYPTO;
	}
	char *digits = BN_bn2dec(n);
	BN_free(n);
	if (digits == NULL) {
		return ERR_CRYPTO;
	}
	json_put_name(w, name);
	json_put_string(w, slice_str(digits));
	OPENSSL_free(digits);
	return ERR_OK;
}

enum err pubkey_write_rsa(const EVP_PKEY *key, struct buf *out)
{
	struct json_writer w = json_writer_new(out);

	json_begin_object(&w);
	json_put_name(&w, SLICE("algorithm"));
	json_put_string(&w, SLICE("RS"));
	enum err e = put_decimal(key, OSSL_PKEY_PARAM_RSA_N, SLICE("n"), &w);
	if (e == ERR_OK) {
		e = put_decimal(key, OSSL_PKEY_PARAM_RSA_E, SLICE("e"), &w);
	}
	json_end_object(&w);
	return e == ERR_OK && out->failed ? ERR_LIMIT : e;
}
