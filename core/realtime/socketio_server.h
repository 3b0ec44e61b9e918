/*
 * A server of Socket.IO v5 on top of Engine.IO: namespaces, their sockets, events, acknowledgements
 * and attachments, and what each violation leads to (doc/PROTOCOLS.md). Knows nothing of users: who
 * may join a namespace is said by its functions, whenever they know.
 *
 * A socket is one client in one namespace. Whoever keeps one across a wait takes a reference; once
 * it is over (see closed()), all that is done with it does nothing.
 */
#ifndef PLIMSOLL_REALTIME_SOCKETIO_SERVER_H
#define PLIMSOLL_REALTIME_SOCKETIO_SERVER_H

#include "core/base/json.h"
#include "core/realtime/engineio.h"

struct socketio;
struct socketio_socket;

enum {
	SOCKETIO_ATTACHMENTS_MAX = 16,
	SOCKETIO_SOCKETS_MAX = 8, /* namespaces that one client may join */
};

struct socketio_event {
	struct slice name; /* empty if the client named it by a number */
	const struct json
	    *args;	   /* the array; element 0 is the name. NULL: no payload (acks only) */
	struct slice rest; /* JSON text of the elements behind the name, without brackets; of
			      an acknowledgement: of all of them */
	const struct slice *attachments;
	unsigned n_attachments;
	bool wants_ack;
	uint64_t id; /* of the acknowledgement */
};

/* Called from loop callbacks and tasks; must not wait. What they get is valid during the call. */
struct socketio_namespace {
	const char *name; /* "/", "/chat" */
	/*
	 * A client wants to join. Ends, here or later, in socketio_accept() or socketio_refuse().
	 * auth: the JSON object that it sent, "{}" if it sent none; read as json.
	 */
	void (*connect)(
	    void *arg, struct socketio_socket *s, struct slice auth, const struct json *json);
	void (*event)(void *arg, struct socketio_socket *s, const struct socketio_event *ev);
	/* An answer to one of our events with an id; may be NULL. */
	void (*ack)(void *arg, struct socketio_socket *s, const struct socketio_event *ev);
	/* s has left or its session is over; it was accepted or still asking. May be NULL. */
	void (*closed)(void *arg, struct socketio_socket *s, const char *why);
	/* The process goes down and closes the session after retry_ms; may be NULL. */
	void (*draining)(void *arg, struct socketio_socket *s, int64_t retry_ms);
};

struct socketio_settings {
	struct engineio_settings engine;
	int64_t connect_timeout_us; /* to the first namespace */
	unsigned max_attachments;   /* of one packet; at most SOCKETIO_ATTACHMENTS_MAX */
};

/* The namespaces are kept. Others as engineio_new(). */
NODISCARD enum err socketio_new(struct loop *l, struct metrics *metrics, unsigned worker,
    const struct socketio_settings *settings, const struct socketio_namespace *namespaces,
    unsigned n_namespaces, void *arg, struct socketio **ret);
void socketio_free(struct socketio **io);
void socketio_set(struct socketio *io, const struct socketio_settings *settings);

/* For the rows of requests and for a drain. */
struct engineio *socketio_engine(struct socketio *io);

/* ---- messages: encoded once, for any number of receivers ---- */

struct socketio_out;

struct socketio_message {
	const char *nsp;
	struct slice
	    json; /* array: the name and what follows; of an acknowledgement: what follows */
	const struct slice *attachments;
	unsigned n_attachments;
	bool has_id, is_ack;
	uint64_t id;
};

/* NULL: no memory. The caller has a reference. */
struct socketio_out *socketio_encode(const struct socketio_message *m);
void socketio_out_unref(struct socketio_out **o);

/* ---- sockets ---- */

/* Sends a message of the socket's namespace; flags as engineio_send(). */
void socketio_send(struct socketio_socket *s, struct socketio_out *o, unsigned flags);

/* Encodes and sends to this one alone. json as above. */
void socketio_emit(struct socketio_socket *s, struct slice json, unsigned flags);
/* Answers an event that wants it; at most once. json: array. */
void socketio_ack(struct socketio_socket *s, uint64_t id, struct slice json);

/* The client is in, and told so before anything else. */
void socketio_accept(struct socketio_socket *s);
/* It is not; data: JSON or empty. The session stays open. s is over. */
void socketio_refuse(struct socketio_socket *s, const char *message, struct slice data);

/* Closes its whole session, so that a stock client comes back. s is over. */
void socketio_close(struct socketio_socket *s, const char *why);
/* The same, but says that it is meant: a stock client does not come back by itself. s is over. */
void socketio_disconnect(struct socketio_socket *s);

/* Would a droppable message to it be dropped now? */
bool socketio_is_full(const struct socketio_socket *s);

void socketio_ref(struct socketio_socket *s);
void socketio_unref(struct socketio_socket *s);

/* The namespace it asked for. */
const char *socketio_nsp(const struct socketio_socket *s);
void socketio_set_data(struct socketio_socket *s, void *data);
void *socketio_data(const struct socketio_socket *s);

#endif
