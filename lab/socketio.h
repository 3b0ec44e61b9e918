/*
 * Packets of Engine.IO v4 and Socket.IO v5 (realtime.md 2.2, 2.7) as text. Events are arrays of
 * JSON that begin with their name. Binary attachments are no business of the models and are
 * refused. Pure.
 */
#ifndef PLIMSOLL_LAB_SOCKETIO_H
#define PLIMSOLL_LAB_SOCKETIO_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	ENGINEIO_OPEN = '0',
	ENGINEIO_CLOSE = '1',
	ENGINEIO_PING = '2',
	ENGINEIO_PONG = '3',
	ENGINEIO_MESSAGE = '4',
	ENGINEIO_UPGRADE = '5',
	ENGINEIO_NOOP = '6',
	ENGINEIO_SEPARATOR = 0x1E, /* between packets of a polling body */
	SOCKETIO_SID_BYTES = 64,
};

enum socketio_kind {
	SOCKETIO_CONNECT,
	SOCKETIO_DISCONNECT,
	SOCKETIO_EVENT,
	SOCKETIO_ACK,
	SOCKETIO_CONNECT_ERROR,
};

struct socketio_packet {
	enum socketio_kind kind;
	bool has_id;
	uint64_t id;
	struct slice json; /* may be empty; borrowed from the packet */
};

/* What stands behind Engine.IO's "4", of the main namespace. ERR_SYNTAX. */
NODISCARD enum err socketio_parse(struct slice text, struct socketio_packet *ret);

/* What the first packet of a session says. */
struct engineio_open {
	char sid[SOCKETIO_SID_BYTES];
	int64_t ping_interval_ms, ping_timeout_ms, max_payload;
	bool upgrades; /* to websocket */
};

/* The JSON behind "0". ERR_SYNTAX; ERR_LIMIT: a sid that is too long. arena: scratch. */
NODISCARD enum err engineio_parse_open(
    struct arena *arena, struct slice json, struct engineio_open *ret);

/* The name of an event: the first element of its array, a string without escapes. False: there is
 * none. */
bool socketio_event_name(struct slice json, struct slice *ret);

#endif
