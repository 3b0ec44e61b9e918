/*
 * What a client does to a password before it sends it (sync.md 6.6, version 2). Our pages never
 * send the password: they stretch it with a salt of the account and send the result in hex. The
 * server stretches for clients of the old kind that send the password itself.
 */
#ifndef PLIMSOLL_ACCOUNTS_KDF_H
#define PLIMSOLL_ACCOUNTS_KDF_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum kdf_kind {
	KDF_PLAIN = 0,	 /* the password is sent */
	KDF_ONEPW_2 = 1, /* PBKDF2 and HKDF with a salt of the account */
};

enum kdf_limits {
	KDF_SALT_HEX = 32,	/* hex digits of a salt */
	KDF_STRETCHED_HEX = 64, /* hex digits of what is sent */
	KDF_ROUNDS = 650000,	/* of PBKDF2-HMAC-SHA256 */
};

/* How an account's password is treated. Plain: salt is "". */
struct kdf {
	enum kdf_kind kind;
	char salt[KDF_SALT_HEX + 1];
};

/* "plain" or "onepw-2": as stored and as sent in the field kdf. */
const char *kdf_name(enum kdf_kind kind);
NODISCARD bool kdf_from_name(struct slice name, enum kdf_kind *ret);

/* Builds a struct kdf from its stored form. ERR_INVALID. */
NODISCARD enum err kdf_from_text(struct slice name, struct slice salt, struct kdf *ret);

/* True for 64 lower-case hex digits: what a page sends as pass. */
bool kdf_is_stretched(struct slice pass);

/*
 * The stretched form of a password, as a page would compute it: about a quarter of a second, for
 * compute only. ERR_CRYPTO; ERR_INVALID for a salt that is none.
 */
NODISCARD enum err kdf_stretch(
    struct slice password, const struct kdf *kdf, char out[KDF_STRETCHED_HEX + 1]);

#endif
