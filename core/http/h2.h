/*
 * HTTP/2 (RFC 9113) by libnghttp2 behind the same handlers. A connection whose bytes are HTTP/2
 * frames is in CONN_H2 and has a session. Each of its streams is a struct conn without a socket,
 * with one request: what routes, queues, admits, collects bodies and answers does not notice; the
 * few functions that would touch a socket ask conn.is_stream and come here.
 */
#ifndef PLIMSOLL_HTTP_H2_H
#define PLIMSOLL_HTTP_H2_H

#include "core/http/conn.h"

struct http_req;

/* What the sessions of a server share. ERR_MEMORY. */
NODISCARD enum err h2_server_init(struct http_server *s);
void h2_server_fini(struct http_server *s);

/* The check hook's part, after dispatch_round(): writes what has been answered. */
void h2_round(struct http_server *s);

/* ---- the connection ---- */

/*
 * True for a connection whose first bytes the HTTP/1 parser has refused because they begin the
 * preface of HTTP/2 (prior knowledge, RFC 9113 3.3), unless [http] http2 is off.
 */
bool h2_is_preface(const struct conn *c);

/*
 * Makes a connection on which nothing has been answered yet one of HTTP/2: after a preface, or when
 * TLS has negotiated "h2" (RFC 9113 3.2). Bytes that are in the buffer of c->req are taken over.
 */
void h2_open(struct conn *c);

/* Bytes have come; the socket can be written again; the clock has run out. CONN_H2 only. */
void h2_read(struct conn *c);
void h2_write(struct conn *c);
void h2_on_clock(struct conn *c, int64_t now_us);

/*
 * Announces the end (RFC 9113 6.8): a GOAWAY that names no stream, and when the client has read it,
 * one that names the last; what has been begun is finished. Nothing for other connections.
 */
void h2_drain(struct conn *c);

/* The connection ends now: ends its streams and frees the session. For conn_close(). */
void h2_close(struct conn *c, enum http_close_why why);

/* ---- a stream; c->is_stream ---- */

/* Part of respond_head(): sends the header list of the answer. r->head_failed makes it a 500. */
void h2_respond(struct http_req *r, int status, struct slice content_type, int64_t length);

/* Sends 100 (Continue). */
void h2_send_continue(struct conn *c);

/*
 * Has the parts sent as the client takes them, and cuts what is sent off them: they and their bytes
 * must stay until all is sent or the stream closed. Then a task that waits to write is woken, and a
 * request that is handled is done.
 */
void h2_offer(struct conn *c, struct slice *parts, unsigned n);

/*
 * Takes bytes of the body, which lets the client send as many more. ERR_AGAIN: none now; ERR_END:
 * all were taken; ERR_MEMORY: they came when max_body_memory was used up.
 */
NODISCARD enum err h2_body_read(struct conn *c, char *out, size_t size, size_t *ret_len);

/* True if all of the body has come; and if it has been taken, too. */
bool h2_body_is_here(const struct conn *c);
bool h2_body_is_read(const struct conn *c);

/* The request is over: lets go of the stream, whose end is sent by the session. */
void h2_stream_done(struct conn *c);

/* Resets the stream. For conn_close(). */
void h2_stream_cut(struct conn *c, enum http_close_why why);

#endif
