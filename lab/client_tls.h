/*
 * TLS of the generator's connections, by OpenSSL on the socket itself. Certificates are verified
 * against the machine's authorities unless told otherwise. A connection makes a full handshake, as
 * a device that comes for the first time, or resumes a session, as one that was there before; a
 * server cannot tell whose session it was, so they are kept in one bounded pool.
 */
#ifndef PLIMSOLL_LAB_CLIENT_TLS_H
#define PLIMSOLL_LAB_CLIENT_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/slice.h"

/* One for all connections of a run. */
struct client_tls;

/*
 * For the server called host (a name or an address). authorities: a file of certificates in place
 * of the machine's, or NULL. insecure: takes any certificate. ERR_CRYPTO, ERR_INVALID (the file).
 */
NODISCARD enum err client_tls_open(const char *host, const char *authorities, bool insecure,
    struct client_tls **ret, struct err_note *note);
void client_tls_close(struct client_tls **tls);

/* From now on such a share (0 to 1) of the connections resumes a session, as far as there are any;
 * which, by chance from that seed. */
void client_tls_resume(struct client_tls *tls, double share, uint64_t seed);

/* A session on a connected, non-blocking socket; freed by SSL_free(). NULL: no memory. */
SSL *client_tls_session(struct client_tls *tls, int fd);

/* Handshakes that are done, and how many of them resumed a session. */
uint64_t client_tls_handshakes(const struct client_tls *tls);
uint64_t client_tls_resumed(const struct client_tls *tls);

enum client_tls_result {
	CLIENT_TLS_OK,
	CLIENT_TLS_WANT_READ,
	CLIENT_TLS_WANT_WRITE,
	CLIENT_TLS_END, /* the server has closed */
	CLIENT_TLS_FAILED,
};

enum client_tls_result client_tls_handshake(SSL *session);
enum client_tls_result client_tls_read(SSL *session, void *out, size_t size, size_t *ret_len);
enum client_tls_result client_tls_write(SSL *session, struct slice data, size_t *ret_len);

/* Why the session failed; static or thread-local, valid until the next call. */
const char *client_tls_reason(const SSL *session);

#endif
