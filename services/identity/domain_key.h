/*
 * The domain key: the RSA-2048 key with which this server certifies its users' keys. The signer
 * alone holds it, in data_dir/keys/identity.key; web asks for the public half when it starts.
 */
#ifndef PLIMSOLL_IDENTITY_DOMAIN_KEY_H
#define PLIMSOLL_IDENTITY_DOMAIN_KEY_H

#include <openssl/evp.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"

struct svc_env;

/* Role: signer. */
struct domain_key {
	EVP_PKEY *key;	    /* owned; private and public half */
	int64_t created_ms; /* browsers drop certificates older than this */
};

/* Reads the key file or makes it. Errors as keyfile_load; ERR_CONFIG: not an RSA-2048 key. */
NODISCARD enum err domain_key_load(
    const char *data_dir, struct domain_key *ret, struct err_note *note);
void domain_key_free(struct domain_key *k);

/* ---- identity.public_key: web -> signer; empty request ---- */

extern const struct rpc_def identity_public_key;

struct public_key_info {
	int64_t created_ms;
	struct slice json; /* {"algorithm":"RS",...} */
};
void public_key_put(struct buf *out, const struct public_key_info *i);
NODISCARD bool public_key_take(struct slice message, struct public_key_info *ret);

#endif
