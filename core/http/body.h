/*
 * Request bodies: collected before the handler for ordinary rows, read by the handler for OP_STREAM
 * rows, read over when nobody wants them.
 */
#ifndef PLIMSOLL_HTTP_BODY_H
#define PLIMSOLL_HTTP_BODY_H

#include "core/http/request.h"

/* Looks at the head: what is to come? Called once it is complete. False: no memory. */
bool body_prepare(struct http_req *r);

/*
 * Takes what of the decoded body is here, without waiting: *ret_len > 0 bytes into out. ERR_END:
 * the body is complete; ERR_AGAIN: nothing here yet; ERR_SYNTAX: malformed chunk; ERR_LIMIT: longer
 * than the row allows; ERR_CANCELLED: the client has gone.
 */
NODISCARD enum err body_take(struct http_req *r, char *out, size_t size, size_t *ret_len);

/*
 * Goes on collecting the body into r->body. ERR_OK: complete; ERR_AGAIN: more is to come. Others as
 * body_take(); ERR_MEMORY: max_body_memory is used up.
 */
NODISCARD enum err body_collect(struct http_req *r);

/* Goes on reading over the rest. ERR_END: done; ERR_LIMIT: more than HTTP_DISCARD_BYTES. */
NODISCARD enum err body_discard(struct http_req *r);

/* True if the rest of the body is worth being read over to keep the connection. */
bool body_is_discardable(const struct http_req *r);

/* Sends "100 Continue" if the client waits for it. */
void body_send_continue(struct http_req *r);

/* Begin and end of a wait for bytes of the body, for its minimum rate. */
void body_wait_begin(struct http_req *r);
void body_wait_end(struct http_req *r);

/* The time at which the body is too slow if nothing more comes; at most the row's deadline. */
int64_t body_due_us(const struct http_req *r);

/* Frees a collected body. */
void body_forget(struct http_req *r);

#endif
