/*
 * Public keys of BrowserID (persona.md 4.1): JSON objects with decimal (RSA) or hex (DSA) numbers.
 * RSA of 512, 1024 and 2048 bits, DSA in the two groups of the protocol; anything else is refused.
 */
#ifndef PLIMSOLL_IDENTITY_PUBKEY_H
#define PLIMSOLL_IDENTITY_PUBKEY_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"

enum jws_alg {
	JWS_RS64,
	JWS_RS128,
	JWS_RS256,
	JWS_DS128,
	JWS_DS256,
	JWS_ALGS
};

/* "RS256" and so on. */
const char *jws_alg_name(enum jws_alg alg);

struct pubkey {
	enum jws_alg alg;
	/* Owned; holds the key and is ready to verify a digest with it, again and again. One
	 * thread. */
	EVP_PKEY_CTX *verifier;
	size_t number_bytes; /* RSA: of the modulus; DSA: of q, so a signature has twice as many */
};

/*
 * From a JSON object of the form
 *	{"algorithm":"RS","n":"decimal","e":"decimal"} or {"algorithm":"DS","y","p","q","g"} in hex.
 * ERR_INVALID: another form, size or group, with the reason in note.
 */
NODISCARD enum err pubkey_parse(const struct json *v, struct pubkey *ret, struct err_note *note);
void pubkey_free(struct pubkey *key);

/*
 * For keys that are about to be certified: parses, does the costly checks as well (a DSA y must lie
 * in the group), and appends the canonical JSON text.
 */
NODISCARD enum err pubkey_check(
    struct arena *arena, struct slice text, struct buf *out, struct err_note *note);

/* Appends the JSON of an RSA public key in the form above. ERR_CRYPTO. */
NODISCARD enum err pubkey_write_rsa(const EVP_PKEY *key, struct buf *out);

#endif
