/*
 * What connections know of WebSockets; see ws.h for what handlers do.
 */
#ifndef PLIMSOLL_HTTP_WS_CONN_H
#define PLIMSOLL_HTTP_WS_CONN_H

#include "core/http/conn.h"

/* The answer 101 has been written: frames follow. Takes what came behind the request. */
void ws_begin(struct conn *c);

/* The socket is readable, writable; CONN_WS only. */
void ws_readable(struct conn *c);
void ws_writable(struct conn *c);

/* The connection ends; frees c->ws. For conn_close(). */
void ws_gone(struct conn *c, enum http_close_why why);

/* The check hook's part: writes what waits. */
void ws_round(struct http_server *s);

#endif
