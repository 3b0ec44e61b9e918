/*
 * A client connection: small while idle (no buffer), with at most one request in progress; what a
 * client sends ahead stays in the kernel or behind the head in the request's buffer.
 */
#ifndef PLIMSOLL_HTTP_CONN_H
#define PLIMSOLL_HTTP_CONN_H

#include "core/ev/watch.h"
#include "core/http/server_priv.h"

struct conn_tls;
struct http_req;
struct tunnel;
struct ws;

enum conn_state {
	CONN_PROXY,	/* the header of the proxy in front has not come yet; see conn_proxy.c */
	CONN_HANDSHAKE, /* of TLS; see conn_tls.h */
	CONN_IDLE,	/* between requests, or before the first; no request object */
	CONN_HEAD,	/* a part of a head is here */
	CONN_ACTIVE,	/* the request is queued, its handler runs or its answer flows */
	CONN_BODY,	/* admitted; the body is being collected */
	CONN_DISCARD,	/* answered; the rest of the body is read over */
	CONN_H2,	/* HTTP/2: its requests are on streams, see h2.h */
	CONN_WS,	/* a WebSocket, see ws.h */
	CONN_TUNNEL,	/* its requests are another process' affair, see conn_tunnel.h */
	CONN_LINGER,	/* answered and write side shut; read over until the client closes */
	CONN_CLOSED,	/* no socket any more; a handler may still run */
};

struct conn {
	struct watch watch;
	struct list node; /* in conns, or in dead */
	struct wheel_timer clock;
	int64_t due_us; /* what the clock means: it may be armed earlier, never later */
	struct http_server *server;
	struct http_req *req; /* owned; NULL while idle */
	struct h2
	    *h2; /* session of an HTTP/2 connection, and of its streams; NULL: none (any more) */
	struct ws *ws;		       /* owned; NULL: none */
	struct address_count *counted; /* NULL: not counted */
	struct conn_tls *tls;	       /* owned; NULL: none */
	struct tunnel *tunnel;	       /* owned; NULL: none */
	struct http_address peer;
	int fd;
	uint32_t read_over; /* bytes read over in CONN_DISCARD or CONN_LINGER */
	uint8_t state;	    /* enum conn_state */
	uint8_t events;	    /* asked for, as in watch.h; of a stream too */
	bool peer_done;	    /* the client has closed its sending side */
	bool trusted;	    /* a trusted proxy */
	bool proxied_tls;   /* its PROXY header says that the client uses TLS */
	bool held_back;	    /* it is not read for a while, so that who insists costs little */
	bool fresh;	    /* its first request has not come yet */
	bool handed;	    /* its present request came from another process: it stays here */
	bool is_stream;	    /* a stream of an HTTP/2 connection: no socket, at most one request */
	bool secure;	    /* came to a listener for TLS */
	bool more_follows;  /* what is sent now goes out with what comes next */
	bool advancing, again; /* see conn_advance() */
};

/* Takes over an accepted socket; secure: TLS comes first. */
void conn_open(struct http_server *s, int fd, const struct sockaddr *peer, bool secure);

/* Goes on with one that another process had. */
void conn_adopt(struct http_server *s, const struct http_handover *h);

/* Asks for exactly these events of watch.h, if that is not so already. */
void conn_want(struct conn *c, int events);

/* The clock of the present state runs out at due_us (INT64_MAX: never). */
void conn_clock(struct conn *c, int64_t due_us);

/* The handler of c->req has returned and its answer is written: goes on with the connection. */
void conn_request_done(struct conn *c);

/* Ends the connection at once. A running handler is cancelled, a queued request forgotten. */
void conn_close(struct conn *c, enum http_close_why why);

/*
 * The grace of a drain is over: ends it if it is idle and nothing has come; else its next answer
 * says close. One that is new may wait for its first request a second longer.
 */
void conn_drain(struct conn *c);

/* Bytes have come, or the client's FIN: what waits for them goes on. */
void conn_readable(struct conn *c, int events);

/*
 * Ends our side; what the client still sends is read over for a while, so that it sees no RST,
 * which would take our last bytes with it.
 */
enum {
	HTTP_LINGER_US = 2000000
};
void conn_linger(struct conn *c, int64_t longest_us);

/* Frees a connection that has ended completely; for the dead list and the end of the server. */
void conn_free(struct conn *c);

#endif
