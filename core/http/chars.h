/*
 * Classes of bytes in protocol text, one table look-up each; independent of the locale.
 */
#ifndef PLIMSOLL_HTTP_CHARS_H
#define PLIMSOLL_HTTP_CHARS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/slice.h"

enum http_char_class {
	HTTP_CHAR_TOKEN = 1,  /* tchar of RFC 9110 5.6.2 */
	HTTP_CHAR_TARGET = 2, /* visible ASCII without '#' */
	HTTP_CHAR_HOST = 4,   /* letters, digits, '-', '.', '_' */
	HTTP_CHAR_FIELD = 8,  /* of a field value: tab, space, visible ASCII, 0x80 and up */
	HTTP_CHAR_HEX = 16,
	HTTP_CHAR_DIGIT = 32,
	HTTP_CHAR_UNRESERVED = 64, /* RFC 3986 2.3: letters, digits, - . _ ~ */
	HTTP_CHAR_COOKIE = 128,	   /* cookie-octet of RFC 6265 4.1.1 */
};

extern const uint8_t http_char_classes[256];

static inline bool http_char_is(char c, enum http_char_class which)
{
	return (http_char_classes[(unsigned char)c] & which) != 0;
}

/* True if every byte is of the class; true for the empty text. */
static inline bool http_chars_are(struct slice text, enum http_char_class which)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!http_char_is(text.ptr[i], which)) {
			return false;
		}
	}
	return true;
}

/* Value of a hex digit, or -1. */
static inline int http_hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
