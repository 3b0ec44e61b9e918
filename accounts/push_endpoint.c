/*
 * See push_endpoint.h.
 */
#include "accounts/push_endpoint.h"

static const struct slice secure = { "https://", 8 };
static const struct slice plain = { "http://", 7 };

static bool is_visible(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || s.ptr[i] == '\\') {
			return false;
		}
	}
	return s.len > 0 && s.len <= PUSH_ENDPOINT_MAX;
}

static bool is_label_char(char c)
{
	return c == '.' || c == '-' || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Lower case, as browsers write it: a name, or an IPv4 address; no IPv6. */
static bool is_host(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_label_char(s.ptr[i])) {
			return false;
		}
	}
	return s.len > 0 && s.len <= PUSH_HOST_MAX && s.ptr[0] != '.' && s.ptr[s.len - 1] != '.';
}

static bool is_digits(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9') {
			return false;
		}
	}
	return s.len > 0 && s.len <= 5;
}

static bool matches(struct slice pattern, struct slice host)
{
	if (!slice_starts(pattern, SLICE("*."))) {
		return slice_eq_nocase(pattern, host);
	}
	struct slice below = slice_sub(pattern, 1, pattern.len); /* ".example.org" */
	return host.len > below.len &&
	       slice_eq_nocase(slice_sub(host, host.len - below.len, host.len), below);
}

static bool is_of(const char *hosts, struct slice host)
{
	struct slice rest = slice_str(hosts), piece;

	if (slice_trim(rest).len == 0) {
		return true;
	}
	while (slice_split(&rest, ',', &piece)) {
		piece = slice_trim(piece);
		if (piece.len > 0 && matches(piece, host)) {
			return true;
		}
	}
	return false;
}

static bool is_this_machine(struct slice host)
{
	return slice_eq(host, SLICE("localhost")) || slice_starts(host, SLICE("127."));
}

/* Where the authority ends, from a place behind the scheme. */
static size_t authority_end(struct slice text, size_t from)
{
	size_t at = from;

	while (at < text.len && text.ptr[at] != '/' && text.ptr[at] != '?' && text.ptr[at] != '#') {
		at++;
	}
	return at;
}

bool push_endpoint_take(
    const struct push_policy *policy, struct slice text, struct push_endpoint *ret)
{
	bool is_plain = slice_starts(text, plain);
	size_t from = is_plain ? plain.len : secure.len;

	if (!is_visible(text) || (!is_plain && !slice_starts(text, secure))) {
		return false;
	}
	size_t end = authority_end(text, from);
	struct slice authority = slice_sub(text, from, end);
	size_t colon = slice_find(authority, ':', 0);
	struct slice host = slice_sub(authority, 0, colon);
	if (!is_host(host) || end == text.len || text.ptr[end] != '/') {
		return false;
	}
	if (colon < authority.len) {
		struct slice port = slice_sub(authority, colon + 1, authority.len);
		if (!is_digits(port) || (!policy->allow_private && !slice_eq(port, SLICE("443")))) {
			return false;
		}
	}
	if (is_plain && !(policy->allow_private && is_this_machine(host))) {
		return false;
	}
	if (!is_of(policy->hosts, host)) {
		return false;
	}
	*ret = (struct push_endpoint){
		.origin = slice_sub(text, 0, end), .host = host, .is_plain = is_plain
	};
	return true;
}
