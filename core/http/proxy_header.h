/*
 * The PROXY protocol header with which a proxy in front begins a connection: who the client is
 * (version 1, a line of text; version 2, binary). Specification: HAProxy's proxy-protocol.txt.
 * Strict and pure: no sockets, no allocation.
 */
#ifndef PLIMSOLL_HTTP_PROXY_HEADER_H
#define PLIMSOLL_HTTP_PROXY_HEADER_H

#include "core/http/address.h"

enum {
	/* Longest header; what a first segment always carries (section 2). More is an error. */
	HTTP_PROXY_HEADER_MAX = 536
};

struct http_proxy_header {
	size_t bytes;	  /* length of the header; the client's own bytes follow */
	bool is_local;	  /* the proxy speaks for itself, as in a health check */
	bool has_address; /* client is known; else the proxy could not tell */
	bool is_tls;	  /* the client came to the proxy over TLS (version 2 only) */
	struct http_address client;
	const char *problem; /* what was wrong, HTTP_PARSE_ERROR only */
};

/*
 * Reads the header at the beginning of buf. HTTP_PARSE_MORE: all of buf belongs to a header whose
 * end is not here yet, call again with more behind; HTTP_PARSE_DONE; HTTP_PARSE_ERROR: no header,
 * or a wrong one. The result does not depend on the steps in which the bytes come.
 */
enum http_parse_result http_proxy_header_parse(
    const char *buf, size_t len, struct http_proxy_header *ret);

#endif
