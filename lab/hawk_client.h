/*
 * Hawk: a request signed with a shared key (sync.md 3.6, 6.7). The client's half: MAC, hash of the
 * body and the Authorization header. Pure.
 */
#ifndef PLIMSOLL_LAB_HAWK_CLIENT_H
#define PLIMSOLL_LAB_HAWK_CLIENT_H

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

/* Empty slices are parts that are left out. */
struct hawk_request {
	struct slice id, key; /* key: the bytes of the HMAC's key; of sync, its text */
	struct slice ts,
	    nonce; /* seconds since 1970 in decimal; anything that was not used before */
	struct slice method, path; /* upper case; with the query, exactly as sent */
	struct slice host;	   /* of the Host header: host or host:port */
	bool secure;		   /* https: 443 is the port that is not said */
	struct slice hash, ext;
};

/* Appends the MAC in base64. ERR_CRYPTO. */
NODISCARD enum err hawk_mac(const struct hawk_request *r, struct buf *out);

/* Appends the hash of a body in base64; parameters of its type do not count. ERR_CRYPTO. */
NODISCARD enum err hawk_hash(struct slice type, struct slice body, struct buf *out);

/* Appends the value of Authorization. ERR_CRYPTO; ERR_INVALID: a part that cannot stand in quotes.
 */
NODISCARD enum err hawk_header(const struct hawk_request *r, struct buf *out);

#endif
