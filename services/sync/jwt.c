/*
 * JWTs with RS256.
 */
#include "services/sync/jwt.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/enc.h"

enum {
	FILE_MAX = 64 * 1024,
	ARENA_MAX = 1024 * 1024
};

/* ---- keys ---- */

static BIGNUM *number_of(const struct json *jwk, const char *name)
{
	unsigned char bytes[JWT_RSA_BYTES];
	struct slice text;
	size_t len = 0;

	if (!json_get_string(json_member(jwk, name), &text) ||
	    dec_base64url(text, bytes, sizeof(bytes), &len) != ERR_OK || len == 0) {
		return NULL;
	}
	return BN_bin2bn(bytes, (int)len, NULL);
}

static EVP_PKEY *key_of(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM *params = NULL;
	EVP_PKEY *key = NULL;

	if (build != NULL && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1) {
		params = OSSL_PARAM_BLD_to_param(build);
	}
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
		key = NULL;
	}
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Keys of other kinds are passed over. */
static enum err add_key(struct jwt_keys *keys, const struct json *jwk, struct err_note *note)
{
	struct slice type, kid = SLICE_EMPTY;

	if (!json_get_string(json_member(jwk, "kty"), &type) || !slice_eq(type, SLICE("RSA"))) {
		return ERR_OK;
	}
	(void)json_get_string(json_member(jwk, "kid"), &kid);
	if (keys->n == JWT_KEYS_MAX ||
	    slice_to_cstr(kid, keys->list[keys->n].kid, JWT_KID_SIZE) != ERR_OK) {
		return err_note_set(note, ERR_CONFIG, "too many keys, or a kid that is too long");
	}
	BIGNUM *n = number_of(jwk, "n"), *e = number_of(jwk, "e");
	EVP_PKEY *key = n == NULL || e == NULL ? NULL : key_of(n, e);
	BN_free(n);
	BN_free(e);
	if (key == NULL) {
		return err_note_set(note, ERR_CONFIG, "a key of RSA that is none");
	}
	keys->list[keys->n++].key = key;
	return ERR_OK;
}

enum err jwt_keys_parse(struct slice text, struct jwt_keys *ret, struct err_note *note)
{
	struct arena arena = arena_new(ARENA_MAX);
	struct jwt_keys keys = { .n = 0 };
	const struct json *set = NULL;
	enum err e = json_parse(&arena, text, &set, note);
	const struct json *list = json_member(set, "keys");

	if (e == ERR_OK && list == NULL) {
		e = add_key(&keys, set, note);
	}
	for (size_t i = 0; e == ERR_OK && i < json_count(list); i++) {
		e = add_key(&keys, json_element(list, i), note);
	}
	if (e == ERR_OK && keys.n == 0) {
		e = err_note_set(note, ERR_CONFIG, "there is no key of RSA in it");
	}
	arena_reset(&arena);
	if (e != ERR_OK) {
		jwt_keys_free(&keys);
		return e == ERR_MEMORY ? e : ERR_CONFIG;
	}
	*ret = keys;
	return ERR_OK;
}

enum err jwt_keys_load(const char *path, struct jwt_keys *ret, struct err_note *note)
{
	struct buf text = buf_new(FILE_MAX);
	struct err_note why = { .code = ERR_OK };
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		return err_note_set(note, ERR_CONFIG, "[sync] oauth_jwks: cannot open %s", path);
	}
	enum err e = buf_read_all(&text, fd);
	(void)close(fd);
	if (e == ERR_OK) {
		e = jwt_keys_parse(buf_slice(&text), ret, &why);
	}
	buf_free(&text);
	return e == ERR_OK ? e
			   : err_note_set(note, ERR_CONFIG, "[sync] oauth_jwks: %s: %s", path,
				 why.code == ERR_OK ? err_text(e) : why.text);
}

void jwt_keys_free(struct jwt_keys *keys)
{
	for (unsigned i = 0; i < keys->n; i++) {
		EVP_PKEY_free(keys->list[i].key);
	}
	keys->n = 0;
}

/* ---- tokens ---- */

struct parts {
	struct slice header, payload, signature, signed_text;
};

static bool split(struct slice token, struct parts *ret)
{
	size_t first = slice_find(token, '.', 0);
	size_t second = slice_find(token, '.', first + 1);

	if (first >= token.len || second >= token.len ||
	    slice_find(token, '.', second + 1) < token.len) {
		return false;
	}
	*ret = (struct parts){ .header = slice_sub(token, 0, first),
		.payload = slice_sub(token, first + 1, second),
		.signature = slice_sub(token, second + 1, token.len),
		.signed_text = slice_sub(token, 0, second) };
	return true;
}

