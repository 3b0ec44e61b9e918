/*
 * What happens to a connection from outside: its socket and its clocks. Internals of conn.c that
 * these need.
 */
#ifndef PLIMSOLL_HTTP_CONN_EVENT_H
#define PLIMSOLL_HTTP_CONN_EVENT_H

#include "core/http/conn.h"

/* The uv_poll callback. */
void conn_on_event(uv_poll_t *poll, int status, int events);

/* The clock of a connection has run out (or not yet: clocks are moved lazily). */
void conn_on_clock(struct conn *c, int64_t now_us);

/* Reads once and goes on with the head; CONN_IDLE and CONN_HEAD. */
void conn_read(struct conn *c);

/* Goes on with CONN_DISCARD and CONN_LINGER. */
void conn_discard(struct conn *c);
void conn_read_over(struct conn *c);

#endif
