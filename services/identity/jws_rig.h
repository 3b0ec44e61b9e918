/*
 * For unit tests: key pairs of every kind of the protocol, and signed objects made with them.
 */
#ifndef PLIMSOLL_IDENTITY_JWS_RIG_H
#define PLIMSOLL_IDENTITY_JWS_RIG_H

#include <openssl/evp.h>

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "services/identity/pubkey.h"

struct test_key {
	enum jws_alg alg;
	EVP_PKEY *pair;
	char json[2048]; /* the public half as the protocol writes it */
};

void test_key_init(struct test_key *k, enum jws_alg alg);
void test_key_fini(struct test_key *k);

/* Appends an object over payload text, signed by k; the header says alg_name (NULL: k's). */
void test_sign(
    const struct test_key *k, const char *alg_name, const char *payload, struct buf *out);

#endif
