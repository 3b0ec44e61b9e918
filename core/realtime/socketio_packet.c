/*
 * Heads are read by hand; JSON is read by core/base and then checked.
 */
#include "core/realtime/socketio_packet.h"

#include <string.h>

#include "core/realtime/engineio_packet.h"

enum {
	COUNT_DIGITS = 4
};

static const uint64_t id_max = (UINT64_C(1) << 53) - 1;

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static struct slice take_digits(struct slice *rest)
{
	size_t n = 0;

	while (n < rest->len && is_digit(rest->ptr[n])) {
		n++;
	}
	struct slice digits = slice_sub(*rest, 0, n);
	*rest = slice_sub(*rest, n, rest->len);
	return digits;
}

static bool is_binary(enum socketio_kind kind)
{
	return kind == SOCKETIO_BINARY_EVENT || kind == SOCKETIO_BINARY_ACK;
}

static enum err take_count(struct slice *rest, unsigned *ret)
{
	struct slice digits = take_digits(rest);
	uint64_t n = 0;

	if (digits.len > COUNT_DIGITS || slice_to_u64(digits, UINT32_MAX, &n) != ERR_OK || n == 0 ||
	    rest->len == 0 || rest->ptr[0] != '-') {
		return ERR_SYNTAX;
	}
	*rest = slice_sub(*rest, 1, rest->len);
	*ret = (unsigned)n;
	return ERR_OK;
}

static enum err take_id(struct slice *rest, struct socketio_packet *p)
{
	struct slice digits = take_digits(rest);

	p->has_id = digits.len > 0;
	if (!p->has_id) {
		return ERR_OK;
	}
	return digits.len <= SOCKETIO_ID_DIGITS && slice_to_u64(digits, id_max, &p->id) == ERR_OK
		   ? ERR_OK
		   : ERR_SYNTAX;
}

enum err socketio_parse(struct slice text, struct socketio_packet *ret)
{
	struct socketio_packet p = { .nsp = SLICE("/") };
	struct slice rest = slice_sub(text, 1, text.len);

	if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] > '6') {
		return ERR_SYNTAX;
	}
	p.kind = (enum socketio_kind)(text.ptr[0] - '0');
	enum err e = is_binary(p.kind) ? take_count(&rest, &p.attachments) : ERR_OK;
	if (e != ERR_OK) {
		return e;
	}
	if (rest.len > 0 && rest.ptr[0] == '/') {
		size_t comma = slice_find(rest, ',', 0);
		p.nsp = slice_sub(rest, 0, comma);
		rest = slice_sub(rest, comma + 1, rest.len);
		if (p.nsp.len > SOCKETIO_NAMESPACE_MAX) {
			return ERR_SYNTAX;
		}
	}
	e = take_id(&rest, &p);
	if (e != ERR_OK) {
		return e;
	}
	p.json = rest;
	*ret = p;
	return ERR_OK;
}

/* ---- JSON ---- */

static bool is_reserved(struct slice name)
{
	static const char *const names[] = { "connect", "connect_error", "disconnect",
		"disconnecting", "newListener", "removeListener" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (slice_eq(name, slice_str(names[i]))) {
			return true;
		}
	}
	return false;
}

static bool is_event(const struct json *v)
{
	const struct json *first = json_element(v, 0);
	struct slice name = SLICE_EMPTY;

	if (first == NULL) {
		return false;
	}
	if (json_get_string(first, &name)) {
		return !is_reserved(name);
	}
	return json_kind(first) == JSON_KIND_INT || json_kind(first) == JSON_KIND_REAL;
}

/* Every placeholder names one of n attachments. Depth is bounded by the reader. */
static bool places_are_good(const struct json *v, unsigned n)
{
	bool is_place = false;
	int64_t number = -1;

	if (json_kind(v) == JSON_KIND_ARRAY) {
		for (size_t i = 0; i < json_count(v); i++) {
			if (!places_are_good(json_element(v, i), n)) {
				return false;
			}
		}
		return true;
	}
	if (json_kind(v) != JSON_KIND_OBJECT) {
		return true;
	}
	if (json_get_bool(json_member(v, "_placeholder"), &is_place) && is_place) {
		return json_get_i64(json_member(v, "num"), &number) && number >= 0 && number < n;
	}
	void *cursor = NULL;
	struct slice key;
	const struct json *value;
	while (json_next(v, &cursor, &key, &value)) {
		if (!places_are_good(value, n)) {
			return false;
		}
	}
	return true;
}

/* An event without payload is one that nobody gets, an acknowledgement without one has no values.
 */
static bool fits_kind(const struct socketio_packet *p)
{
	const struct json *v = p->args;
	enum json_kind kind = v == NULL ? JSON_KIND_NULL : json_kind(v);

	switch (p->kind) {
	case SOCKETIO_CONNECT:
		return v == NULL || kind == JSON_KIND_OBJECT;
	case SOCKETIO_DISCONNECT:
		return v == NULL;
	case SOCKETIO_EVENT:
	case SOCKETIO_BINARY_EVENT:
		return v == NULL ? p->kind == SOCKETIO_EVENT
				 : kind == JSON_KIND_ARRAY && is_event(v);
	case SOCKETIO_ACK:
	case SOCKETIO_BINARY_ACK:
		return p->has_id && (v == NULL ? p->kind == SOCKETIO_ACK : kind == JSON_KIND_ARRAY);
	case SOCKETIO_CONNECT_ERROR:
		return kind == JSON_KIND_OBJECT || kind == JSON_KIND_STRING;
	default:
		return false;
	}
}

enum err socketio_check(struct arena *arena, struct socketio_packet *p)
{
	struct err_note note = { 0 };
	enum err e = ERR_OK;

	p->args = NULL;
	if (p->json.len > 0) {
		e = json_parse(arena, p->json, &p->args, &note);
	}
	if (e != ERR_OK) {
		return e;
	}
	if (!fits_kind(p)) {
		return ERR_SYNTAX;
	}
	return !is_binary(p->kind) || places_are_good(p->args, p->attachments) ? ERR_OK
									       : ERR_SYNTAX;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct slice socketio_rest(struct slice json)
{
	size_t at = slice_find(json, '[', 0) + 1, end = json.len;
	bool quoted = false;

	/* The first element is a string or a number. */
	for (; at < end && (quoted || (json.ptr[at] != ',' && json.ptr[at] != ']')); at++) {
		if (json.ptr[at] == '\\') {
			at++;
		} else if (json.ptr[at] == '"') {
			quoted = !quoted;
		}
	}
	if (at >= end || json.ptr[at] == ']') {
		return SLICE_EMPTY;
	}
	while (end > at && is_space(json.ptr[end - 1])) {
		end--;
	}
	return slice_sub(json, at + 1, end - 1);
}

void socketio_put_head(struct buf *out, const struct socketio_packet *p)
{
	buf_append_char(out, ENGINEIO_MESSAGE);
	buf_append_char(out, (char)('0' + (int)p->kind));
	if (is_binary(p->kind)) {
		buf_append_u64(out, p->attachments);
		buf_append_char(out, '-');
	}
	if (!slice_eq(p->nsp, SLICE("/"))) {
		buf_append_slice(out, p->nsp);
		buf_append_char(out, ',');
	}
	if (p->has_id) {
		buf_append_u64(out, p->id);
	}
}
