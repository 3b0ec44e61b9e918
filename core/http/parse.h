/*
 * The head of an HTTP/1.1 request: an incremental and strict parser (RFC 9112) over a buffer of the
 * caller. What the specification lets a server reject is rejected, because whatever two parsers on
 * the way read differently is a way to smuggle a request. Pure: no sockets, no allocation.
 */
#ifndef PLIMSOLL_HTTP_PARSE_H
#define PLIMSOLL_HTTP_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/slice.h"
#include "core/http/http.h"

enum {
	HTTP_MAX_HEADERS = 64,	     /* fields of one head */
	HTTP_MAX_HEAD_BYTES = 65535, /* spans are 16 bits wide */
};

/* Upper bounds; larger values than the constants above count as those. */
struct http_parse_limits {
	uint32_t line_bytes; /* request line with CRLF: 414 */
	uint32_t head_bytes; /* whole head with the last CRLF: 431 */
	uint32_t headers;    /* number of fields: 431 */
};

#define HTTP_PARSE_LIMITS_DEFAULT                                                                  \
	((struct http_parse_limits){                                                               \
	    .line_bytes = 8192, .head_bytes = 16384, .headers = HTTP_MAX_HEADERS })

/* A run of bytes of the head, relative to its first byte. */
struct http_span {
	uint16_t at, len;
};

struct http_field {
	struct http_span name, value; /* value without white space around it */
};

enum http_parse_result {
	HTTP_PARSE_MORE,  /* call again with the same bytes and more behind */
	HTTP_PARSE_DONE,  /* head_bytes are the head; the body or next request follows */
	HTTP_PARSE_ERROR, /* answer with status and close */
};

/* Zero it before the first call for a request. Results are valid after HTTP_PARSE_DONE. */
struct http_head {
	/*
	 * The bytes that spans refer to: the buf of the last http_parse_head(). Set it anew when
	 * the bytes were moved or copied elsewhere.
	 */
	const char *base;
	uint16_t head_bytes; /* length of the head, DONE only */
	uint16_t status;     /* 400, 414, 417, 431, 501 or 505, ERROR only */

	enum http_method method;
	bool http_1_0;		/* else 1.1 */
	bool keep_alive;	/* the client allows another request behind this one */
	bool chunked;		/* the body comes in chunks */
	bool expect_continue;	/* waits for 100 before it sends the body */
	bool asterisk;		/* "OPTIONS *": path is "*" */
	int64_t content_length; /* -1: no Content-Length field */

	struct http_span method_text;
	struct http_span target; /* as sent */
	struct http_span path;	 /* raw, starts with '/' (or is "*") */
	struct http_span query;	 /* raw, without '?'; empty if there is none */
	struct http_span host;	 /* with port as sent; of an absolute target if there is one */
	bool target_has_host;

	uint16_t n_fields;
	struct http_field fields[HTTP_MAX_HEADERS];

	/* Progress of the parser. */
	uint16_t line_at, scanned_to; /* start of the unfinished line; no line end before that */
	uint8_t stage;
	uint8_t seen; /* which of the once-only fields came */
};

/*
 * Parses as much of a head as buf holds. Call with the same bytes (they may have moved) and more
 * behind until it does not say MORE; each byte is looked at once, however small the steps are, and
 * the result does not depend on the steps. No reference to buf other than h->base is kept.
 */
enum http_parse_result http_parse_head(
    struct http_head *h, const char *buf, size_t len, const struct http_parse_limits *limits);

/* True when a request has begun: something other than a leading empty line came. */
bool http_parse_has_begun(const struct http_head *h, size_t len);

/* The text of a span. */
static inline struct slice http_head_text(const struct http_head *h, struct http_span span)
{
	return (struct slice){ h->base + span.at, span.len };
}

/* Value of the first field of that name (any case), or a slice with ptr NULL. */
struct slice http_head_find(const struct http_head *h, struct slice name);

/* True if the request has a body: chunked, or a Content-Length above 0. */
static inline bool http_head_has_body(const struct http_head *h)
{
	return h->chunked || h->content_length > 0;
}

/*
 * True for host[:port] as Host may carry it: a name of letters, digits, '-', '.', '_', an IPv4
 * address or an IPv6 address in brackets, a port up to 65535; not empty.
 */
bool http_host_is_valid(struct slice host);

/* host without port, trailing dot and brackets left as they are. */
struct slice http_host_name(struct slice host);

/* True if text is a token of RFC 9110 5.6.2: header names, methods. Not empty. */
bool http_is_token(struct slice text);

#endif
