/*
 * A connection inside, for the files that make it up: client.c (its life), client_conn.c (its
 * states), client_stream.c (behind an upgrade), client_bytes.c (bytes of the socket, or of TLS on
 * it). Private to lab.
 */
#ifndef PLIMSOLL_LAB_CLIENT_PRIV_H
#define PLIMSOLL_LAB_CLIENT_PRIV_H

#include "lab/client.h"
#include "lab/client_tls.h"

enum conn_state {
	CONN_CONNECTING,
	CONN_HANDSHAKE,
	CONN_IDLE,
	CONN_BUSY,   /* sends or waits for an answer */
	CONN_STREAM, /* behind an upgrade; in no other state any more */
	CONN_DEAD,
};

struct client_conn {
	uv_poll_t poll;
	struct deadline deadline; /* in client.deadlines while a request is in flight */
	struct client *client;
	SSL *tls; /* owned; NULL: plain */
	int fd;
	enum conn_state state;
	bool used; /* an answer came on it */
	bool has_request;
	struct slice out; /* what is still to be sent; borrowed */
	struct answer answer;
	int64_t answered_us;
	client_fn *done;
	void *arg;
	void (*gone)(void *arg); /* or NULL; gets gone_arg */
	void *gone_arg;
	client_stream_fn *stream; /* NULL: nobody listens; gets stream_arg */
	void *stream_arg;
	struct buf stream_out; /* of a stream: what out is the end of */
	int events;	       /* that the poll is set to */
};

/* Sends what it can of conn->out; ERR_AGAIN: the socket is full (of both directions, in TLS). */
NODISCARD enum err client_bytes_put(struct client_conn *conn, size_t *ret_len);

/* Reads what has come to the client's buffer; ERR_AGAIN: nothing; ERR_END: the server has closed.
 */
NODISCARD enum err client_bytes_get(struct client_conn *conn, size_t *ret_len);

/* In words: an errno of connecting, and why put or get just failed. Static or thread-local. */
const char *client_bytes_reason(int failed);
const char *client_bytes_why(const struct client_conn *conn);

/* What the poll is to tell of; callbacks go to the states. */
void client_conn_watch(struct client_conn *conn, int events);

/* Sends on; conn->out is what is left. The request may be over behind it, as failed. */
void client_conn_push(struct client_conn *conn);

/*
 * Sends on a connection that was just begun, which near by stands already; else it is watched until
 * it does.
 */
void client_conn_push_early(struct client_conn *conn);

/* The request is over, and its owner called, who may close the connection; dead if it failed. */
void client_conn_finish(struct client_conn *conn, enum err e, const char *what);

#endif
