/*
 * Role: web. What new TLS connections get: certificates by name, versions, ciphers, tickets. A
 * context never changes; a reload makes another one, and connections keep the one they began with.
 */
#ifndef PLIMSOLL_TLS_CONTEXT_H
#define PLIMSOLL_TLS_CONTEXT_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "core/tls/remote_key.h"
#include "core/tls/ticket.h"

struct tls_context;

struct tls_options {
	OSSL_LIB_CTX *library;		   /* of tls_library_open() */
	const struct tls_signer *signer;   /* kept */
	const struct tls_tickets *tickets; /* kept; the keys in it may change */
	bool only_13;			   /* min_version = 1.3 */
	bool h2; /* the server speaks HTTP/2: ALPN "h2" before "http/1.1" */
	int64_t ticket_lifetime_s;
};

/*
 * From the certificates as tls_keyset_write_chains() gives them. The first is for names that none
 * has. Chains for the same names with keys of different kinds are offered together. ERR_CORRUPT: no
 * such text; ERR_CRYPTO, ERR_UNSUPPORTED with the reason in note.
 */
NODISCARD enum err tls_context_new(const struct tls_options *o, struct slice chains,
    struct tls_context **ret, struct err_note *note);

/* One more user, one less; the last one frees it. */
struct tls_context *tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context **c);

/* A server-side connection; the caller gives it its BIO. NULL without memory. */
SSL *tls_context_accept(struct tls_context *c);

#endif
