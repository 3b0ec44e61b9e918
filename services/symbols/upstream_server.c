/*
 * See upstream_server.h.
 */
#include "services/symbols/upstream_server.h"

#include "accounts/downloading.h"
#include "core/base/wire.h"

enum {
	PE_STAMP_DIGITS = 8 /* of a PE's id, upper case; the size behind it is lower case */
};

static const struct slice layout_names[UPSTREAM_LAYOUTS] = {
	[UPSTREAM_BREAKPAD] = { "breakpad", 8 },
	[UPSTREAM_SYMSRV] = { "symsrv", 6 },
	[UPSTREAM_DEBUGINFOD] = { "debuginfod", 10 },
};

/* ---- configuration ---- */

static enum err bad(struct err_note *note, struct slice row, const char *why)
{
	return err_note_set(
	    note, ERR_CONFIG, "[symbols] upstream: \"%.*s\": %s", SLICE_ARG(row), why);
}

static bool is_own(struct slice base, const struct public_url *own)
{
	struct slice origin = slice_str(own->origin);
	struct slice start = slice_sub(base, 0, origin.len);

	return slice_eq_nocase(start, origin) &&
	       (base.len == origin.len || base.ptr[origin.len] == '/');
}

static enum err parse_row(struct slice row, const struct public_url *own,
    struct upstream_server *ret, struct err_note *note)
{
	size_t blank = slice_find(row, ' ', 0);
	struct slice name = slice_sub(row, 0, blank);
	struct slice base = slice_trim(slice_sub(row, blank, row.len));
	struct download_address address;
	unsigned layout = 0;

	while (layout < UPSTREAM_LAYOUTS && !slice_eq(layout_names[layout], name)) {
		layout++;
	}
	if (layout == UPSTREAM_LAYOUTS) {
		return bad(note, row, "it begins with none of breakpad, symsrv, debuginfod");
	}
	while (slice_ends(base, SLICE("/"))) {
		base = slice_sub(base, 0, base.len - 1);
	}
	if (!download_address(base, &address) || slice_find(base, '?', 0) < base.len ||
	    slice_find(base, '#', 0) < base.len) {
		return bad(note, row, "it has no address like https://host/path");
	}
	if (is_own(base, own)) {
		return bad(note, row, "that is this server itself");
	}
	ret->layout = (enum upstream_layout)layout;
	return slice_to_cstr(base, ret->base, sizeof(ret->base)) == ERR_OK
		   ? ERR_OK
		   : bad(note, row, "it is too long");
}

enum err upstream_servers_parse(struct slice list, const struct public_url *own,
    struct upstream_servers *ret, struct err_note *note)
{
	struct upstream_servers servers = { .n = 0 };
	struct slice row;

	while (slice_split(&list, ',', &row)) {
		row = slice_trim(row);
		if (row.len == 0) {
			continue;
		}
		if (servers.n == UPSTREAM_SERVERS_MAX) {
			return bad(note, row, "there are too many");
		}
		enum err e = parse_row(row, own, &servers.list[servers.n], note);
		if (e != ERR_OK) {
			return e;
		}
		servers.n++;
	}
	*ret = servers;
	return ERR_OK;
}

/* ---- addresses ---- */

/* The id of code in symsrv's case; others as they are. */
static struct slice ssqp_id(struct arena *arena, struct slice id)
{
	bool is_code = id.len > PE_STAMP_DIGITS && id.len < SYMBOL_DEBUG_ID - 1;
	char *out = is_code ? arena_alloc(arena, id.len) : NULL;

	for (size_t i = 0; out != NULL && i < id.len; i++) {
		char c = id.ptr[i];
		out[i] = i >= PE_STAMP_DIGITS && c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
	}
	return out == NULL ? id : SLICE_OF(out, id.len);
}

static const char *file_url(
    struct arena *arena, const struct upstream_server *server, const struct symbol_key *key)
{
	const char *path = symbol_key_path(arena, key);

	return path == NULL ? NULL : arena_printf(arena, "%s/%s", server->base, path);
}

static const char *breakpad_url(
    struct arena *arena, const struct upstream_server *server, const struct upstream_key *key)
{
	return key->kind == UPSTREAM_FILE ? file_url(arena, server, &key->key) : NULL;
}

