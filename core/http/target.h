/*
 * Percent-decoding and UTF-8 for what comes in a request target or a form.
 */
#ifndef PLIMSOLL_HTTP_TARGET_H
#define PLIMSOLL_HTTP_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/slice.h"

enum http_plus {
	HTTP_PLUS_IS_PLUS,  /* paths */
	HTTP_PLUS_IS_SPACE, /* forms and queries */
};

/*
 * Decodes %XX into out, which has room for text.len bytes and may be text itself. False: a '%'
 * without two hex digits, a NUL byte, or the result is not UTF-8; out is then undefined.
 */
bool http_percent_decode(struct slice text, enum http_plus plus, char *out, size_t *ret_len);

/* True for well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates). */
bool http_is_utf8(struct slice text);

#endif
