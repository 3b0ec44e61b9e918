/*
 * The elliptic curve P-256 as web push uses it: agreeing on a secret with a browser's key (RFC
 * 8291) and signing who sends (ES256, RFC 7518 3.4). Points are in the uncompressed form, scalars
 * and coordinates are big-endian.
 */
#ifndef PLIMSOLL_ACCOUNTS_P256_H
#define PLIMSOLL_ACCOUNTS_P256_H

#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	P256_POINT_BYTES = 65,
	P256_SCALAR_BYTES = 32,
	P256_SIGNATURE_BYTES = 64
};

/* A pair of keys as it is stored; wipe it when it is no longer needed. */
struct p256_pair {
	uint8_t secret[P256_SCALAR_BYTES];
	uint8_t point[P256_POINT_BYTES];
};

/* A new random pair. ERR_CRYPTO. */
NODISCARD enum err p256_generate(struct p256_pair *ret);

/* Is it a point of the curve? */
bool p256_is_point(const uint8_t point[P256_POINT_BYTES]);

/* Do the two halves belong together? */
bool p256_is_pair(const struct p256_pair *pair);

/* The secret that own and the holder of the other point share. ERR_CRYPTO: it is no point. */
NODISCARD enum err p256_agree(const struct p256_pair *own, const uint8_t point[P256_POINT_BYTES],
    uint8_t ret[P256_SCALAR_BYTES]);

/* ECDSA over SHA-256 of the text: r, then s. ERR_CRYPTO. */
NODISCARD enum err p256_sign(
    const struct p256_pair *own, struct slice text, uint8_t ret[P256_SIGNATURE_BYTES]);

/* True: the signature is right. */
bool p256_verify(const uint8_t point[P256_POINT_BYTES], struct slice text,
    const uint8_t signature[P256_SIGNATURE_BYTES]);

#endif
