/*
 * One blocking request with a body to a server, and its whole answer. HTTP/1.0, in which the end of
 * the answer is the end of the connection: servers must not send it in chunks.
 */
#ifndef PLIMSOLL_CMD_HTTP_CALL_H
#define PLIMSOLL_CMD_HTTP_CALL_H

#include "cmd/http_probe.h"

enum {
	HTTP_CALL_URL_MAX = 4096,
	HTTP_CALL_PATIENCE_S =
	    600 /* a server may unpack and sync what was sent before it answers */
};

struct http_call {
	const char *method, *url; /* "http[s]://host[:port]/path?query" */
	const char *headers;	  /* "Name: value\r\n" and so on, or "" */
	struct slice body;
	int fd; /* body_len bytes of this file from body_at on follow; -1: none */
	uint64_t body_at, body_len;
};

struct http_call_answer {
	struct probe_answer head; /* status; probe_header() */
	struct slice body;
};

/*
 * Sends it; the answer lies in out. ERR_IO, ERR_NOT_FOUND: the connection cannot be made or broke,
 * so it may be tried again; others as http_conn_open(), ERR_INVALID: no such URL.
 */
NODISCARD enum err http_call(const struct http_call *call, struct buf *out,
    struct http_call_answer *ret, struct err_note *note);

#endif
