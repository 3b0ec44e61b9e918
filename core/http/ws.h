/*
 * The server's side of a WebSocket (RFC 6455): a handler turns its HTTP/1.1 request into one, and
 * from then on the connection carries messages until one of both closes it. An idle one keeps no
 * buffer. Extensions and subprotocols are not negotiated.
 */
#ifndef PLIMSOLL_HTTP_WS_H
#define PLIMSOLL_HTTP_WS_H

#include "core/http/http.h"
#include "core/http/ws_out.h"

struct ws;

/* Why a WebSocket has ended without the owner's doing. */
enum ws_end {
	WS_END_CLOSED,	/* the client sent a close frame */
	WS_END_GONE,	/* the connection broke or the client was too slow */
	WS_END_WRONG,	/* the client broke the protocol or sent too much; it has been told */
	WS_END_DRAINED, /* the server is going down and waits no longer */
};

struct ws_ops {
	/* A whole message; payload is valid during the call. The owner may close w in it. */
	void (*message)(void *arg, enum ws_opcode opcode, struct slice payload);
	/* w is over; nothing else is called, and w must not be used any more. */
	void (*gone)(void *arg, enum ws_end why);
};

/* Whether the request asks for a WebSocket. */
bool ws_is_asked(const struct http_req *r);

/*
 * The HTTP status for what is wrong with the handshake (the header that says which version is
 * spoken is then added), or 0. For requests for which ws_is_asked().
 */
int ws_handshake_fault(struct http_req *r);

/*
 * Answers 101 and makes the connection a WebSocket; from an OP_INLINE handler, which then returns
 * ERR_OK. max_message: bytes. ops and arg are kept. ERR_PEER_GONE: the client has gone, nothing is
 * called; ERR_MEMORY.
 */
NODISCARD enum err ws_accept(
    struct http_req *r, size_t max_message, const struct ws_ops *ops, void *arg, struct ws **ret);

/* Who is called from now on. */
void ws_set_owner(struct ws *w, const struct ws_ops *ops, void *arg);

/*
 * What waits to be sent; the owner fills it and calls ws_touch(). It leaves when the loop has
 * nothing else to do in this round, all in one system call.
 */
struct ws_queue *ws_queue_of(struct ws *w);
void ws_touch(struct ws *w);

/*
 * Takes what the client has sent by now, if it has not been taken yet; calls ops. For owners who
 * must know what came before something that comes over another connection. May end w.
 */
void ws_drink(struct ws *w);

/*
 * Sends what waits, then a close frame, and ends the connection. The owner is not called any more
 * and must not use w.
 */
void ws_close(struct ws *w, enum ws_close_code code, struct slice reason);

#endif
