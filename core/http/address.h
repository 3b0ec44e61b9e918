/*
 * Client addresses: one form for IPv4 and IPv6, lists of networks, and who the client behind a
 * trusted proxy is. Pure, no sockets.
 */
#ifndef PLIMSOLL_HTTP_ADDRESS_H
#define PLIMSOLL_HTTP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "core/base/err.h"
#include "core/base/slice.h"
#include "core/http/parse.h"

enum {
	HTTP_ADDRESS_TEXT = 46, /* longest text with NUL */
	HTTP_NETWORKS_MAX = 32,
};

/* An IPv6 address, or an IPv4 one in its mapped form ::ffff:a.b.c.d. */
struct http_address {
	uint8_t bytes[16];
};

/* Networks such as "10.0.0.0/8, ::1". */
struct http_networks {
	unsigned n;
	struct {
		struct http_address base;
		uint8_t bits; /* of the 128 */
	} network[HTTP_NETWORKS_MAX];
};

/* The address of a socket; all zero for families other than IPv4 and IPv6. */
struct http_address http_address_of(const struct sockaddr *sa);

/* Reads "127.0.0.1", "::1" or "[::1]", each optionally with a port behind. False: none of these. */
bool http_address_parse(struct slice text, struct http_address *ret);

/* Text without port, NUL-terminated. */
void http_address_text(const struct http_address *a, char out[HTTP_ADDRESS_TEXT]);

/*
 * The address under which connections are counted: IPv4 as it is, IPv6 its /64, because a host
 * commonly has a whole one.
 */
struct http_address http_address_group(const struct http_address *a);

/* Reads a comma list of addresses and CIDR networks. ERR_SYNTAX with the piece in note; ERR_LIMIT.
 */
NODISCARD enum err http_networks_parse(
    struct slice text, struct http_networks *ret, struct err_note *note);

bool http_networks_have(const struct http_networks *n, const struct http_address *a);

/*
 * The client's address of a request that a trusted proxy forwarded: the last one in X-Forwarded-For
 * that is no trusted proxy itself (what stands before it may be invented by the client). ptr NULL
 * if the field is absent or ends in something that is no address.
 */
struct slice http_forwarded_for(const struct http_head *h, const struct http_networks *trusted);

#endif
