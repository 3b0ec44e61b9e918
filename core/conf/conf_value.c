/*
 * Values: from the text people write to the number the program uses, and the sentence that says
 * what would have been allowed.
 */
#include "core/conf/conf_priv.h"

#include <inttypes.h>
#include <string.h>

#include "core/base/check.h"

struct unit {
	struct slice suffix;
	int64_t factor;
};

static const struct unit size_units[] = {
	{ { "k", 1 }, INT64_C(1) << 10 },
	{ { "K", 1 }, INT64_C(1) << 10 },
	{ { "M", 1 }, INT64_C(1) << 20 },
	{ { "G", 1 }, INT64_C(1) << 30 },
	{ { NULL, 0 }, 0 },
};

/* Longer suffixes first, so that "ms" is not read as "s". */
static const struct unit duration_units[] = {
	{ { "ms", 2 }, 1 },
	{ { "s", 1 }, 1000 },
	{ { "m", 1 }, 60000 },
	{ { "h", 1 }, 3600000 },
	{ { "d", 1 }, 86400000 },
	{ { NULL, 0 }, 0 },
};

const char *conf_type_name(enum conf_type type)
{
	static const char *const names[] = { "yes or no", "number", "size", "duration", "text",
		"choice", "address", "path", "URL" };

	CHECK((unsigned)type < sizeof(names) / sizeof(names[0]));
	return names[type];
}

/* Factor that a bare number of this key is multiplied with. */
static int64_t bare_factor(const struct conf_key *key)
{
	if (key->type != CONF_DURATION || key->unit == NULL) {
		return 1;
	}
	for (const struct unit *u = duration_units; u->suffix.ptr != NULL; u++) {
		if (slice_eq(u->suffix, slice_str(key->unit))) {
			return u->factor;
		}
	}
	return 1;
}

static enum err parse_number(const struct conf_key *key, struct slice text, int64_t *ret)
{
	const struct unit *units = key->type == CONF_SIZE ? size_units : duration_units;
	int64_t factor = bare_factor(key);
	bool negative = key->type == CONF_INT && slice_starts(text, SLICE("-"));
	uint64_t n = 0;

	text = negative ? slice_sub(text, 1, text.len) : text;
	for (const struct unit *u = units; key->type != CONF_INT && u->suffix.ptr != NULL; u++) {
		if (slice_ends(text, u->suffix)) {
			factor = u->factor;
			text = slice_trim(slice_sub(text, 0, text.len - u->suffix.len));
			break;
		}
	}
	if (key->type == CONF_INT && key->unit != NULL && strcmp(key->unit, "percent") == 0 &&
	    slice_ends(text, SLICE("%"))) {
		text = slice_trim(slice_sub(text, 0, text.len - 1));
	}
	enum err e = slice_to_u64(text, (uint64_t)(INT64_MAX / factor), &n);
	if (e != ERR_OK) {
		return ERR_INVALID;
	}
	int64_t value = (int64_t)n * factor;
	value = negative ? -value : value;
	if (value < key->min || value > key->max) {
		return ERR_INVALID;
	}
	*ret = value;
	return ERR_OK;
}

static enum err parse_bool(struct slice text, int64_t *ret)
{
	static const struct {
		struct slice word;
		int64_t value;
	} words[] = { { { "yes", 3 }, 1 }, { { "true", 4 }, 1 }, { { "on", 2 }, 1 },
		{ { "no", 2 }, 0 }, { { "false", 5 }, 0 }, { { "off", 3 }, 0 } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (slice_eq_nocase(text, words[i].word)) {
			*ret = words[i].value;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

static enum err parse_choice(const struct conf_key *key, struct slice text, int64_t *ret)
{
	int64_t i = 0;

	for (struct slice choice, rest = slice_str(key->choices); slice_split(&rest, '|', &choice);
	     i++) {
		if (slice_eq(text, choice)) {
			*ret = i;
			return ERR_OK;
		}
	}
	return ERR_INVALID;
}

static bool is_port(struct slice text)
{
	uint64_t port = 0;

	return slice_to_u64(text, 65535, &port) == ERR_OK;
}

static bool is_host(struct slice host)
{
	if (host.len == 0 || host.len > 253) {
		return false;
	}
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '-') {
			return false;
		}
	}
	return true;
}

static bool is_ipv6_literal(struct slice host)
{
	bool colon = false;

	if (host.len < 4 || host.len > 48 || host.ptr[0] != '[' || host.ptr[host.len - 1] != ']') {
		return false;
	}
	for (size_t i = 1; i + 1 < host.len; i++) {
		char c = host.ptr[i], low = (char)(c | 0x20);
		bool hex = (c >= '0' && c <= '9') || (low >= 'a' && low <= 'f');
		if (!hex && c != ':' && c != '.') {
			return false;
		}
		colon = colon || c == ':';
	}
	return colon;
}

/* host[:port] with the port optional or not; a bare port where allowed. */
static bool is_host_port(struct slice text, bool port_needed)
{
	size_t colon = text.len;

	for (size_t i = text.len; i > 0 && text.ptr[i - 1] != ']'; i--) {
		if (text.ptr[i - 1] == ':') {
			colon = i - 1;
			break;
		}
	}
	struct slice host = slice_sub(text, 0, colon);
	if (!is_host(host) && !is_ipv6_literal(host)) {
		return false;
	}
	return colon == text.len ? !port_needed : is_port(slice_sub(text, colon + 1, text.len));
}

static bool is_url(struct slice text)
{
	if (slice_starts(text, SLICE("https://"))) {
		return is_host_port(slice_sub(text, 8, text.len), false);
	}
	return slice_starts(text, SLICE("http://")) &&
	       is_host_port(slice_sub(text, 7, text.len), false);
}

static enum err parse_text(const struct conf_key *key, struct slice text)
{
	size_t longest = key->max > 0 ? (size_t)key->max : CONF_VALUE_BYTES;

