/*
 * Certificates of users' keys (persona.md 4.3): five keys in the order of the protocol, times in
 * milliseconds, RS256 by the domain key.
 */
#ifndef PLIMSOLL_IDENTITY_CERT_H
#define PLIMSOLL_IDENTITY_CERT_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"

struct cert {
	struct slice email, issuer;
	struct slice public_key; /* JSON text from outside: checked and rewritten */
	bool is_unverified;
	int64_t issued_ms, expires_ms;
};

/* Appends the certificate. ERR_INVALID: the public key is refused, text in note; ERR_CRYPTO. */
NODISCARD enum err cert_sign(
    const struct cert *c, EVP_PKEY *key, struct buf *out, struct err_note *note);

/* ---- identity.cert_sign: web -> signer; the reply is the certificate ---- */

extern const struct rpc_def identity_cert_sign;

struct cert_req {
	struct slice email, public_key;
	struct slice forced_issuer; /* one of forcible_issuers; empty: this server's own name */
	bool is_unverified, is_ephemeral; /* ephemeral: the short lifetime */
};
void cert_put_req(struct buf *out, const struct cert_req *r);
NODISCARD bool cert_take_req(struct slice message, struct cert_req *ret);

#endif