bool jwt_looks_like_one(struct slice token)
{
	struct parts unused;

	return token.len <= JWT_MAX_BYTES && split(token, &unused);
}

static enum err parse_part(struct arena *arena, struct slice part, const struct json **ret)
{
	char *bytes = arena_alloc(arena, part.len);
	size_t len = 0;

	if (bytes == NULL) {
		return ERR_MEMORY;
	}
	if (dec_base64url(part, bytes, part.len, &len) != ERR_OK) {
		return ERR_SYNTAX;
	}
	enum err e = json_parse(arena, SLICE_OF(bytes, len), ret, NULL);
	return e == ERR_OK || e == ERR_MEMORY ? e : ERR_SYNTAX;
}

/* The type in any case, with or without "application/"; some servers do not tell that of events. */
static bool is_of_kind(const struct json *header, enum jwt_kind kind)
{
	struct slice type, alg;
	const struct slice prefix = SLICE("application/");

	if (!json_get_string(json_member(header, "alg"), &alg) || !slice_eq(alg, SLICE("RS256"))) {
		return false;
	}
	if (!json_get_string(json_member(header, "typ"), &type)) {
		return kind == JWT_EVENTS && json_member(header, "typ") == NULL;
	}
	if (type.len > prefix.len && slice_eq_nocase(slice_sub(type, 0, prefix.len), prefix)) {
		type = slice_sub(type, prefix.len, type.len);
	}
	if (kind == JWT_EVENTS) {
		return slice_eq_nocase(type, SLICE("secevent+jwt")) ||
		       slice_eq_nocase(type, SLICE("JWT"));
	}
	return slice_eq_nocase(type, SLICE("at+jwt"));
}

/* An access token without a time or past it is none; events have none, and access tokens no events.
 */
static enum err check_claims(
    const struct json *claims, enum jwt_kind kind, int64_t now_s, struct err_note *note)
{
	double expires = 0;

	if (kind == JWT_EVENTS) {
		return json_kind(json_member(claims, "events")) == JSON_KIND_OBJECT
			   ? ERR_OK
			   : err_note_set(note, ERR_DENIED, "there are no events in it");
	}
	if (!json_get_real(json_member(claims, "exp"), &expires) || !(expires > (double)now_s)) {
		return err_note_set(note, ERR_DENIED, "the access token has expired");
	}
	return ERR_OK;
}

static bool is_signed_by(
    EVP_PKEY *key, const struct parts *p, const unsigned char *signature, size_t signature_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool is_good = ctx != NULL &&
		       EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		       EVP_DigestVerify(ctx, signature, signature_len,
			   (const unsigned char *)p->signed_text.ptr, p->signed_text.len) == 1;

	EVP_MD_CTX_free(ctx);
	return is_good;
}

/* By the key of the header's kid, or by any where it names none. */
static bool is_signed(const struct jwt_keys *keys, const struct json *header, const struct parts *p)
{
	unsigned char signature[JWT_RSA_BYTES];
	struct slice kid = SLICE_EMPTY;
	size_t len = 0;

	(void)json_get_string(json_member(header, "kid"), &kid);
	if (dec_base64url(p->signature, signature, sizeof(signature), &len) != ERR_OK) {
		return false;
	}
	for (unsigned i = 0; i < keys->n; i++) {
		bool is_meant = kid.len == 0 || keys->list[i].kid[0] == '\0' ||
				slice_eq(kid, slice_str(keys->list[i].kid));
		if (is_meant && is_signed_by(keys->list[i].key, p, signature, len)) {
			return true;
		}
	}
	return false;
}

enum err jwt_claims(const struct jwt_keys *keys, struct arena *arena, struct slice token,
    enum jwt_kind kind, int64_t now_s, const struct json **ret, struct err_note *note)
{
	const struct json *header = NULL, *claims = NULL;
	struct parts p;

	if (!jwt_looks_like_one(token) || !split(token, &p)) {
		return err_note_set(note, ERR_DENIED, "no JWT");
	}
	enum err e = parse_part(arena, p.header, &header);
	if (e == ERR_OK && !is_of_kind(header, kind)) {
		return err_note_set(note, ERR_DENIED, "of another type, or not with RS256");
	}
	if (e == ERR_OK && !is_signed(keys, header, &p)) {
		return err_note_set(note, ERR_DENIED, "signed by no key in [sync] oauth_jwks");
	}
	if (e == ERR_OK) {
		e = parse_part(arena, p.payload, &claims);
	}
	if (e != ERR_OK) {
		return e == ERR_MEMORY ? e : err_note_set(note, ERR_DENIED, "malformed JWT");
	}
	e = check_claims(claims, kind, now_s, note);
	if (e == ERR_OK) {
		*ret = claims;
	}
	return e;
}
