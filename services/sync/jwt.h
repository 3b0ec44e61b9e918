/*
 * What another accounts server says and can be checked here (sync.md 3.5): access tokens and events
 * of security, JWTs signed with RS256 by one of the keys in a file ([sync] oauth_jwks, a JWK set as
 * its /v1/jwks gives it out).
 */
#ifndef PLIMSOLL_SYNC_JWT_H
#define PLIMSOLL_SYNC_JWT_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/slice.h"

enum jwt_limits {
	JWT_KEYS_MAX = 8,
	JWT_KID_SIZE = 100,
	JWT_MAX_BYTES = 4096,
	JWT_RSA_BYTES = 512 /* of a modulus: 4096 bits */
};

struct jwt_keys {
	struct {
		EVP_PKEY *key;
		char kid[JWT_KID_SIZE]; /* empty: it has none */
	} list[JWT_KEYS_MAX];
	unsigned n;
};

/* Takes a JWK set, or one JWK. ERR_CONFIG with the reason in note; ERR_MEMORY; ERR_CRYPTO. */
NODISCARD enum err jwt_keys_parse(struct slice text, struct jwt_keys *ret, struct err_note *note);
/* The same from a file. */
NODISCARD enum err jwt_keys_load(const char *path, struct jwt_keys *ret, struct err_note *note);
void jwt_keys_free(struct jwt_keys *keys);

enum jwt_kind {
	JWT_ACCESS_TOKEN, /* typ at+jwt; it expires */
	JWT_EVENTS /* RFC 8417: typ secevent+jwt, or not told; has "events", does not expire */
};

/* Has a token the form of a JWT? Nothing is said of its signature. */
bool jwt_looks_like_one(struct slice token);

/*
 * The claims of a token: signed by a key of ours, of that kind, not expired at now_s.
 * ERR_DENIED with the reason in note; ERR_MEMORY; ERR_CRYPTO.
 */
NODISCARD enum err jwt_claims(const struct jwt_keys *keys, struct arena *arena, struct slice token,
    enum jwt_kind kind, int64_t now_s, const struct json **ret, struct err_note *note);

#endif
