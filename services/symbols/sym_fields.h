/*
 * Fields of one line of a .sym: words and numbers, one after the other.
 */
#ifndef PLIMSOLL_SYMBOLS_SYM_FIELDS_H
#define PLIMSOLL_SYMBOLS_SYM_FIELDS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/slice.h"

/* Blanks at the front of *rest go. */
static inline void sym_skip_blanks(struct slice *rest)
{
	while (rest->len > 0 && rest->ptr[0] == ' ') {
		rest->ptr++;
		rest->len--;
	}
}

/* The next word, empty at the end; what follows is left without its leading blanks. */
static inline struct slice sym_take_word(struct slice *rest)
{
	sym_skip_blanks(rest);
	size_t n = slice_find(*rest, ' ', 0);
	struct slice word = slice_sub(*rest, 0, n);

	*rest = slice_sub(*rest, n, rest->len);
	sym_skip_blanks(rest);
	return word;
}

/* The value of a hexadecimal digit of either case, or -1. */
static inline int sym_hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A number and the blanks behind it; false: no digits, more than 64 bits, or glued to a word. */
static inline bool sym_take_hex(struct slice *rest, uint64_t *ret)
{
	const char *p = rest->ptr, *end = p + rest->len;
	uint64_t n = 0;
	int digit;

	if (p == end || sym_hex_digit(*p) < 0) {
		return false;
	}
	for (; p < end && (digit = sym_hex_digit(*p)) >= 0; p++) {
		if (n >> 60 != 0) {
			return false;
		}
		n = n << 4 | (uint64_t)digit;
	}
	if (p < end && *p != ' ') {
		return false;
	}
	*rest = (struct slice){ p, (size_t)(end - p) };
	sym_skip_blanks(rest);
	*ret = n;
	return true;
}

static inline bool sym_take_decimal(struct slice *rest, uint64_t *ret)
{
	const char *p = rest->ptr, *end = p + rest->len;
	uint64_t n = 0;

	if (p == end || *p < '0' || *p > '9') {
		return false;
	}
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n)) {
			return false;
		}
	}
	if (p < end && *p != ' ') {
		return false;
	}
	*rest = (struct slice){ p, (size_t)(end - p) };
	sym_skip_blanks(rest);
	*ret = n;
	return true;
}

#endif
