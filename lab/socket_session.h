/*
 * One Socket.IO session of a simulated device (realtime.md 2): by long polls, by websocket, or by
 * polls that become a websocket, as stock clients do. Heartbeats are answered by themselves; events
 * and acknowledgements wait in a bounded box until somebody takes them.
 */
#ifndef PLIMSOLL_LAB_SOCKET_SESSION_H
#define PLIMSOLL_LAB_SOCKET_SESSION_H

#include "lab/chance.h"
#include "lab/client.h"

enum {
	SOCKET_BOX_MOST = 256, /* events that wait; then the oldest go */
	SOCKET_WHY_BYTES = 160,
};

enum socket_transport {
	SOCKET_UPGRADE, /* polls first, then a websocket */
	SOCKET_WEBSOCKET,
	SOCKET_POLLING,
};

struct socket_options {
	enum socket_transport transport;
	struct slice path;    /* "/socket.io/" */
	struct slice host;    /* for Host */
	struct slice cookies; /* "a=b; c=d", or empty */
	struct slice auth;    /* JSON of the CONNECT packet, or empty */
	double patience_s;    /* for an answer, and until it stands */
};

enum socket_state {
	SOCKET_CONNECTING,
	SOCKET_CONNECTED, /* and, where it is to be, upgraded or found not to be */
	SOCKET_LEAVING,	  /* it has said goodbye, and waits until that has arrived */
	SOCKET_LEFT,	  /* and it has */
	SOCKET_REFUSED,	  /* the server said that it is too busy */
	SOCKET_CLOSED,
};

struct socket_session;

/* Something has come, or its state is another. Called last of all: the callee may close the
 * session. */
typedef void socket_fn(void *arg);

/* Begins to connect; copies the options. Errors are those of client_conn_open(). */
NODISCARD enum err socket_open(struct client *client, const struct socket_options *options,
    uint64_t seed, socket_fn *changed, void *arg, struct socket_session **ret,
    struct err_note *note);

/*
 * Says goodbye behind all that waits to be sent, if it is connected: SOCKET_LEFT when the server
 * has answered the last POST, or has closed the websocket in turn; then nothing that was said is
 * lost. SOCKET_CLOSED: it was not heard.
 */
void socket_leave(struct socket_session *s);

/* Cuts it, in whatever state, and frees it; sets *s to NULL. No call back comes any more. */
void socket_close(struct socket_session **s);

enum socket_state socket_state(const struct socket_session *s);

/* Why it is refused or closed; "" before. */
const char *socket_why(const struct socket_session *s);

/* "polling" or "websocket": how it speaks now. */
const char *socket_transport_name(const struct socket_session *s);

/*
 * Sends an event, a JSON array that begins with its name; ret_id not NULL: wants it acknowledged.
 * ERR_PEER_GONE: closed; ERR_LIMIT: too much waits already.
 */
NODISCARD enum err socket_emit(struct socket_session *s, struct slice json, uint64_t *ret_id);

/* Takes the acknowledgement of that number, or the oldest event of that name (empty: any), out of
 * the box: a JSON array, valid until the next take. False: it is not there. */
bool socket_take_ack(struct socket_session *s, uint64_t id, struct slice *ret_json);
bool socket_take_event(struct socket_session *s, struct slice name, struct slice *ret_json);

/* A few times a second: notices silence. */
void socket_tick(struct socket_session *s, int64_t now_us);

/* "upgrade", "websocket", "polling". ERR_INVALID. */
NODISCARD enum err socket_transport_parse(struct slice name, enum socket_transport *ret);

#endif
