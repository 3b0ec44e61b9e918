/*
 * An HTTP/1.1 answer, read strictly and in steps (RFC 9112): what could be read in two ways is an
 * error, as a measurement must not guess. Interim answers (1xx) are read over. Pure: no sockets.
 */
#ifndef PLIMSOLL_LAB_ANSWER_H
#define PLIMSOLL_LAB_ANSWER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/slice.h"
#include "core/http/chunked.h"

enum {
	ANSWER_HEAD_BYTES = 65536,
	ANSWER_KEEP_BYTES = 1 << 20, /* of a body for the model; more is counted and dropped */
};

enum answer_result {
	ANSWER_MORE,
	ANSWER_DONE,
	ANSWER_ERROR, /* error says what is wrong */
};

enum answer_state {
	ANSWER_IN_HEAD,
	ANSWER_IN_LENGTH, /* left bytes of body to come */
	ANSWER_IN_CHUNKS,
	ANSWER_TO_CLOSE, /* the body ends with the connection */
	ANSWER_COMPLETE,
};

/* What the head says of the body. */
struct answer_framing {
	bool chunked, length_known;
	uint64_t length;
};

/* Make it with answer_init(); the buffers are reused by the next answer. */
struct answer {
	enum answer_state state;
	int status;
	bool keep_alive;  /* the server allows another request on the connection */
	bool has_cookies; /* Set-Cookie is among the fields */
	/* Set them behind answer_reset(): of a HEAD; 101 is an answer, what follows is no HTTP. */
	bool bodiless, may_switch;
	size_t line_at; /* of head: where its next line begins */
	struct answer_framing framing;
	uint64_t left, body_bytes;
	struct http_chunked chunked;
	struct buf head, body; /* owned */
	const char *error;     /* static */
};

void answer_init(struct answer *a);
void answer_fini(struct answer *a);

/* Forgets everything but the memory: before the next answer. */
void answer_reset(struct answer *a);

/* Takes bytes from the front of *in; after DONE what is left belongs to no answer asked for. */
enum answer_result answer_take(struct answer *a, struct slice *in);

/* The server closed: DONE where that ends the body, else ERROR. */
enum answer_result answer_closed(struct answer *a);

/* True once a byte of it has come. */
bool answer_has_begun(const struct answer *a);

/* Walks the fields of a complete head: *at starts as 0. False at the end. */
bool answer_next_field(
    const struct answer *a, size_t *at, struct slice *ret_name, struct slice *ret_value);

/* The same over the text of a head that was complete. */
bool answer_head_next(
    struct slice head, size_t *at, struct slice *ret_name, struct slice *ret_value);

/* The value of the first field of that name, or a slice with ptr NULL. */
struct slice answer_find(const struct answer *a, struct slice name);

#endif
