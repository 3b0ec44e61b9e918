/*
 * The two DSA groups of BrowserID (from the test vectors of FIPS 186-3): 1024/160 bits for DS128,
 * 2048/256 for DS256. Keys outside of them are refused, so their numbers need no checks of
 * primality.
 */
#ifndef PLIMSOLL_IDENTITY_DSA_GROUP_H
#define PLIMSOLL_IDENTITY_DSA_GROUP_H

#include <openssl/bn.h>

#include "services/identity/pubkey.h"

struct dsa_group {
	enum jws_alg alg;
	const BIGNUM *p, *q, *g; /* made once, never freed; safe to read from any thread */
};

/* The group with these numbers, or NULL. */
const struct dsa_group *dsa_group_find(const BIGNUM *p, const BIGNUM *q, const BIGNUM *g);

/* The group of an algorithm; for tests and tools. */
const struct dsa_group *dsa_group_of(enum jws_alg alg);

#endif
