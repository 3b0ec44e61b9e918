/*
 * Hashes of short texts for tables: FNV-1a over bytes, and a last step for those who need all bits
 * of the result to be good. Neither keeps anybody from making texts that meet: whoever hashes what
 * strangers send starts from a secret, or from something that they cannot choose.
 */
#ifndef PLIMSOLL_BASE_FNV_H
#define PLIMSOLL_BASE_FNV_H

#include <stdint.h>

#include "core/base/slice.h"

#define FNV1A_START UINT64_C(0xcbf29ce484222325)

/* h: FNV1A_START, or what came before. */
static inline uint64_t fnv1a_byte(uint64_t h, uint8_t byte)
{
	return (h ^ byte) * UINT64_C(0x100000001b3);
}

static inline uint64_t fnv1a(uint64_t h, struct slice bytes)
{
	for (size_t i = 0; i < bytes.len; i++) {
		h = fnv1a_byte(h, (uint8_t)bytes.ptr[i]);
	}
	return h;
}

/* Every bit of the result depends on every bit of h (the finaliser of MurmurHash3). */
static inline uint64_t hash_spread(uint64_t h)
{
	h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return h ^ (h >> 33);
}

#endif
