/*
 * Writing answers: one system call for head and body where the socket takes it, the rest when it
 * can be written again. The functions handlers call are in http.h.
 */
#ifndef PLIMSOLL_HTTP_RESPOND_H
#define PLIMSOLL_HTTP_RESPOND_H

#include "core/http/request.h"

/*
 * Begins the answer: lets the site decorate it, decides whether the connection is kept, and formats
 * the head into the server's out buffer. length -1: unknown. With r->head_failed set on return it
 * is the head of an empty 500. On an HTTP/2 stream the head is sent and nothing is left of it.
 */
struct slice respond_head(
    struct http_req *r, int status, struct slice content_type, int64_t length);

/* True if an answer of that status to that request has no body. */
bool respond_is_bodyless(const struct http_req *r, int status);

/*
 * Writes as much of the parts (at most 3) as the socket takes now and cuts that off them. False:
 * the client has gone, the connection is closed.
 */
bool respond_write(struct http_req *r, struct slice *parts, unsigned n);

/* True while a part of a whole answer is not written. */
static inline bool respond_is_pending(const struct http_req *r)
{
	return r->out[0].len + r->out[1].len > 0;
}

/* The socket can be written again: goes on with a pending answer. */
void respond_continue(struct http_req *r);

/* Sends 100 (Continue); if the socket does not take it at once, the connection is cut. */
void respond_100(struct http_req *r);

/* The Date of this second; of the server. */
struct slice respond_date(struct http_server *s);

/* False for a value with a line end or NUL in it: it would be a header of somebody else's making.
 */
bool respond_is_sendable(struct slice value);

/* Adds Retry-After; once per answer. */
void respond_add_retry_after(struct http_req *r, unsigned seconds);

#endif
