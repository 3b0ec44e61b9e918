/*
 * What waits to go to one receiver. A message is encoded once, with the head of its WebSocket frame
 * in front, and shared by all its receivers; a queue is the list of them for one receiver, with
 * the sum of their bytes. Who owns it decides how much that may be.
 */
#ifndef PLIMSOLL_HTTP_WS_OUT_H
#define PLIMSOLL_HTTP_WS_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/http/ws_frame.h"

/* One message: immutable, counted. */
struct ws_out;

/* The parts, one behind the other, as one frame. NULL: no memory. */
struct ws_out *ws_out_new(enum ws_opcode opcode, const struct slice *parts, unsigned n_parts);

struct ws_out *ws_out_ref(struct ws_out *o);
void ws_out_unref(struct ws_out **o);

/* The frame without its head. */
struct slice ws_out_payload(const struct ws_out *o);
bool ws_out_is_binary(const struct ws_out *o);

enum {
	/* What a message costs beside its bytes in a receiver's list, so that many small ones
	 * count, too. */
	WS_QUEUE_ENTRY_BYTES = 64,
};

struct ws_queue_entry;

struct ws_queue {
	struct ws_queue_entry *first, *last;
	unsigned n;
	unsigned offered; /* entries that a socket has been offered: they have to stay */
	size_t bytes;	  /* with WS_QUEUE_ENTRY_BYTES for each */
	size_t sent;	  /* of the first frame */
};

/* Puts o last and takes a reference. droppable: see ws_queue_drop(). ERR_MEMORY. */
NODISCARD enum err ws_queue_push(struct ws_queue *b, struct ws_out *o, bool droppable);

/* Removes what may be dropped; how many they were. */
unsigned ws_queue_drop(struct ws_queue *b);

/* Removes all that no socket has been offered. */
void ws_queue_forget(struct ws_queue *b);

/* Frames from the front as parts of a write; at most max. */
unsigned ws_queue_parts(struct ws_queue *b, struct iovec *parts, unsigned max);

/* So many bytes of these have been written. */
void ws_queue_wrote(struct ws_queue *b, size_t n);

/* The first message, or NULL; ws_queue_pop() removes it. */
struct ws_out *ws_queue_first(const struct ws_queue *b);
void ws_queue_pop(struct ws_queue *b);

void ws_queue_clear(struct ws_queue *b);

/* Puts all that is in from, of which nothing is sent, behind what is in b; from is empty then. */
void ws_queue_move(struct ws_queue *b, struct ws_queue *from);

static inline bool ws_queue_is_empty(const struct ws_queue *b)
{
	return b->n == 0;
}

#endif
