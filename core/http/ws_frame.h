/*
 * WebSocket frames and messages (RFC 6455), of either side: the server reads masked frames and
 * writes plain ones, the lab's clients the other way round. A message of several frames is put
 * together, up to a maximum that is checked on the head of each frame. Pure: no sockets, no clock.
 *
 * Frames are parsed by wslay. Its context (some 4 KiB) is there only while a frame is incomplete,
 * so that an idle connection keeps nothing but a struct ws_reader.
 */
#ifndef PLIMSOLL_HTTP_WS_FRAME_H
#define PLIMSOLL_HTTP_WS_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/slice.h"

enum {
	WS_HEAD_BYTES = 14, /* longest head of a frame */
	WS_CONTROL_BYTES = 125,
	WS_KEY_BYTES = 24,    /* of Sec-WebSocket-Key, in base64 */
	WS_ACCEPT_BYTES = 28, /* of Sec-WebSocket-Accept */
};

enum ws_opcode {
	WS_CONTINUATION = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

/* RFC 6455 7.4.1, those that we send. */
enum ws_close_code {
	WS_CLOSE_NORMAL = 1000,
	WS_CLOSE_GOING_AWAY = 1001,
	WS_CLOSE_PROTOCOL = 1002,
	WS_CLOSE_NO_CODE = 1005, /* never on the wire: a close frame without a code */
	WS_CLOSE_NOT_UTF8 = 1007,
	WS_CLOSE_TOO_BIG = 1009,
	WS_CLOSE_TRY_LATER = 1013,
};

/* ---- the handshake's one calculation ---- */

/* What a server answers to the key of a client, with NUL. False: no memory for the digest. */
bool ws_accept_of(struct slice key, char out[WS_ACCEPT_BYTES + 1]);

/* True if accept is what a server has to answer to the key. */
bool ws_accepts(struct slice key, struct slice accept);

/* ---- writing ---- */

/* The head of a final frame with a payload of len bytes, without mask; its length in bytes. */
size_t ws_put_head(unsigned char out[WS_HEAD_BYTES], enum ws_opcode opcode, uint64_t len);

/* Appends one whole frame of a client; mask is any number that changes from frame to frame. */
void ws_put_masked(struct buf *out, enum ws_opcode opcode, struct slice payload, uint32_t mask);

/* The payload of a close frame: code and reason (cut to what fits); WS_CLOSE_NO_CODE: empty. */
struct slice ws_close_payload(
    char out[WS_CONTROL_BYTES], enum ws_close_code code, struct slice reason);

/* ---- reading ---- */

struct wslay_frame_context;

struct ws_reader {
	struct wslay_frame_context *frames; /* owned; NULL between frames */
	struct slice fed;		    /* borrowed: not yet parsed */
	struct buf message;		    /* owned: frames so far of one of several pieces */
	uint64_t taken, parsed; /* bytes that the context has got; of these in complete frames */
	uint64_t frame_left;	/* payload of the present frame that is still to come */
	uint8_t opcode;		/* enum ws_opcode of the message that is put together */
	bool in_message, in_frame;
	bool masked;			/* the peer is a client */
	uint16_t close_code;		/* enum ws_close_code, with WS_WRONG */
	uint8_t n_control;		/* bytes in control */
	char control[WS_CONTROL_BYTES]; /* payload of a control frame in pieces */
};

enum ws_result {
	WS_MORE,  /* no whole message is there */
	WS_TAKEN, /* *ret_opcode and *ret_payload, valid until the next call */
	WS_WRONG, /* *ret_payload says what, in words; the connection is to be closed */
};

/* masked: frames of a client. max_message: longest payload of a message in bytes. */
struct ws_reader ws_reader_new(bool masked, size_t max_message);
void ws_reader_free(struct ws_reader *r);

/*
 * Bytes that came; then ws_next() until it does not say WS_TAKEN, and only then may they go. Text
 * is UTF-8; close frames have a code that may be sent, or are empty.
 */
void ws_feed(struct ws_reader *r, struct slice bytes);
enum ws_result ws_next(struct ws_reader *r, enum ws_opcode *ret_opcode, struct slice *ret_payload);

/* The code of a close frame's payload, or WS_CLOSE_NO_CODE. */
unsigned ws_close_code_of(struct slice payload);

#endif
