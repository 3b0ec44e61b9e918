/*
 * See email_syntax.h.
 */
#include "accounts/email_syntax.h"

#include <string.h>

#include "accounts/account.h"

enum {
	LABEL_MAX = 63,
	HOST_MAX = 254
};

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_local_char(char c)
{
	return is_alnum(c) || (c != '\0' && strchr("_!#$%&'*+-/=?^`{|}~", c) != NULL);
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

bool hostname_is_valid(struct slice s)
{
	return is_domain(s, 1) || is_ipv4(s);
}

/* What may stand between the dots of a local part. */
static bool is_run(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_local_char(s.ptr[i])) {
			return false;
		}
	}
	return s.len > 0;
}

static bool is_local_part(struct slice s)
{
	struct slice rest = s, run;

	if (s.len == 0) {
		return false;
	}
	while (slice_split(&rest, '.', &run)) {
		if (!is_run(run)) {
			return false;
		}
	}
	return true;
}

bool email_is_valid(struct slice s)
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
