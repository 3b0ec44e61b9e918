/*
 * Syntax of origins, tokens and the like.
 */
#include "services/identity/param_type.h"

#include "accounts/account.h"
#include "accounts/staged.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool all(struct slice s, bool (*fits)(char c))
{
	for (size_t i = 0; i < s.len; i++) {
		if (!fits(s.ptr[i])) {
			return false;
		}
	}
	return true;
}

enum err host_key(struct arena *arena, struct slice host, struct slice *ret)
{
	return email_key(arena, host, ret); /* what is compared of an address is its domain, too */
}

bool is_origin(struct slice s)
{
	static const char *const schemes[] = { "https://", "http://", "app://" };
	struct slice rest = SLICE_EMPTY;
	uint64_t port = 0;

	for (size_t i = 0; i < 3 && rest.len == 0; i++) {
		if (slice_starts(s, slice_str(schemes[i]))) {
			rest = slice_sub(s, strlen(schemes[i]), s.len);
		}
	}
	size_t colon = slice_find(rest, ':', 0);
	if (colon < rest.len &&
	    (slice_to_u64(slice_sub(rest, colon + 1, rest.len), 65535, &port) != ERR_OK ||
		port == 0)) {
		return false;
	}
	return hostname_is_valid(slice_sub(rest, 0, colon));
}

bool is_token(struct slice s)
{
	return s.len == TOKEN_LEN && all(s, is_alnum);
}

bool is_color(struct slice s)
{
	struct slice digits = slice_starts(s, SLICE("#")) ? slice_sub(s, 1, s.len) : s;

	return (digits.len == 3 || digits.len == 6) && all(digits, is_hex);
}

static bool is_printable(char c)
{
	return c > ' ' && c < 127;
}

bool is_https_url(struct slice s)
{
	return slice_starts(s, SLICE("https:")) && s.len > 6 && all(s, is_printable);
}

/* Bytes of the UTF-8 sequence that begins with c; 0: none does. */
static size_t sequence_length(unsigned char c)
{
	return c < 0x80			? 1
	       : c >= 0xc2 && c <= 0xdf ? 2
	       : (c & 0xf0) == 0xe0	? 3
	       : c >= 0xf0 && c <= 0xf4 ? 4
					: 0;
}

size_t utf16_length(struct slice s)
{
	size_t units = 0;

	for (size_t i = 0; i < s.len;) {
		size_t len = sequence_length((unsigned char)s.ptr[i]);
		if (len == 0 || i + len > s.len) {
			return SIZE_MAX;
		}
		for (size_t k = 1; k < len; k++) {
			if (((unsigned char)s.ptr[i + k] & 0xc0) != 0x80) {
				return SIZE_MAX;
			}
		}
		units += len == 4 ? 2 : 1;
		i += len;
	}
	return units;
}
