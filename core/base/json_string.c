/*
 * JSON strings: the long runs without escapes go by 16 bytes at a time, escapes are decoded in
 * place (what they stand for is never longer), and what is not UTF-8 is refused.
 */
#include <string.h>

#if defined(__SSE2__) && !defined(JSON_PLAIN_SCAN)
#define JSON_SCAN_SSE2 1
#include <emmintrin.h>
#endif

#include "core/base/json_priv.h"

size_t json_utf8_length(const char *bytes, size_t left)
{
	const unsigned char *p = (const unsigned char *)bytes;
	size_t need = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

	if (need == 0 || need > left || p[0] > 0xf4) {
		return 0;
	}
	for (size_t i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80) {
			return 0;
		}
	}
	bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
	bool surrogate = p[0] == 0xed && p[1] > 0x9f;
	bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
	return overlong || surrogate || beyond ? 0 : need;
}

static bool is_ascii(char c)
{
	return (unsigned char)c < 0x80;
}

#ifdef JSON_SCAN_SSE2
/* One bit for each of 16 bytes: quote, backslash, control or not ASCII. */
static unsigned special_bits(const char *bytes)
{
	const __m128i last_control = _mm_set1_epi8(0x1f);
	__m128i x = _mm_loadu_si128((const __m128i *)(const void *)bytes);
	__m128i control = _mm_cmpeq_epi8(_mm_min_epu8(x, last_control), x);
	__m128i quote = _mm_cmpeq_epi8(x, _mm_set1_epi8('"'));
	__m128i backslash = _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'));
	__m128i special = _mm_or_si128(_mm_or_si128(control, quote), backslash);

	return (unsigned)_mm_movemask_epi8(_mm_or_si128(special, x));
}

/* The first such byte. The zeros behind the text end the loop before it leaves them. */
static char *find_special(char *p)
{
	unsigned bits = special_bits(p);

	while (bits == 0) {
		p += 16;
		bits = special_bits(p);
	}
	return p + __builtin_ctz(bits);
}
#else
static char *find_special(char *p)
{
	while (is_ascii(*p) && *p >= 0x20 && *p != '"' && *p != '\\') {
		p++;
	}
	return p;
}
#endif

/* The first byte from p on that may not stand in a string for itself. */
static char *find_run_end(const struct json_reader *r, char *p)
{
	for (;;) {
		p = find_special(p);
		if (is_ascii(*p)) {
			return p;
		}
		do {
			size_t len = json_utf8_length(p, (size_t)(r->end - p));
			if (len == 0) {
				return p;
			}
			p += len;
		} while (!is_ascii(*p));
	}
}

static enum err refuse_at(struct json_reader *r, char *at, const char *what)
{
	r->at = at;
	return json_refuse(r, what);
}

/* What a letter behind a backslash stands for, or 0. */
static char escaped(char letter)
{
	switch (letter) {
	case '"':
	case '\\':
	case '/':
		return letter;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return 0;
	}
}

/* Four hexadecimal digits; false if they are none. */
static bool take_hex(const char *digits, unsigned *ret)
{
	unsigned n = 0;

	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)digits[i];
		unsigned decimal = c - (unsigned)'0', letter = (c | 0x20u) - 'a';
		if (decimal > 9 && letter > 5) {
			return false;
		}
		n = n << 4 | (decimal <= 9 ? decimal : letter + 10);
	}
	*ret = n;
	return true;
}

static char *put_utf8(char *to, unsigned code)
{
	if (code < 0x80) {
		*to++ = (char)code;
		return to;
	}
	if (code < 0x800) {
		*to++ = (char)(0xc0 | code >> 6);
	} else {
		if (code < 0x10000) {
			*to++ = (char)(0xe0 | code >> 12);
		} else {
			*to++ = (char)(0xf0 | code >> 18);
			*to++ = (char)(0x80 | (code >> 12 & 0x3f));
		}
		*to++ = (char)(0x80 | (code >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (code & 0x3f));
	return to;
}

/* *from stands on the backslash of a \u escape; moves *from behind it and *to behind its UTF-8. */
static enum err decode_unicode(struct json_reader *r, char **from, char **to)
{
	char *p = *from;
	unsigned code, low;

	if (!take_hex(p + 2, &code)) {
		return refuse_at(r, p, "malformed \\u escape");
	}
	if (code >= 0xd800 && code <= 0xdfff) {
		/* Two escapes, high half first, are one character. */
		if (code >= 0xdc00 || p[6] != '\\' || p[7] != 'u' || !take_hex(p + 8, &low) ||
		    low < 0xdc00 || low > 0xdfff) {
			return refuse_at(r, p, "half of a surrogate pair");
		}
		code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	*from = p + 6;
	*to = put_utf8(*to, code);
	return ERR_OK;
}

static enum err decode_escape(struct json_reader *r, char **from, char **to)
{
	char *p = *from;

	if (p[1] == 'u') {
		return decode_unicode(r, from, to);
	}
	char c = escaped(p[1]);
	if (c == 0) {
		return refuse_at(r, p + 1, "unknown escape");
	}
	*(*to)++ = c;
	*from = p + 2;
	return ERR_OK;
}

enum err json_read_string(struct json_reader *r, struct json *ret)
{
	char *start = r->at + 1;
	char *p = find_run_end(r, start), *to = p;

	while (*p != '"') {
		if (*p != '\\') {
			return refuse_at(
			    r, p, is_ascii(*p) ? "control character in a string" : "not UTF-8");
		}
		enum err e = decode_escape(r, &p, &to);
		if (e != ERR_OK) {
			return e;
		}
		char *run = p;
		p = find_run_end(r, run);
		memmove(to, run, (size_t)(p - run));
		to += p - run;
	}
	*ret =
	    (struct json){ .kind = JSON_KIND_STRING, .len = (uint32_t)(to - start), .text = start };
	r->at = p + 1;
	return ERR_OK;
}
