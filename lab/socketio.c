/*
 * The JSON of packets is left to whoever wants it.
 */
#include "lab/socketio.h"

#include <string.h>

#include "core/base/json.h"
#include "core/http/chars.h"

enum err socketio_parse_plain(struct slice text, struct socketio_packet *ret)
{
	struct socketio_packet p;
	enum err e = socketio_parse(text, &p);

	if (e != ERR_OK || p.attachments > 0 || !slice_eq(p.nsp, SLICE("/"))) {
		return ERR_SYNTAX;
	}
	bool is_array = p.json.len > 0 && p.json.ptr[0] == '[';
	if ((p.kind == SOCKETIO_EVENT || p.kind == SOCKETIO_ACK) &&
	    (!is_array || (p.kind == SOCKETIO_ACK && !p.has_id))) {
		return ERR_SYNTAX;
	}
	*ret = p;
	return ERR_OK;
}

static int64_t number(const struct json *v, const char *name, int64_t other)
{
	int64_t n = other;

	(void)json_get_i64(json_member(v, name), &n);
	return n;
}

enum err engineio_parse_open(struct arena *arena, struct slice json, struct engineio_open *ret)
{
	struct engineio_open o = { 0 };
	struct err_note note = { 0 };
	const struct json *v = NULL;
	struct slice sid = SLICE_EMPTY, name = SLICE_EMPTY;

	enum err e = json_parse(arena, json, &v, &note);
	if (e != ERR_OK || !json_get_string(json_member(v, "sid"), &sid) || sid.len == 0) {
		return ERR_SYNTAX;
	}
	for (size_t i = 0; i < sid.len; i++) {
		if (!http_char_is(sid.ptr[i], HTTP_CHAR_UNRESERVED)) {
			return ERR_SYNTAX; /* it becomes a part of addresses */
		}
	}
	e = slice_to_cstr(sid, o.sid, sizeof(o.sid));
	if (e != ERR_OK) {
		return e;
	}
	o.ping_interval_ms = number(v, "pingInterval", 25000);
	o.ping_timeout_ms = number(v, "pingTimeout", 20000);
	o.max_payload = number(v, "maxPayload", 1000000);
	const struct json *upgrades = json_member(v, "upgrades");
	for (size_t i = 0; i < json_count(upgrades); i++) {
		o.upgrades |= json_get_string(json_element(upgrades, i), &name) &&
			      slice_eq(name, SLICE("websocket"));
	}
	if (o.ping_interval_ms <= 0 || o.ping_timeout_ms <= 0) {
		return ERR_SYNTAX;
	}
	*ret = o;
	return ERR_OK;
}

bool socketio_event_name(struct slice json, struct slice *ret)
{
	if (json.len < 3 || json.ptr[0] != '[' || json.ptr[1] != '"') {
		return false;
	}
	size_t end = slice_find(json, '"', 2);
	struct slice name = slice_sub(json, 2, end);
	if (end == json.len || memchr(name.ptr, '\\', name.len) != NULL) {
		return false;
	}
	*ret = name;
	return true;
}
