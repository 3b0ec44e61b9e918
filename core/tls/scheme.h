/*
 * Kinds of keys, signature schemes (RFC 8446 4.2.3), and the only two forms of text that TLS has a
 * server sign with its certificate's key. Web knows which scheme it wants, the signer decides
 * whether what it is given is one of the two forms.
 */
#ifndef PLIMSOLL_TLS_SCHEME_H
#define PLIMSOLL_TLS_SCHEME_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	TLS_SIGNATURE_MAX = 1024, /* bytes; RSA with 8192 bits */
	TLS_MESSAGE_MAX = 512,	  /* longest text that TLS has a server sign, and some room */
};

enum tls_kind {
	TLS_RSA,
	TLS_P256,
	TLS_P384,
	TLS_ED25519,
	TLS_KINDS
};

struct tls_scheme {
	uint16_t code;	    /* on the wire */
	bool ec, rsa;	    /* for keys on P-256 and P-384, for RSA keys; else Ed25519 */
	bool pss;	    /* RSASSA-PSS with a salt as long as the digest */
	bool in_13;	    /* may sign in TLS 1.3 */
	const char *digest; /* OpenSSL's name; NULL: the scheme has its own */
};

/* "RSA", "EC" or "ED25519": OpenSSL's name of the kind. */
const char *tls_kind_name(enum tls_kind kind);

/* What kind a public or private key is; ERR_UNSUPPORTED: none of them (or RSA not of 2048 to 8192
 * bits), in note. */
NODISCARD enum err tls_kind_of(const EVP_PKEY *key, enum tls_kind *ret, struct err_note *note);

/* The row of a code for a kind of key, or NULL. */
const struct tls_scheme *tls_scheme_find(uint16_t code, enum tls_kind kind);

/* The row for a key, digest (NULL for Ed25519) and padding, or NULL. */
const struct tls_scheme *tls_scheme_for(enum tls_kind kind, const char *digest, bool pss);

/*
 * Whether message is what a server signs: the CertificateVerify content of TLS 1.3 (RFC 8446 4.4.3)
 * or the ServerKeyExchange parameters of TLS 1.2 with both randoms before them (RFC 8422 5.4), for
 * the groups we offer. So a web process that has been taken over can make handshakes, which it can
 * anyway, but no certificate, token or mail signature with this key.
 */
bool tls_may_sign(const struct tls_scheme *scheme, struct slice message);

#endif
