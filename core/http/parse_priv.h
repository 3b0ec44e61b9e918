/*
 * The two kinds of lines in a request head. Internal to the parser; each function returns 0 or the
 * status to answer with.
 */
#ifndef PLIMSOLL_HTTP_PARSE_PRIV_H
#define PLIMSOLL_HTTP_PARSE_PRIV_H

#include "core/http/parse.h"

/* Bits of http_head.seen. */
enum http_seen {
	HTTP_SEEN_HOST = 1,
	HTTP_SEEN_LENGTH = 2,
	HTTP_SEEN_CODING = 4,
	HTTP_SEEN_CLOSE = 8,	   /* option of Connection */
	HTTP_SEEN_KEEP_ALIVE = 16, /* option of Connection */
	HTTP_SEEN_OTHER_EXPECTATION = 32,
};

/* Method, target and version from the line [at, end), which holds no control bytes. */
uint16_t http_parse_request_line(struct http_head *h, size_t at, size_t end);

/* One field line [at, end) without its CRLF; it holds no control bytes but tabs. */
uint16_t http_parse_field_line(struct http_head *h, size_t at, size_t end);

/* The target [at, end) of the request whose method is in h already. */
uint16_t http_parse_target(struct http_head *h, size_t at, size_t end);
enum http_method http_parse_method(struct slice text);

/* What a field means for the head: Host, Content-Length and so on. */
uint16_t http_parse_meaning(struct http_head *h, const struct http_field *f);

/* What only the whole head can tell: the empty line has come. */
uint16_t http_parse_finish(struct http_head *h);

/* The span [at, end). */
static inline struct http_span http_span_of(size_t at, size_t end)
{
	return (struct http_span){ (uint16_t)at, (uint16_t)(end - at) };
}

#endif
