/*
 * Role: web. Private keys that are somewhere else: OpenSSL gets a key object whose public half is
 * known and whose signatures are made by a function of ours, which may wait (it asks the signer).
 */
#ifndef PLIMSOLL_TLS_REMOTE_KEY_H
#define PLIMSOLL_TLS_REMOTE_KEY_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/tls/pair.h"

/* Who signs. out has room for TLS_SIGNATURE_MAX bytes. May wait in the running task. */
struct tls_signer {
	enum err (*sign)(void *arg, const struct tls_id *id, uint16_t scheme, struct slice message,
	    unsigned char *out, size_t *ret_len);
	void *arg;
};

/*
 * An OpenSSL library context with the default provider and ours. It is apart from the process' own,
 * so that nobody else's keys are ever taken for remote ones. Make it before a sandbox closes.
 * ERR_CRYPTO.
 */
struct tls_library {
	OSSL_LIB_CTX *ctx;
	OSSL_PROVIDER *usual, *ours;
};
NODISCARD enum err tls_library_open(struct tls_library *ret);

/* Everything made with it must be gone. */
void tls_library_close(struct tls_library *l);

/* A private key for the certificate, which signs through signer (kept). ERR_CRYPTO; ERR_UNSUPPORTED
 * with the reason in note. */
NODISCARD enum err tls_remote_key_new(OSSL_LIB_CTX *library, X509 *certificate,
    const struct tls_signer *signer, EVP_PKEY **ret, struct err_note *note);

/*
 * True if the oldest error in OpenSSL's queue of this thread says that a remote key did not sign.
 */
bool tls_remote_key_failed(void);

#endif
