/*
 * Between the files of connections: conn.c (life), conn_flow.c (from request to request),
 * conn_event.c (sockets and clocks), conn_tls.c and conn_handshake.c.
 */
#ifndef PLIMSOLL_HTTP_CONN_PRIV_H
#define PLIMSOLL_HTTP_CONN_PRIV_H

#include "core/http/conn.h"

/* Told by the watch of a connection. */
watch_fn conn_on_event;

/* The clock of a connection has run out (or not yet: clocks are moved lazily). */
void conn_on_clock(struct conn *c, int64_t now_us);

/* Reads the header of the proxy in front and begins with what comes behind; CONN_PROXY. */
void conn_read_proxy(struct conn *c);

/* The client's own bytes come next (a handshake, if this is TLS); who it is is known. */
void conn_begin(struct conn *c);

/*
 * Bytes may flow: what came before the protocol (a handshake) is done. The one place where the
 * connection's protocol is chosen; see conn_tls_alpn(). Reads once.
 */
void conn_begin_protocol(struct conn *c);

/* Reads once and goes on with the head; CONN_IDLE and CONN_HEAD. */
void conn_read(struct conn *c);

/* Goes on as if the first request began with these bytes. */
void conn_feed(struct conn *c, struct slice bytes);

/* Goes on with CONN_DISCARD and CONN_LINGER. */
void conn_discard(struct conn *c);
void conn_read_over(struct conn *c);

/* Ends c->req; a closed connection that has nothing else left is freed in the next round. */
void conn_release_request(struct conn *c);

#endif
