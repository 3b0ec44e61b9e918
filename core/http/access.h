/*
 * What is left of a request when it is over: its counters and its line in the access log.
 */
#ifndef PLIMSOLL_HTTP_ACCESS_H
#define PLIMSOLL_HTTP_ACCESS_H

#include "core/http/request.h"

/* Counts and logs a request that has been answered; once. */
void access_done(struct http_req *r);

#endif
