/*
 * TLS of a connection, between the socket and everything else: conn_io.c asks it for bytes, the
 * state CONN_HANDSHAKE is its own. What happens at the start of a connection, in this order: an
 * address header of a proxy, the handshake (conn_tls_begin), the protocol (conn_begin_protocol).
 */
#ifndef PLIMSOLL_HTTP_CONN_TLS_H
#define PLIMSOLL_HTTP_CONN_TLS_H

#include <sys/uio.h>

#include "core/http/conn.h"

/* Enters CONN_HANDSHAKE. Closes the connection when too many are in it already. */
void conn_tls_begin(struct conn *c);

/* The socket is ready, in CONN_HANDSHAKE. */
void conn_tls_on_event(struct conn *c);

/* handshake_timeout has passed. */
void conn_tls_on_clock(struct conn *c);

/* As conn_recv() and conn_send(), for connections with c->tls. */
NODISCARD enum err conn_tls_recv(struct conn *c, char *out, size_t size, size_t *ret_len);
NODISCARD enum err conn_tls_send(
    struct conn *c, const struct iovec *parts, unsigned n, size_t *ret_len);

/* Says that nothing more will come (close_notify); the socket is the caller's business. */
void conn_tls_shut_send(struct conn *c);

/*
 * The application protocol that the handshake agreed on ("http/1.1", "h2"), or an empty slice: none
 * was asked for, or there is no TLS.
 */
struct slice conn_tls_alpn(const struct conn *c);

/* The socket is asked for readability: bytes that are decrypted already count too. */
void conn_tls_wants(struct conn *c);

/* The connection is closed: a running handshake is cancelled, the rest is freed. clean: the client
 * is told, because it has got everything. */
void conn_tls_close(struct conn *c, bool clean);

/* A handshake runs in a task: the connection must not be freed. */
bool conn_tls_is_busy(const struct conn *c);

/* ---- of the server ---- */

NODISCARD enum err conn_tls_open(struct http_server *s);
void conn_tls_fini(struct http_server *s);

/* The check hook's part: begins handshakes that wait, delivers bytes that are decrypted already. */
void conn_tls_round(struct http_server *s);

/* So many handshakes wait that accepting more makes no sense. */
bool conn_tls_is_full(const struct http_server *s);

#endif
