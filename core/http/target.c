/*
 * Percent-decoding. Refuses what is not text: half escapes, NUL, broken UTF-8.
 */
#include "core/http/target.h"

#include "core/http/chars.h"

bool http_percent_decode(struct slice text, enum http_plus plus, char *out, size_t *ret_len)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '+' && plus == HTTP_PLUS_IS_SPACE) {
			c = ' ';
		} else if (c == '%') {
			if (text.len - i < 3) {
				return false;
			}
			int high = http_hex_value(text.ptr[i + 1]);
			int low = http_hex_value(text.ptr[i + 2]);
			if (high < 0 || low < 0) {
				return false;
			}
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0') {
			return false;
		}
		out[len++] = c;
	}
	if (!http_is_utf8((struct slice){ out, len })) {
		return false;
	}
	*ret_len = len;
	return true;
}

/* Length of the sequence that starts with this byte, or 0; narrows the second byte's range. */
static size_t sequence_length(unsigned char first, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (first < 0x80) {
		return 1;
	}
	if (first < 0xc2 || first > 0xf4) {
		return 0;
	}
	switch (first) {
	case 0xe0:
		*low = 0xa0; /* below: overlong */
		break;
	case 0xed:
		*high = 0x9f; /* above: surrogates */
		break;
	case 0xf0:
		*low = 0x90; /* below: overlong */
		break;
	case 0xf4:
		*high = 0x8f; /* above: beyond U+10FFFF */
		break;
	default:
		break;
	}
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

bool http_is_utf8(struct slice text)
{
	const unsigned char *p = (const unsigned char *)text.ptr;

	for (size_t i = 0; i < text.len;) {
		unsigned char low, high;
		size_t need = sequence_length(p[i], &low, &high);
		if (need == 0 || need > text.len - i) {
			return false;
		}
		for (size_t k = 1; k < need; k++) {
			if (p[i + k] < low || p[i + k] > high) {
				return false;
			}
			low = 0x80;
			high = 0xbf;
		}
		i += need;
	}
	return true;
}
