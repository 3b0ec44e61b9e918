/*
 * Role: signer. The keys of [tls] and what is done with them. Web names a key by its id, which says
 * nothing about files or their order, so a reload or a restart of the signer between two messages
 * makes no difference as long as the key is there.
 */
#ifndef PLIMSOLL_TLS_KEYSET_H
#define PLIMSOLL_TLS_KEYSET_H

#include "core/base/buf.h"
#include "core/tls/pair.h"

enum {
	TLS_PAIRS_MAX = 8,
	TLS_CHAINS_MAX_BYTES = 512 * 1024, /* of the public part of a set on the wire */
};

struct tls_keyset {
	struct tls_pair pair[TLS_PAIRS_MAX];
	unsigned n;
};

/*
 * Reads n (1..TLS_PAIRS_MAX) pairs. dated: one that is not valid at now_s is refused too. Errors as
 * tls_pair_read().
 */
NODISCARD enum err tls_keyset_read(const struct tls_pair_files *files, unsigned n, bool dated,
    int64_t now_s, struct tls_keyset *ret, struct err_note *note);
void tls_keyset_fini(struct tls_keyset *set);

/* Appends the certificates, which are public, for tls_context_new(). */
void tls_keyset_write_chains(const struct tls_keyset *set, struct buf *out);

/*
 * Signs message with the key of that id. ERR_NOT_FOUND: no such key; ERR_DENIED: no text that TLS
 * has a server sign, or no scheme of the key; ERR_CRYPTO.
 */
NODISCARD enum err tls_keyset_sign(const struct tls_keyset *set, const struct tls_id *id,
    uint16_t scheme, struct slice message, struct buf *out, struct err_note *note);

/* ---- between web and signer ---- */

struct tls_sign_request {
	struct tls_id id;
	uint16_t scheme;
	struct slice message;
};

void tls_put_sign_request(struct buf *out, const struct tls_sign_request *q);
/* False: no such request. message is borrowed. */
bool tls_take_sign_request(struct slice wire, struct tls_sign_request *ret);

#endif
