/*
 * A session from inside: socket_session.c (packets, the box), socket_poll.c (long polls),
 * socket_wire.c (what transports have in common, the websocket). Private to them.
 */
#ifndef PLIMSOLL_LAB_SOCKET_PRIV_H
#define PLIMSOLL_LAB_SOCKET_PRIV_H

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/http/ws_frame.h"
#include "lab/socket_session.h"
#include "lab/socketio.h"

enum {
	WS_MESSAGE_BYTES = 1 << 20 /* longest message of a server */
};

struct socket_letter {
	struct buf text; /* owned */
	bool is_ack;
	uint64_t id;
};

struct socket_session {
	struct client *client; /* borrowed */
	enum socket_transport transport;
	struct buf path, host, cookies, auth; /* owned */
	struct chance chance;		      /* of masks and keys */
	socket_fn *changed;
	void *arg;
	enum socket_state state;
	char why[SOCKET_WHY_BYTES];
	struct engineio_open open;		 /* sid "": not open yet */
	int64_t patience_us, began_us, heard_us; /* heard: the last ping */
	bool joined;				 /* the CONNECT is answered */
	/* Polling: at most one GET and one POST at a time. */
	struct client_conn *poll, *post, *wire;
	struct buf poll_text, post_text, wire_text, body;
	struct buf waiting; /* packets that are not sent yet, with separators */
	bool polling, posting;
	/* The way to a websocket: probing, then paused until GET and POST are over, then upgraded.
	 */
	bool wants_wire, probing, paused, upgraded;
	struct ws_reader reader;
	char key[WS_KEY_BYTES + 1];
	struct socket_letter box[SOCKET_BOX_MOST]; /* oldest first */
	unsigned n_box;
	struct buf taken;
	uint64_t next_id;
	struct arena arena;
};

/* A packet of Engine.IO that has come. Never notifies. */
void socket_take_packet(struct socket_session *s, struct slice packet);

/* Nothing comes or goes any more. */
bool socket_is_over(const struct socket_session *s);

/* It is over; closes the connections. Never notifies. */
void socket_fail(struct socket_session *s, enum socket_state state, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Tells whoever waits; s may be gone behind it. */
void socket_notify(struct socket_session *s);

/* Begin by the transport that is wanted; a packet out by the one that stands. */
void socket_wire_begin(struct socket_session *s);
void socket_wire_open(struct socket_session *s); /* the first packet has come */
NODISCARD enum err socket_wire_send(struct socket_session *s, struct slice packet);
void socket_wire_leave(struct socket_session *s); /* says goodbye; SOCKET_LEFT when it is heard */
void socket_wire_close(struct socket_session *s);

/* ---- of all transports ---- */

/* When an answer is overdue that is asked for now. */
int64_t socket_deadline_us(const struct socket_session *s);

/* Begins a request in out, up to Cookie; wire: for the websocket. */
void socket_put_head(struct socket_session *s, struct buf *out, const char *method, bool wire);

/* A usable connection at *conn. False: the session has failed. */
bool socket_connect_at(struct socket_session *s, struct client_conn **conn);

/* The server has heard the goodbye. */
void socket_left(struct socket_session *s);

/* ---- polls ---- */

void socket_poll(struct socket_session *s);
/* Sends what waits, unless something is on its way. */
void socket_post(struct socket_session *s);

/* With 3probe here and nothing in flight, the websocket takes over. */
void socket_finish_upgrade(struct socket_session *s);

#endif
