/*
 * A domain key: an RSA-2048 key with which this server certifies its users' keys, and its file.
 * Which keys there are and when they take turns: domain_keys.h.
 */
#ifndef PLIMSOLL_IDENTITY_DOMAIN_KEY_H
#define PLIMSOLL_IDENTITY_DOMAIN_KEY_H

#include <openssl/evp.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	DOMAIN_KEY_FILE_BYTES = 3 * 4096,
	DOMAIN_KEY_JSON_BYTES = 1024, /* of the public half, NUL included */
	DOMAIN_KEY_ID_SIZE = 9	      /* 8 hex digits of SHA-256 of that text */
};

/* Role: signer. */
struct domain_key {
	EVP_PKEY *key;	    /* owned; private and public half */
	int64_t created_ms; /* it signs from then on; browsers drop older certificates */
};

/* Reads data_dir/keys/identity.key or makes it. Errors as keyfile_load; ERR_CONFIG: not an RSA-2048
 * key. */
NODISCARD enum err domain_key_load(
    const char *data_dir, struct domain_key *ret, struct err_note *note);
void domain_key_free(struct domain_key *k);

/* The same for another file that there may be. ERR_NOT_FOUND. */
NODISCARD enum err domain_key_read(
    const char *data_dir, const char *name, struct domain_key *ret, struct err_note *note);

/* Makes a new key, and writes one that signs from created_ms on; both wipe what they wrote. */
NODISCARD enum err domain_key_make(struct domain_key *ret, struct err_note *note);
NODISCARD enum err domain_key_write(
    const char *data_dir, const char *name, const struct domain_key *k, struct err_note *note);

/* The public half as JSON, and what people call it. */
NODISCARD enum err domain_key_json(const struct domain_key *k, char out[DOMAIN_KEY_JSON_BYTES]);
void domain_key_id(struct slice json, char out[DOMAIN_KEY_ID_SIZE]);

#endif
