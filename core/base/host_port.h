/*
 * Network addresses as people write them in configurations: "host:port", "[v6]:port", "port".
 */
#ifndef PLIMSOLL_BASE_HOST_PORT_H
#define PLIMSOLL_BASE_HOST_PORT_H

#include <stdbool.h>

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	HOST_BYTES = 256,
	PORT_BYTES = 8
};

/* Splits at the last colon; the brackets go. host is empty for a port alone. ERR_LIMIT: too long.
 */
NODISCARD enum err host_port_split(struct slice text, char host[HOST_BYTES], char port[PORT_BYTES]);

/* The host of "host", "host:port", "[v6]", "[v6]:port"; without brackets. A view into text. */
struct slice host_port_host(struct slice text);

/* This machine: localhost, ::1, or a number in 127.0.0.0/8. */
bool host_is_loopback(struct slice host);

#endif
