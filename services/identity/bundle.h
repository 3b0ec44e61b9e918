/*
 * Verification of backed assertions, "cert~...~assertion" (persona.md 4.4 to 4.6): who may speak
 * for an address, until when, and to which site. Pure functions over texts, keys and a clock. A
 * bundle costs some 65 microseconds with RSA keys, so web does it itself; a DSA signature costs
 * several times that and goes to compute, by the message below, where the same function runs.
 */
#ifndef PLIMSOLL_IDENTITY_BUNDLE_H
#define PLIMSOLL_IDENTITY_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/rpc/rpc.h"
#include "services/identity/pubkey.h"

enum {
	BUNDLE_MAX_BYTES = 10240,
	BUNDLE_MAX_CERTIFICATES = 4
};

/* Of another provider: it alone may speak for the addresses of a domain. */
struct bundle_trust {
	struct slice domain, issuer;
	struct slice key_json; /* of the issuer */
};

enum {
	BUNDLE_TRUST_MAX = 2
};

/* What is trusted, and what is asked. */
struct bundle_query {
	struct slice bundle, audience; /* audience as the site gave it */
	int64_t now_ms, clock_skew_ms;
	bool allow_unverified; /* a principal "unverified-email" will do */
	struct slice own_host; /* vouches for domains without a provider; empty: nobody does */
	const struct pubkey *own_key; /* of own_host; NULL: it is among trust or not known */
	/* Keys of own_host beside that one: retired, with certificates that still run, or next. */
	const struct pubkey *more_keys;
	unsigned n_more_keys;
	struct slice forced_issuer; /* another name of own_host that the site takes; or empty */
	bool trusts_issuer;	    /* the site takes this issuer's word for any address */
	bool wants_claims;
	/* Others that are known for this bundle. */
	struct bundle_trust trust[BUNDLE_TRUST_MAX];
	unsigned n_trust;
	const char *why_not; /* in words for an issuer that is not among them; NULL: a default */
	/*
	 * Key of another issuer (to be freed with pubkey_free). NULL: only own_host is known.
	 * Refusal: *ret_why says it in words for "can't get public key for D: WHY"; text in the
	 * arena.
	 */
	bool (*find_key)(void *arg, struct arena *arena, struct slice issuer, struct pubkey *ret,
	    const char **ret_why);
	void *find_key_arg;
};

struct bundle_result {
	const char *reason; /* NULL: it is good; else why not, in the words of the protocol */
	struct slice email, issuer;
	struct slice audience; /* as asserted, also when it is the wrong one; may be empty */
	bool is_unverified;    /* email is an "unverified-email" */
	int64_t expires_ms;
	/* With wants_claims: what certificate and assertion say beside the protocol's own, as text
	 * of a JSON object each; empty: nothing. */
	struct slice idp_claims, user_claims;
};

/* ERR_OK with a result, good or not; ERR_MEMORY, ERR_CRYPTO: could not find out. */
NODISCARD enum err bundle_verify(
    struct arena *arena, const struct bundle_query *q, struct bundle_result *ret);

/*
 * Whom to ask before verifying: the issuer of the first certificate and the domain of the address,
 * unverified; empty where they cannot be read. ERR_MEMORY.
 */
NODISCARD enum err bundle_outline(
    struct arena *arena, struct slice bundle, struct slice *ret_issuer, struct slice *ret_domain);

/* Does a signature of it need DSA? Looks at the headers only. */
bool bundle_needs_compute(struct slice bundle);

/* ---- identity.bundle_verify: web -> compute ---- */

extern const struct rpc_def identity_bundle_verify;

/* What its row and the stand-alone verifier's have in common. */
#define BUNDLE_VERIFY_ROW                                                                          \
	.from = ROLE_BIT(ROLE_WEB), .to = ROLE_COMPUTE, .max_req = 32 * 1024,                      \
	.max_rep = 128 * 1024, .deadline_ms = 10000, .cost_us = 800, .flags = RPC_IDEMPOTENT

/*
 * q without find_key and why_not. own_keys_json is the text of an array with own_key and more_keys
 * in that order; empty: there is none.
 */
void bundle_put_query(struct buf *out, const struct bundle_query *q, struct slice own_keys_json);
NODISCARD bool bundle_take_query(
    struct slice message, struct bundle_query *ret, struct slice *ret_own_keys_json);

/* The RPC's work in a service whose compute state holds the parsed keys. */
struct own_keys;
NODISCARD enum err bundle_answer(
    struct own_keys *keys, struct slice req, struct buf *reply, struct err_note *note);

void bundle_put_result(struct buf *out, const struct bundle_result *r);
/* reason is copied into the arena. */
NODISCARD bool bundle_take_result(
    struct arena *arena, struct slice message, struct bundle_result *ret);

#endif
