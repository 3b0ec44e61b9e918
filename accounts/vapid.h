/*
 * Who we are to push services (VAPID, RFC 8292): a pair of keys of P-256, by which a browser ties
 * its subscription to us. The private half is in the signer only, in data_dir/keys/vapid.key; it is
 * made when the server first starts with push. If it is lost, no subscription that there is can be
 * used any more.
 */
#ifndef PLIMSOLL_ACCOUNTS_VAPID_H
#define PLIMSOLL_ACCOUNTS_VAPID_H

#include "accounts/p256.h"
#include "core/base/buf.h"
#include "core/rpc/rpc.h"

struct svc_env;

enum {
	VAPID_ORIGIN_MAX = 300,
	VAPID_VALUE_MAX = 1024,	  /* of the header field */
	VAPID_LIFE_S = 12 * 3600, /* of a token; services allow a day */
};

struct vapid {
	bool is_known;
	struct p256_pair pair; /* web: its public half only */
	const char *contact;   /* signer: whom push services may write to; mailto: or https: */
};

/*
 * Signer, at start, by the service that wants push: reads the key file or makes it. Errors as
 * keyfile_load().
 */
NODISCARD enum err vapid_load(struct svc_env *env, struct err_note *note);
/* Signer: whom push services may write to. The text must live until another one is set. */
void vapid_set_contact(struct svc_env *env, const char *contact);

/* Web, in a task: asks the signer for the public key. */
NODISCARD enum err vapid_fetch(struct svc_env *env, struct err_note *note);

/* Web, afterwards: the public key, P256_POINT_BYTES of it. NULL: push is off. */
const uint8_t *vapid_public(const struct svc_env *env);

/* accounts.vapid_key: web -> signer; the reply is the public key. ERR_UNSUPPORTED: push is off. */
extern const struct rpc_def accounts_vapid_key;

/*
 * accounts.vapid_sign: courier -> signer; the request is the origin of a push service, the reply
 * the value of the field Authorization for it, good for VAPID_LIFE_S.
 */
extern const struct rpc_def accounts_vapid_sign;

/* The value for an origin, signed. ERR_CRYPTO, ERR_LIMIT. */
NODISCARD enum err vapid_put(
    const struct vapid *v, struct slice origin, int64_t now_s, struct buf *out);

#endif
