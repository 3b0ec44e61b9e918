/*
 * From a parsed head to a running handler: routing, class queues, admission.
 */
#ifndef PLIMSOLL_HTTP_DISPATCH_H
#define PLIMSOLL_HTTP_DISPATCH_H

#include "core/http/request.h"

/* The head of r is complete: routes and queues it (or answers at once if the queue is full). */
void dispatch_head(struct http_req *r);

/*
 * Finds the operation of r (one of the built-in ones if there is none), its deadline and trace, and
 * in r->early what is wrong with its head.
 */
void dispatch_route(struct http_req *r);

/* Answers a head that could not be parsed or did not come in time; the connection then lingers. */
void dispatch_malformed(struct http_req *r, int status);

/* Bytes of the body of an admitted request have come: goes on collecting. */
void dispatch_body(struct http_req *r);

/* Ends an admitted request whose body does not come as it should. */
void dispatch_fail(struct http_req *r, enum err e);

/* Takes a queued request out of its queue. */
void dispatch_forget(struct http_req *r);

/* The answer is complete, if perhaps not yet written: goes on with the connection. */
void dispatch_end_answer(struct http_req *r);

/* The check hook's part: drains the class queues for one slice. */
void dispatch_round(struct http_server *s);

#endif
