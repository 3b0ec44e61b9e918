/*
 * Values from the environment, under the names that people's containers and units of other servers
 * have set already. Only rows that name a variable look for it: nothing else in the environment can
 * change a configuration by chance.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/host_port.h"
#include "core/conf/conf_priv.h"

enum {
	NAME_BYTES = 128,
	ORIGIN_BYTES = 300
};

/* What a variable says, or empty. */
static struct slice read_variable(struct slice name)
{
	char text[NAME_BYTES];

	if (slice_to_cstr(name, text, sizeof(text)) != ERR_OK) {
		return SLICE_EMPTY;
	}
	return slice_trim(slice_str(getenv(text)));
}

static bool is_number(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9') {
			return false;
		}
	}
	return s.len > 0;
}

/* "HOST+PORT": what one of the two does not say stays as it is. False: neither is there. */
static bool join_address(const struct conf_entry *e, struct slice spec, struct buf *out)
{
	size_t plus = slice_find(spec, '+', 0);
	struct slice host = read_variable(slice_sub(spec, 0, plus));
	struct slice port = read_variable(slice_sub(spec, plus + 1, spec.len));
	char now_host[HOST_BYTES] = "", now_port[PORT_BYTES] = "";

	if (host_port_split(slice_str(e->text), now_host, now_port) != ERR_OK) {
		return false;
	}
	struct slice h = host.len > 0 ? host : slice_str(now_host);
	bool is_v6 = slice_find(h, ':', 0) < h.len && !slice_starts(h, SLICE("["));
	buf_printf(out, is_v6 ? "[%.*s]:%.*s" : "%.*s:%.*s", SLICE_ARG(h),
	    SLICE_ARG(port.len > 0 ? port : slice_str(now_port)));
	return host.len > 0 || port.len > 0;
}

/* The value that a piece of conf_key.env stands for. False: the variable is not there. */
static bool read_piece(const struct conf_entry *e, struct slice piece, struct buf *out)
{
	size_t colon = slice_find(piece, ':', 0);
	struct slice unit = slice_sub(piece, colon + 1, piece.len);

	if (slice_find(piece, '+', 0) < piece.len) {
		return join_address(e, piece, out);
	}
	struct slice value = read_variable(slice_sub(piece, 0, colon));
	buf_append_slice(out, value);
	if (is_number(value)) {
		buf_append_slice(out, unit);
	}
	return value.len > 0;
}

static enum err load_entry(struct conf *c, struct conf_entry *e, struct buf *problems)
{
	struct slice rest = slice_str(e->key->env), piece;
	enum err result = ERR_OK;

	while (slice_split(&rest, '|', &piece)) {
		struct buf value = buf_new(2 * CONF_VALUE_BYTES);
		bool is_there = read_piece(e, piece, &value);
		if (is_there) {
			char origin[ORIGIN_BYTES];
			(void)snprintf(origin, sizeof(origin), "environment %.*s",
			    SLICE_ARG(slice_sub(piece, 0, slice_find(piece, ':', 0))));
			result = conf_set(c, origin, slice_str(e->key->section),
			    slice_str(e->key->name), buf_slice(&value), problems);
		}
		if (e->key->secret && value.data != NULL) {
			explicit_bzero(value.data, value.len);
		}
		buf_free(&value);
		if (is_there) {
			break;
		}
	}
	return result;
}

enum err conf_load_env(struct conf *c, struct buf *problems)
{
	enum err result = ERR_OK;

	for (size_t i = 0; i < c->n; i++) {
		struct conf_entry *e = &c->entries[i];
		if (e->key->env != NULL && load_entry(c, e, problems) != ERR_OK) {
			result = ERR_CONFIG;
		}
	}
	return result;
}
