/*
 * Hex and base64 codecs over one table-free core: 6-bit groups in, bytes out.
 */
#include "core/base/enc.h"

static const char hex_digits[] = "0123456789abcdef";
static const char base64_common[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

void enc_hex(struct buf *out, struct slice bytes)
{
	char *p = buf_room(out, bytes.len * 2);

	if (p == NULL) {
		return;
	}
	for (size_t i = 0; i < bytes.len; i++) {
		unsigned char c = (unsigned char)bytes.ptr[i];
		p[2 * i] = hex_digits[c >> 4];
		p[2 * i + 1] = hex_digits[c & 15];
	}
	buf_grew(out, bytes.len * 2);
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

static int base64_value(char c, const char *last_two)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	return c == last_two[0] ? 62 : c == last_two[1] ? 63 : -1;
}

static enum err decode64(
    struct slice text, const char *last_two, void *out, size_t out_size, size_t *ret_len)
{
	unsigned char *p = out;
	size_t len = text.len / 4 * 3 + (text.len % 4 == 0 ? 0 : text.len % 4 - 1);
	unsigned bits = 0, have = 0;
	size_t at = 0;

	if (text.len % 4 == 1) {
		return ERR_SYNTAX;
	}
	if (len > out_size) {
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < text.len; i++) {
		int v = base64_value(text.ptr[i], last_two);
		if (v < 0) {
			return ERR_SYNTAX;
		}
		bits = (bits << 6 | (unsigned)v) & 0xffffff;
		have += 6;
		if (have >= 8) {
			have -= 8;
			p[at++] = (unsigned char)(bits >> have & 255);
		}
	}
	if ((bits & ((1u << have) - 1)) != 0) {
		return ERR_SYNTAX;
	}
	*ret_len = at;
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
