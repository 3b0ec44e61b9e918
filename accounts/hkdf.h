/*
 * HKDF with SHA-256 (RFC 5869): keys of their own for each use out of one secret.
 */
#ifndef PLIMSOLL_ACCOUNTS_HKDF_H
#define PLIMSOLL_ACCOUNTS_HKDF_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	HKDF_MAX = 8 * 32,	 /* bytes of a result */
	HKDF_INFO_MAX = 2 * 1024 /* bytes */
};

/* len bytes into out. An empty salt is the standard's "none". ERR_LIMIT; ERR_CRYPTO. */
NODISCARD enum err hkdf_sha256(
    struct slice secret, struct slice salt, struct slice info, uint8_t *out, size_t len);

#endif
