/*
 * Hex and base64 codecs. Assertions are some kilobytes of base64url, so decoding takes four letters
 * at a time through a table; what a table of both alphabets cannot tell goes letter by letter.
 */
#include "core/base/enc.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_common[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static void put_hex(struct slice bytes, char *out)
{
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];
		out[2 * i] = hex_digits[c >> 4];
		out[2 * i + 1] = hex_digits[c & 15];
	}
}

void enc_hex(struct buf *out, struct slice bytes)
{
	char *p = buf_room(out, bytes.len * 2);

	if (p != NULL) {
		put_hex(bytes, p);
		buf_grew(out, bytes.len * 2);
	}
}

void enc_hex_text(struct slice bytes, char *out)
{
	put_hex(bytes, out);
	out[bytes.len * 2] = '\0';
}

static char base64_letter(unsigned group, const char *last_two)
{
	return group < 62 ? base64_common[group] : last_two[group - 62];
}

static void encode64(struct buf *out, struct slice bytes, const char *last_two, bool pad)
{
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		unsigned n = (unsigned)(unsigned char)bytes.ptr[i] << 16;
		n |= left > 1 ? (unsigned)(unsigned char)bytes.ptr[i + 1] << 8 : 0;
		n |= left > 2 ? (unsigned)(unsigned char)bytes.ptr[i + 2] : 0;
		char four[4];
		for (unsigned g = 0; g < 4; g++) {
			four[g] = base64_letter(n >> (18 - 6 * g) & 63, last_two);
		}
		size_t letters = left > 2 ? 4 : left + 1;
		buf_append(out, four, letters);
		if (pad) {
			buf_append(out, "==", 4 - letters);
		}
	}
}

void enc_base64(struct buf *out, struct slice bytes)
{
	encode64(out, bytes, "+/", true);
}

void enc_base64url(struct buf *out, struct slice bytes)
{
	encode64(out, bytes, "-_", false);
}

static const char *html_reference(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

void enc_html(struct buf *out, struct slice text)
{
	size_t plain_from = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *reference = html_reference(text.ptr[i]);
		if (reference != NULL) {
			buf_append_slice(out, slice_sub(text, plain_from, i));
			buf_append_str(out, reference);
			plain_from = i + 1;
		}
	}
	buf_append_slice(out, slice_sub(text, plain_from, text.len));
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum err dec_hex(struct slice text, void *out, size_t out_size, size_t *ret_len)
{
	unsigned char *p = out;

	if (text.len % 2 != 0) {
		return ERR_SYNTAX;
	}
	if (text.len / 2 > out_size) {
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < text.len; i += 2) {
		int high = hex_value(text.ptr[i]), low = hex_value(text.ptr[i + 1]);
		if (high < 0 || low < 0) {
			return ERR_SYNTAX;
		}
		p[i / 2] = (unsigned char)(high << 4 | low);
	}
	*ret_len = text.len / 2;
	return ERR_OK;
}

/* Values of the letters that both alphabets share. */
/* clang-format off */
enum {
	XX = 64 /* none of them */
};
static const uint8_t base64_values[128] = {
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX, XX,
	52, 53, 54, 55, 56, 57, 58, 59, 60, 61, XX, XX, XX, XX, XX, XX,
	XX,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14,
	15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, XX, XX, XX, XX, XX,
	XX, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
	41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, XX, XX, XX, XX, XX,
};
/* clang-format on */

static unsigned shared_value(char c)
{
	unsigned char u = (unsigned char)c;

	return u < 0x80 ? base64_values[u] : XX;
}

/* Value of a letter, or XX. */
static unsigned base64_value(char c, const char *last_two)
{
	return c == last_two[0] ? 62 : c == last_two[1] ? 63 : shared_value(c);
}

/* Decodes four letters to three bytes; false if one of them is none. */
static bool decode_four(const char *in, const char *last_two, unsigned char *out)
{
	unsigned v[4], all = 0;

	for (int i = 0; i < 4; i++) {
		v[i] = shared_value(in[i]);
		all |= v[i];
	}
	for (int i = 0; all >= XX && i < 4; i++) {
		v[i] = base64_value(in[i], last_two);
		if (v[i] == XX) {
			return false;
		}
	}
	unsigned n = v[0] << 18 | v[1] << 12 | v[2] << 6 | v[3];
	out[0] = (unsigned char)(n >> 16);
	out[1] = (unsigned char)(n >> 8 & 255);
	out[2] = (unsigned char)(n & 255);
	return true;
}

/* The two or three letters at the end; bits that belong to no byte must be 0. */
static bool decode_rest(struct slice rest, const char *last_two, unsigned char *out)
{
	unsigned bits = 0, have = 0;

	for (size_t i = 0; i < rest.len; i++) {
		unsigned v = base64_value(rest.ptr[i], last_two);
		if (v == XX) {
			return false;
		}
		bits = bits << 6 | v;
		have += 6;
		if (have >= 8) {
			have -= 8;
			*out++ = (unsigned char)(bits >> have & 255);
		}
	}
	return (bits & ((1u << have) - 1)) == 0;
}

static enum err decode64(
    struct slice text, const char *last_two, void *out, size_t out_size, size_t *ret_len)
{
	unsigned char *p = out;
	size_t whole = text.len - text.len % 4;
	size_t len = text.len / 4 * 3 + (text.len % 4 == 0 ? 0 : text.len % 4 - 1);

	if (text.len % 4 == 1) {
		return ERR_SYNTAX;
	}
	if (len > out_size) {
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < whole; i += 4, p += 3) {
		if (!decode_four(text.ptr + i, last_two, p)) {
			return ERR_SYNTAX;
		}
	}
	if (!decode_rest(slice_sub(text, whole, text.len), last_two, p)) {
		return ERR_SYNTAX;
	}
	*ret_len = len;
	return ERR_OK;
}

enum err dec_base64(struct slice text, void *out, size_t out_size, size_t *ret_len)
{
	size_t pad = 0;

	if (text.len % 4 != 0) {
		return ERR_SYNTAX;
	}
	while (pad < 2 && pad < text.len && text.ptr[text.len - 1 - pad] == '=') {
		pad++;
	}
	return decode64(slice_sub(text, 0, text.len - pad), "+/", out, out_size, ret_len);
}

enum err dec_base64url(struct slice text, void *out, size_t out_size, size_t *ret_len)
{
	return decode64(text, "-_", out, out_size, ret_len);
}
