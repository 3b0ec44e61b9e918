/*
 * Network addresses as people write them in configurations: "host:port", "[v6]:port", "port".
 */
#ifndef PLIMSOLL_BASE_HOST_PORT_H
#define PLIMSOLL_BASE_HOST_PORT_H

#include "core/base/err.h"
#include "core/base/slice.h"

enum {
	HOST_BYTES = 256,
	PORT_BYTES = 8
};

/* Splits at the last colon; the brackets go. host is empty for a port alone. ERR_LIMIT: too long.
 */
NODISCARD enum err host_port_split(struct slice text, char host[HOST_BYTES], char port[PORT_BYTES]);

#endif
