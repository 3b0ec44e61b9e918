/*
 * Hawk, as the storage servers and the accounts server of Firefox Sync take it (sync.md 3.6, 6.7):
 *
 *	Authorization: Hawk id="..", ts="..", nonce="..", mac=".."[, hash=".."][, ext=".."]
 *
 * Pure functions over texts and keys; what a key is for which id, how far a clock may be off and
 * whether a nonce came before is the caller's business (auth.c, hawk_nonces.h).
 */
#ifndef PLIMSOLL_SYNC_HAWK_MAC_H
#define PLIMSOLL_SYNC_HAWK_MAC_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum hawk_limits {
	HAWK_HEADER_MAX = 4096, /* bytes */
	HAWK_NONCE_MAX = 128,
	HAWK_MAC_BYTES = 32,
	HAWK_BASE64_SIZE = 45, /* base64 of 32 bytes, with NUL */
	HAWK_PART_MAX = 8192   /* bytes of everything that is signed */
};

/* A header taken apart; slices point into it. ext and hash: ptr NULL where there is none. */
struct hawk {
	struct slice id, ts, nonce, ext;
	struct slice hash; /* of the payload, base64 */
	int64_t ts_s;
	uint8_t mac[HAWK_MAC_BYTES];
};

/*
 * Takes a header's value apart. ERR_UNSUPPORTED: it is of another scheme; ERR_SYNTAX: not of the
 * form, something unknown, double or missing in it, or a mac that is none.
 */
NODISCARD enum err hawk_parse(struct slice value, struct hawk *ret);

/* The request as its sender saw it. */
struct hawk_request {
	struct slice method; /* as sent */
	struct slice target; /* path and query, exactly as sent */
	struct slice host;   /* without port, in any case */
	uint16_t port;
};

/* The mac that belongs to a request. ERR_LIMIT: more than HAWK_PART_MAX to sign; ERR_CRYPTO. */
NODISCARD enum err hawk_mac(struct slice key, const struct hawk *h, const struct hawk_request *r,
    uint8_t out[HAWK_MAC_BYTES]);

/* Compares in constant time. ERR_DENIED: another mac; else as hawk_mac. */
NODISCARD enum err hawk_check(struct slice key, const struct hawk *h, const struct hawk_request *r);

/*
 * The hash of a payload. content_type may have parameters, which do not count. ERR_CRYPTO.
 */
NODISCARD enum err hawk_payload_hash(
    struct slice content_type, struct slice body, char out[HAWK_BASE64_SIZE]);

/* True as well where the header has no hash. */
bool hawk_payload_is_good(const struct hawk *h, struct slice content_type, struct slice body);

#endif
