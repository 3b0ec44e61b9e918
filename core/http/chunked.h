/*
 * Decoder of the chunked transfer coding (RFC 9112 7.1), strict, byte-split safe, without a buffer:
 * data is handed out as slices of the input. Extensions are read over within a bound, trailer
 * fields are checked for form, bounded and dropped.
 */
#ifndef PLIMSOLL_HTTP_CHUNKED_H
#define PLIMSOLL_HTTP_CHUNKED_H

#include <stdint.h>

#include "core/base/slice.h"

enum {
	HTTP_CHUNK_EXTENSION_BYTES = 16384, /* of all chunks of a body together */
	HTTP_CHUNK_TRAILER_BYTES = 8192,    /* all trailer fields together */
};

enum http_chunked_result {
	HTTP_CHUNKED_MORE,  /* input is used up, the body goes on */
	HTTP_CHUNKED_DATA,  /* *ret_data holds 1 or more bytes of the body */
	HTTP_CHUNKED_END,   /* the body is complete; what is left of *in belongs to the next request
			     */
	HTTP_CHUNKED_ERROR, /* malformed: answer 400 and close; stays so */
};

/* Zero it before a body. */
struct http_chunked {
	uint64_t left;				 /* data bytes of the current chunk still to come */
	uint32_t extension_bytes, trailer_bytes; /* so far */
	uint8_t state, digits;
};

/*
 * Takes bytes from the front of *in. Call until it says something else than DATA:
 *	while ((r = http_chunked_next(&c, &in, &data)) == HTTP_CHUNKED_DATA) use(data);
 * *ret_data is a part of *in.
 */
enum http_chunked_result http_chunked_next(
    struct http_chunked *c, struct slice *in, struct slice *ret_data);

#endif
