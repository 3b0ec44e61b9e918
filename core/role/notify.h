/*
 * What a service manager is told (sd_notify(3)): one datagram with lines NAME=VALUE to the socket
 * that NOTIFY_SOCKET names. Without that variable nothing is sent.
 */
#ifndef PLIMSOLL_ROLE_NOTIFY_H
#define PLIMSOLL_ROLE_NOTIFY_H

#include <stdint.h>

#include "core/base/check.h"
#include "core/base/err.h"

struct notify {
	int fd;		   /* connected datagram socket; -1: nobody wants to know */
	int64_t period_us; /* of WATCHDOG=1; 0: not asked for */
	int64_t next_us;
};

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; an address that is none is only logged. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);

/* Sends the formatted lines, '\n' between them. What cannot be sent within 200 ms is given up. */
void notify_send(const struct notify *n, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Sends WATCHDOG=1 when it is due: call it every 100 ms or so. */
void notify_alive(struct notify *n, int64_t now_us);

#endif