	if (text.len > longest || slice_find(text, '\0', 0) != text.len) {
		return ERR_INVALID;
	}
	if (key->type == CONF_ADDRESS && (text.len > 0 || key->def != NULL)) {
		return is_port(text) || is_host_port(text, true) ? ERR_OK : ERR_INVALID;
	}
	if (key->type == CONF_URL && text.len > 0) {
		return is_url(text) ? ERR_OK : ERR_INVALID;
	}
	/* Without a default it may be empty: none. */
	return key->type == CONF_PATH && text.len == 0 && key->def != NULL ? ERR_INVALID : ERR_OK;
}

static enum err parse_any(const struct conf_key *key, struct slice text, int64_t *ret)
{
	switch (key->type) {
	case CONF_BOOL:
		return parse_bool(text, ret);
	case CONF_INT:
	case CONF_SIZE:
	case CONF_DURATION:
		return parse_number(key, text, ret);
	case CONF_ENUM:
		return parse_choice(key, text, ret);
	case CONF_STRING:
	case CONF_ADDRESS:
	case CONF_PATH:
	case CONF_URL:
		*ret = 0;
		return parse_text(key, text);
	}
	return ERR_INVALID;
}

/* A number of a sized type as people write it: 65536 -> 64k. */
static void print_number(enum conf_type type, int64_t n, struct buf *out)
{
	const struct unit *best = NULL;
	const struct unit *units = type == CONF_SIZE ? size_units : duration_units;

	for (const struct unit *u = units; type != CONF_INT && u->suffix.ptr != NULL; u++) {
		if (n != 0 && n % u->factor == 0 && (best == NULL || u->factor > best->factor)) {
			best = u;
		}
	}
	buf_append_i64(out, best == NULL ? n : n / best->factor);
	if (best != NULL) {
		buf_append_slice(out, best->suffix);
	} else if (type == CONF_DURATION) {
		buf_append_str(out, "ms");
	}
}

void conf_value_allowed(const struct conf_key *key, struct buf *out)
{
	switch (key->type) {
	case CONF_BOOL:
		buf_append_str(out, "yes or no");
		return;
	case CONF_INT:
	case CONF_SIZE:
	case CONF_DURATION:
		buf_append_str(out, key->type == CONF_INT ? "a whole number from "
				    : key->type == CONF_SIZE
					? "a size (like 64k, 10M) from "
					: "a duration (like 500ms, 10s, 5m) from ");
		print_number(key->type, key->min, out);
		buf_append_str(out, " to ");
		print_number(key->type, key->max, out);
		return;
	case CONF_ENUM:
		buf_append_str(out, "one of ");
		buf_append_str(out, key->choices);
		return;
	case CONF_ADDRESS:
		buf_append_str(out, "an address like 127.0.0.1:8000, [::1]:8000 or 8000");
		return;
	case CONF_URL:
		buf_append_str(out, "a URL like https://id.example.org, without a path");
		return;
	case CONF_PATH:
		buf_append_str(out, "the path of a file or folder");
		return;
	case CONF_STRING:
		buf_printf(out, "text of at most %" PRId64 " characters",
		    key->max > 0 ? key->max : (int64_t)CONF_VALUE_BYTES);
		return;
	}
}

enum err conf_value_parse(
    const struct conf_key *key, struct slice text, int64_t *ret_number, struct buf *why)
{
	enum err e = parse_any(key, text, ret_number);

	if (e != ERR_OK) {
		if (key->secret) {
			buf_append_str(why, "this value is wrong");
		} else {
			buf_printf(why, "\"%.*s\" is wrong", SLICE_ARG(slice_sub(text, 0, 80)));
		}
		buf_append_str(why, "; allowed is ");
		conf_value_allowed(key, why);
	}
	return e;
}
