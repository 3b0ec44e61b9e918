/*
 * Packets of Engine.IO v4 on the wire (reference: protocol text, section "Encoding"): a digit and
 * text, or bare bytes. Over long polling several are joined by a separator, and bytes travel as 'b'
 * and base64. Pure; shared by server and lab.
 */
#ifndef PLIMSOLL_REALTIME_ENGINEIO_PACKET_H
#define PLIMSOLL_REALTIME_ENGINEIO_PACKET_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/slice.h"

enum engineio_type {
	ENGINEIO_OPEN = '0',
	ENGINEIO_CLOSE = '1',
	ENGINEIO_PING = '2',
	ENGINEIO_PONG = '3',
	ENGINEIO_MESSAGE = '4',
	ENGINEIO_UPGRADE = '5',
	ENGINEIO_NOOP = '6',
};

enum {
	ENGINEIO_SEPARATOR = 0x1E, /* between packets of a polling body */
	ENGINEIO_BINARY = 'b',	   /* begins a packet of bytes in one */
};

struct engineio_packet {
	enum engineio_type type;
	bool binary;	   /* a message of bytes */
	struct slice data; /* behind the digit; of a binary one in a polling body: still base64 */
};

/* A packet of text, or of a polling body. ERR_SYNTAX: empty or of no known type. */
NODISCARD enum err engineio_parse(struct slice text, struct engineio_packet *ret);

/* Appends the bytes of a binary packet of a polling body. ERR_SYNTAX: not base64. */
NODISCARD enum err engineio_decode(struct slice base64, struct buf *out);

/* Appends a packet to a polling body. payload is what stands behind the head of its frame. */
void engineio_join(struct buf *body, bool binary, struct slice payload);

#endif
