/*
 * Inside of a Socket.IO server: socketio_server.c (clients, packets in), socketio_binary.c (packets
 * with attachments), socketio_socket.c (sockets, packets out).
 */
#ifndef PLIMSOLL_REALTIME_SOCKETIO_PRIV_H
#define PLIMSOLL_REALTIME_SOCKETIO_PRIV_H

#include "core/realtime/socketio_packet.h"
#include "core/realtime/socketio_server.h"

enum {
	SOCKETIO_ID_CHARS = 20
};

enum socketio_state {
	SOCKETIO_ASKING,
	SOCKETIO_JOINED,
	SOCKETIO_OVER,
};

struct socketio_client;

struct socketio_socket {
	struct socketio_client *client; /* NULL: over */
	struct socketio_socket *next;	/* of the client */
	const struct socketio_namespace *nsp;
	void *data; /* the application's */
	unsigned refs;
	uint8_t state; /* enum socketio_state */
	char id[SOCKETIO_ID_CHARS + 1];
};

/* A packet that waits for its attachments. */
struct socketio_partial {
	struct buf text, bytes; /* owned: the packet; attachments, one behind the other */
	unsigned wanted, n;
	size_t ends[SOCKETIO_ATTACHMENTS_MAX]; /* in bytes */
};

/* A session; its data in Engine.IO. */
struct socketio_client {
	struct socketio *io;
	struct engineio_session *session; /* NULL: it is over */
	struct socketio_socket *sockets;
	struct socketio_partial *partial; /* owned; NULL: none */
};

struct socketio {
	struct engineio *engine;
	struct socketio_settings set;
	const struct socketio_namespace *namespaces;
	unsigned n_namespaces;
	void *arg;
	struct loop *loop;
	struct arena arena; /* of the packet that is worked on */
};

/* ---- socketio_server.c ---- */

/* A packet with all its attachments. */
void socketio_take(struct socketio_client *c, struct slice text, const struct slice *attachments,
    unsigned n_attachments);

/* ---- socketio_binary.c ---- */

/* Keeps a packet until its attachments have come; closes the session if there are too many. */
void socketio_begin_partial(struct socketio_client *c, struct slice text, unsigned n);

/* One of them. Takes the packet when it was the last. */
void socketio_take_attachment(struct socketio_client *c, struct slice bytes);

void socketio_drop_partial(struct socketio_client *c);

/* ---- socketio_socket.c ---- */

/* A socket of c that asks to join. NULL: no memory. */
struct socketio_socket *socketio_socket_new(
    struct socketio_client *c, const struct socketio_namespace *nsp);

struct socketio_socket *socketio_socket_find(
    const struct socketio_client *c, struct slice nsp, unsigned *ret_n);

/* Takes it out of its client and tells the application. */
void socketio_socket_end(struct socketio_socket *s, const char *why);

/* A packet whose JSON consists of the parts, in any namespace. */
void socketio_put(
    struct socketio_client *c, enum socketio_kind kind, struct slice nsp, struct slice json);

#endif
