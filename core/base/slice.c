/*
 * Slices: searching, comparing, cutting, number parsing. Locale-free on purpose: protocol text is
 * ASCII whatever the machine speaks.
 */
#include "core/base/slice.h"

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len) {
		return false;
	}
	for (size_t i = 0; i < a.len; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i])) {
			return false;
		}
	}
	return true;
}

bool slice_eq_secret(struct slice a, struct slice b)
{
	unsigned char diff = 0;

	if (a.len != b.len) {
		return false;
	}
	for (size_t i = 0; i < a.len; i++) {
		diff |= (unsigned char)(a.ptr[i] ^ b.ptr[i]);
	}
	return diff == 0;
}

size_t slice_find(struct slice s, char c, size_t from)
{
	if (from >= s.len) {
		return s.len;
	}
	const char *hit = memchr(s.ptr + from, c, s.len - from);
	return hit == NULL ? s.len : (size_t)(hit - s.ptr);
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t')) {
		s.len--;
	}
	return s;
}

bool slice_split(struct slice *rest, char separator, struct slice *ret_piece)
{
	if (rest->ptr == NULL) {
		return false;
	}
	size_t at = slice_find(*rest, separator, 0);
	*ret_piece = slice_sub(*rest, 0, at);
	if (at == rest->len) {
		*rest = (struct slice){ NULL, 0 };
	} else {
		*rest = slice_sub(*rest, at + 1, rest->len);
	}
	return true;
}

enum err slice_to_u64(struct slice s, uint64_t max, uint64_t *ret)
{
	uint64_t n = 0;

	if (s.len == 0) {
		return ERR_SYNTAX;
	}
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9') {
			return ERR_SYNTAX;
		}
		uint64_t digit = (uint64_t)(s.ptr[i] - '0');
		if (n > (max - (digit > max ? max : digit)) / 10 || n * 10 + digit > max) {
			return ERR_LIMIT;
		}
		n = n * 10 + digit;
	}
	*ret = n;
	return ERR_OK;
}

enum err slice_to_cstr(struct slice s, char *out, size_t out_size)
{
	if (s.len >= out_size || slice_find(s, '\0', 0) != s.len) {
		return ERR_LIMIT;
	}
	if (s.len > 0) {
		memcpy(out, s.ptr, s.len);
	}
	out[s.len] = '\0';
	return ERR_OK;
}
