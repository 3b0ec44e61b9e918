/*
 * One blocking connection to a server, with TLS where its address says so: what commands that speak
 * to a server from outside stand on.
 */
#ifndef PLIMSOLL_CMD_HTTP_CONN_H
#define PLIMSOLL_CMD_HTTP_CONN_H

#include <openssl/ssl.h>

#include "accounts/public_url.h"
#include "core/base/buf.h"

struct http_conn {
	int fd;
	SSL_CTX *ctx; /* NULL: without TLS */
	SSL *ssl;
};

/*
 * Connects. ERR_NOT_FOUND: nobody is there; ERR_DENIED: a certificate that is not trusted here;
 * ERR_SYNTAX: it speaks no TLS; the reason is in note. To be closed in every case.
 */
NODISCARD enum err http_conn_open(
    struct http_conn *c, const struct public_url *url, struct err_note *note);
void http_conn_close(struct http_conn *c);

/* How long a read or write may take; a few seconds if nothing is said. */
void http_conn_set_patience(struct http_conn *c, int seconds);

/* False: the connection broke. */
bool http_conn_send(struct http_conn *c, struct slice bytes);

/* Appends all until the server closes. ERR_LIMIT: more than out takes; ERR_IO: nothing came. */
NODISCARD enum err http_conn_read_all(struct http_conn *c, struct buf *out);

/* "host:port" of a URL, with the port that its scheme implies. */
void http_conn_address(const struct public_url *url, char out[PUBLIC_URL_MAX]);

#endif
