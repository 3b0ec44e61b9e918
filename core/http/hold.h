/*
 * Answers that come later without a task that waits for them: long polls. The request object stays
 * with its connection; whoever holds it answers from any callback of the loop, or hears that the
 * client has gone.
 */
#ifndef PLIMSOLL_HTTP_HOLD_H
#define PLIMSOLL_HTTP_HOLD_H

#include "core/base/buf.h"
#include "core/http/http.h"

/*
 * From a handler that has not replied and returns ERR_OK next. gone(arg) is called at most once,
 * if the client goes away before the answer; r must not be used from then on. False: it has gone
 * already, nothing is held.
 */
NODISCARD bool http_hold(struct http_req *r, void (*gone)(void *arg), void *arg);

/*
 * In a handler, instead of http_reply() and http_hold(): the bytes of *body are taken, it is empty
 * then. Headers are added before.
 */
void http_reply_take(struct http_req *r, int status, struct slice content_type, struct buf *body);

/*
 * Answers a held request in the same way, which must not be used any more. Not in its own handler.
 */
void http_release(struct http_req *r, int status, struct slice content_type, struct buf *body);

/* The connection of a held request ends: tells the one who holds it. For conn_close(). */
void hold_end(struct http_req *r);

#endif
