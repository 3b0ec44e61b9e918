/*
 * Packets of Socket.IO v5 as text, which travels in messages of Engine.IO:
 *	type [ count "-" ] [ namespace "," ] [ id ] [ json ]
 * Bytes that belong to a packet follow it as messages of their own ("attachments"); where they
 * belong in the JSON an object {"_placeholder":true,"num":N} stands. Pure; shared by server and
 * lab.
 */
#ifndef PLIMSOLL_REALTIME_SOCKETIO_PACKET_H
#define PLIMSOLL_REALTIME_SOCKETIO_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/json.h"
#include "core/base/slice.h"

enum socketio_kind {
	SOCKETIO_CONNECT,
	SOCKETIO_DISCONNECT,
	SOCKETIO_EVENT,
	SOCKETIO_ACK,
	SOCKETIO_CONNECT_ERROR,
	SOCKETIO_BINARY_EVENT,
	SOCKETIO_BINARY_ACK,
};

enum {
	SOCKETIO_ID_DIGITS = 16, /* ids up to 2^53 - 1 */
	SOCKETIO_NAMESPACE_MAX = 200,
	SOCKETIO_HEAD_MAX = SOCKETIO_NAMESPACE_MAX + 40, /* of a packet before its JSON */
};

struct socketio_packet {
	enum socketio_kind kind;
	unsigned attachments; /* of the binary kinds, more than 0 */
	bool has_id;
	uint64_t id;
	struct slice nsp;	 /* "/" if none was named; borrowed */
	struct slice json;	 /* may be empty; borrowed */
	const struct json *args; /* the JSON read, by socketio_check(); NULL if empty */
};

/* The head of a packet; its JSON is not looked at. ERR_SYNTAX. */
NODISCARD enum err socketio_parse(struct slice text, struct socketio_packet *ret);

/*
 * Reads the JSON into arena and checks that it is what the kind of packet needs, names of events
 * and numbers of attachments included. ERR_SYNTAX, ERR_LIMIT (nesting), ERR_MEMORY.
 */
NODISCARD enum err socketio_check(struct arena *arena, struct socketio_packet *p);

/* Text of the elements behind the first one of a checked event's array, without brackets. */
struct slice socketio_rest(struct slice json);

/* Writes the head of a packet, Engine.IO's digit of a message first. */
void socketio_put_head(struct buf *out, const struct socketio_packet *p);

#endif
