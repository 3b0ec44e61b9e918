/*
 * Handing over a request that came over TLS. The keys of such a connection cannot go to another
 * process, so the connection stays and becomes a tunnel: the other process gets one end of a pair
 * of sockets as if it were the client's, and what goes in at one side comes out at the other until
 * one of them ends. Requests that follow on the connection are the other process' affair, which may
 * hand its end on.
 */
#ifndef PLIMSOLL_HTTP_CONN_TUNNEL_H
#define PLIMSOLL_HTTP_CONN_TUNNEL_H

#include "core/http/conn.h"

/* For http_hand_over(): errors as there. The handler returns next, and the tunnel stands. */
NODISCARD enum err conn_tunnel_open(struct http_req *r, unsigned instance);

/* The request's handler has returned: bytes flow. */
void conn_tunnel_begin(struct conn *c);

/* The client's side is readable, writable; CONN_TUNNEL only. */
void conn_tunnel_readable(struct conn *c);
void conn_tunnel_writable(struct conn *c);

/* The connection ends; for conn_close(). */
void conn_tunnel_gone(struct conn *c);

#endif