/* Build ids of another length than usual are filled up with zeros there. */
static const char *ssqp_debug_url(
    struct arena *arena, const struct upstream_server *server, struct slice build_id)
{
	static const char zeros[] = "0000000000000000000000000000000000000000";
	size_t missing = build_id.len < sizeof(zeros) - 1 ? sizeof(zeros) - 1 - build_id.len : 0;

	return arena_printf(arena, "%s/_.debug/elf-buildid-sym-%.*s%.*s/_.debug", server->base,
	    SLICE_ARG(build_id), (int)missing, zeros);
}

static const char *symsrv_url(
    struct arena *arena, const struct upstream_server *server, const struct upstream_key *key)
{
	struct symbol_key folded = key->key;

	switch (key->kind) {
	case UPSTREAM_FILE:
		folded.debug_id = ssqp_id(arena, folded.debug_id);
		return symbol_is_sym(folded.file) ? NULL : file_url(arena, server, &folded);
	case UPSTREAM_DEBUGINFO:
		return ssqp_debug_url(arena, server, key->build_id);
	case UPSTREAM_EXECUTABLE:
	case UPSTREAM_SOURCE:
	case UPSTREAM_SECTION:
	case UPSTREAM_KINDS:
	default:
		return NULL;
	}
}

/* A path begins with '/', the name of a section does not. */
static const char *part_url(
    struct arena *arena, const struct upstream_server *server, const struct upstream_key *key)
{
	const char *path = symbol_name_encode(arena, key->path);

	return path == NULL ? NULL
			    : arena_printf(arena, "%s/buildid/%.*s/%s%s", server->base,
				  SLICE_ARG(key->build_id),
				  key->kind == UPSTREAM_SOURCE ? "source" : "section/", path);
}

static const char *debuginfod_url(
    struct arena *arena, const struct upstream_server *server, const struct upstream_key *key)
{
	if (key->kind == UPSTREAM_SOURCE || key->kind == UPSTREAM_SECTION) {
		return part_url(arena, server, key);
	}
	if (key->kind != UPSTREAM_DEBUGINFO && key->kind != UPSTREAM_EXECUTABLE) {
		return NULL;
	}
	return arena_printf(arena, "%s/buildid/%.*s/%s", server->base, SLICE_ARG(key->build_id),
	    key->kind == UPSTREAM_DEBUGINFO ? "debuginfo" : "executable");
}

const char *upstream_url(
    struct arena *arena, const struct upstream_server *server, const struct upstream_key *key)
{
	switch (server->layout) {
	case UPSTREAM_BREAKPAD:
		return breakpad_url(arena, server, key);
	case UPSTREAM_SYMSRV:
		return symsrv_url(arena, server, key);
	case UPSTREAM_DEBUGINFOD:
		return debuginfod_url(arena, server, key);
	case UPSTREAM_LAYOUTS:
	default:
		return NULL;
	}
}

bool upstream_may_have(
    struct arena *arena, const struct upstream_servers *servers, const struct upstream_key *key)
{
	for (unsigned i = 0; i < servers->n; i++) {
		if (upstream_url(arena, &servers->list[i], key) != NULL) {
			return true;
		}
	}
	return false;
}

/* ---- messages ---- */

void upstream_key_put(struct buf *out, const struct upstream_key *key)
{
	wire_put_u8(out, (uint8_t)key->kind);
	wire_put_bytes(out, key->key.debug_file);
	wire_put_bytes(out, key->key.debug_id);
	wire_put_bytes(out, key->key.file);
	wire_put_bytes(out, key->build_id);
	wire_put_bytes(out, key->path);
}

bool upstream_key_take(struct slice message, struct upstream_key *ret)
{
	struct wire_reader r = wire_reader_new(message);
	uint8_t kind = wire_take_u8(&r);

	ret->kind = (enum upstream_kind)kind;
	ret->key.debug_file = wire_take_bytes(&r);
	ret->key.debug_id = wire_take_bytes(&r);
	ret->key.file = wire_take_bytes(&r);
	ret->build_id = wire_take_bytes(&r);
	ret->path = wire_take_bytes(&r);
	return wire_done(&r) && kind < UPSTREAM_KINDS;
}
