/*
 * Syntax of e-mail addresses, host names, origins and the like.
 */
#include "services/identity/param_type.h"

#include "accounts/account.h"
#include "accounts/staged.h"

enum {
	LABEL_MAX = 63,
	HOST_MAX = 254
};

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

static bool is_local_char(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("_!#$%&'*+-/=?^`{|}~", c) != NULL);
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

static bool is_label(struct slice label)
{
	if (label.len == 0 || label.len > LABEL_MAX || label.ptr[0] == '-' ||
	    label.ptr[label.len - 1] == '-') {
		return false;
	}
	for (size_t i = 0; i < label.len; i++) {
		if (!is_alnum(label.ptr[i]) && label.ptr[i] != '-') {
			return false;
		}
	}
	return true;
}

static bool is_ipv4(struct slice s)
{
	struct slice rest = s, part;
	uint64_t n = 0;
	unsigned parts = 0;

	while (slice_split(&rest, '.', &part)) {
		if (part.len > 3 || slice_to_u64(part, 255, &n) != ERR_OK) {
			return false;
		}
		parts++;
	}
	return parts == 4;
}

/* Labels with dots between; at least min of them. */
static bool is_domain(struct slice s, unsigned min)
{
	struct slice rest = s, label;
	unsigned n = 0;

	while (slice_split(&rest, '.', &label)) {
		if (!is_label(label)) {
			return false;
		}
		n++;
	}
	return n >= min && s.len <= HOST_MAX;
}

bool is_hostname(struct slice s)
{
	return is_domain(s, 1) || is_ipv4(s);
}

enum err host_key(struct arena *arena, struct slice host, struct slice *ret)
{
	return email_key(arena, host, ret); /* what is compared of an address is its domain, too */
}

static bool is_local_part(struct slice s)
{
	struct slice rest = s, run;

	if (s.len == 0) {
		return false;
	}
	while (slice_split(&rest, '.', &run)) {
		if (run.len == 0 || !all(run, is_local_char)) {
			return false;
		}
	}
	return true;
}

bool is_email(struct slice s)
{
	size_t at = slice_find(s, '@', 0);

	if (s.len > EMAIL_MAX_BYTES || at >= s.len || !is_local_part(slice_sub(s, 0, at))) {
		return false;
	}
	struct slice domain = slice_sub(s, at + 1, s.len);
	if (slice_starts(domain, SLICE("[")) && slice_ends(domain, SLICE("]"))) {
		return is_ipv4(slice_sub(domain, 1, domain.len - 1));
	}
	return is_domain(domain, 2);
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
	return is_domain(slice_sub(rest, 0, colon), 1);
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
