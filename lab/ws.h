/*
 * WebSocket frames (RFC 6455) as a client sends and reads them. Frames to the server are masked,
 * frames from it must not be; a message of several frames is put together, up to a maximum. Pure.
 */
#ifndef PLIMSOLL_LAB_WS_H
#define PLIMSOLL_LAB_WS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/slice.h"

enum {
	WS_MESSAGE_BYTES = 1 << 20,
	WS_CONTROL_BYTES = 125,
	WS_KEY_BYTES = 24, /* of Sec-WebSocket-Key, in base64 */
};

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

/* Appends one whole frame; mask is any number that changes from frame to frame. */
void ws_put_frame(struct buf *out, enum ws_opcode opcode, struct slice payload, uint32_t mask);

/* True if accept is what a server has to answer to the key. */
bool ws_accepts(struct slice key, struct slice accept);

struct ws_reader {
	struct buf in, message; /* owned */
	size_t used;		/* of in: behind the frames that were given out */
	enum ws_opcode opcode;	/* of the message that is being put together */
	bool in_message;
};

enum ws_result {
	WS_MORE,  /* no whole message is there */
	WS_TAKEN, /* *ret_opcode and *ret_payload, valid until the next call */
	WS_WRONG, /* *ret_payload says what, in words; the connection is to be closed */
};

struct ws_reader ws_reader_new(void);
void ws_reader_free(struct ws_reader *r);

/* Bytes that came; then ws_next() until it says WS_MORE. */
void ws_feed(struct ws_reader *r, struct slice bytes);
enum ws_result ws_next(struct ws_reader *r, enum ws_opcode *ret_opcode, struct slice *ret_payload);

#endif
