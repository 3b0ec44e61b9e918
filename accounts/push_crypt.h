/*
 * Encrypting a push message for a browser (RFC 8291, in the coding aes128gcm of RFC 8188): whoever
 * carries it, the push service, cannot read it.
 */
#ifndef PLIMSOLL_ACCOUNTS_PUSH_CRYPT_H
#define PLIMSOLL_ACCOUNTS_PUSH_CRYPT_H

#include "accounts/p256.h"
#include "core/base/buf.h"

enum {
	PUSH_AUTH_BYTES = 16,
	PUSH_SALT_BYTES = 16,
	PUSH_RECORD_BYTES = 4096, /* of one message: what every push service has to take */
	PUSH_HEADER_BYTES = PUSH_SALT_BYTES + 4 + 1 + P256_POINT_BYTES,
	PUSH_TEXT_MAX = PUSH_RECORD_BYTES - PUSH_HEADER_BYTES - 1 - 16, /* delimiter, tag */
};

/* What a browser gives for it: the keys p256dh and auth of its subscription. */
struct push_keys {
	uint8_t point[P256_POINT_BYTES];
	uint8_t auth[PUSH_AUTH_BYTES];
};

/* Both in base64url, padded or not. False: they are none. */
bool push_keys_take(struct slice p256dh, struct slice auth, struct push_keys *ret);

/*
 * Appends the encrypted message. own: a pair for this message only; salt: random. ERR_LIMIT: the
 * text is longer than PUSH_TEXT_MAX; ERR_CRYPTO; ERR_MEMORY.
 */
NODISCARD enum err push_encrypt(const struct push_keys *keys, const struct p256_pair *own,
    const uint8_t salt[PUSH_SALT_BYTES], struct slice text, struct buf *out);

#endif
