/*
 * Signed objects (persona.md 4.2): base64url(header) "." base64url(payload) "."
 * base64url(signature).
 */
#ifndef PLIMSOLL_IDENTITY_JWS_H
#define PLIMSOLL_IDENTITY_JWS_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/slice.h"
#include "services/identity/pubkey.h"

enum {
	JWS_SIGNATURE_MAX = 257
}; /* bytes: RSA of 2049 bits */

/* Parsed, not yet verified; lives in the arena and the text it was parsed from. */
struct jws {
	struct slice alg;	    /* of the header, e.g. "RS256" */
	const struct json *payload; /* an object */
	struct slice signed_text;   /* the first two parts with the dot between */
	struct slice signature;
};

/* ERR_SYNTAX: not three parts of base64url, no JSON objects, no alg; ERR_MEMORY. */
NODISCARD enum err jws_parse(struct arena *arena, struct slice text, struct jws *ret);

/*
 * ERR_OK: the signature is good; ERR_DENIED: it is not, or the header names another algorithm than
 * the key's; ERR_SYNTAX: a DSA signature longer than two numbers; ERR_CRYPTO.
 */
NODISCARD enum err jws_verify(const struct jws *j, const struct pubkey *key);

/* Appends an RS256 object over a payload of JSON text. ERR_CRYPTO, ERR_LIMIT. */
NODISCARD enum err jws_sign_rs256(struct slice payload, EVP_PKEY *key, struct buf *out);

#endif
