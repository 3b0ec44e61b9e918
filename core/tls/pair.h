/*
 * A certificate chain with its private key, as the files of [tls] certificate and key hold them.
 * Only the signer (and `plimsoll check`, which is run by whoever owns the files) makes one.
 */
#ifndef PLIMSOLL_TLS_PAIR_H
#define PLIMSOLL_TLS_PAIR_H

#include <openssl/x509.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/tls/scheme.h"

enum {
	TLS_FILE_MAX = 64 * 1024, /* bytes of a certificate or key file */
	TLS_CHAIN_MAX = 10,	  /* certificates of one chain */
	TLS_ID_BYTES = 32,
};

/* What a key is called between web and signer: SHA-256 of its SubjectPublicKeyInfo. */
struct tls_id {
	uint8_t bytes[TLS_ID_BYTES];
};

struct tls_pair {
	STACK_OF(X509) * chain; /* owned; the server's own first */
	EVP_PKEY *key;		/* owned */
	struct tls_id id;
	enum tls_kind kind;
};

/* The two files of a pair: open descriptors, and names for messages. */
struct tls_pair_files {
	int certificate_fd, key_fd;
	const char *certificate, *key;
};

/*
 * Reads both files from their beginning (the descriptors may be shared with other processes, so
 * their positions are not used). ERR_CONFIG: what is wrong with which file, in note; ERR_IO and the
 * like. Dates are not looked at.
 */
NODISCARD enum err tls_pair_read(
    const struct tls_pair_files *files, struct tls_pair *ret, struct err_note *note);

/* ERR_CONFIG: not yet or no longer valid at now_s (Unix seconds), with the dates in note. */
NODISCARD enum err tls_pair_check_dates(
    const struct tls_pair *p, const char *name, int64_t now_s, struct err_note *note);

/* Seconds from now_s until the server's certificate expires; negative if it has. */
int64_t tls_pair_seconds_left(const struct tls_pair *p, int64_t now_s);

/* Whether browsers would take the certificate for this host. */
bool tls_pair_names(const struct tls_pair *p, const char *host);

void tls_pair_fini(struct tls_pair *p);

/* The id of a public key. ERR_CRYPTO. */
NODISCARD enum err tls_id_of(X509 *certificate, struct tls_id *ret);

#endif
