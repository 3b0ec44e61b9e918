/*
 * What models expect of the packets of core/realtime: text in the main namespace. Events are arrays
 * of JSON that begin with their name. Binary attachments are no business of the models and are
 * refused. Pure.
 */
#ifndef PLIMSOLL_LAB_SOCKETIO_H
#define PLIMSOLL_LAB_SOCKETIO_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/realtime/engineio_packet.h"
#include "core/realtime/socketio_packet.h"

enum {
	SOCKETIO_SID_BYTES = 64
};

/* What stands behind Engine.IO's "4", of the main namespace and without attachments. ERR_SYNTAX. */
NODISCARD enum err socketio_parse_plain(struct slice text, struct socketio_packet *ret);

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
