/*
 * Other symbol servers that are asked for what is not here, in the order of the configuration, and
 * the addresses that files have there. Pure functions over text.
 *
 * A server has one layout: that of Tecken and Breakpad (NAME/ID/FILE), Microsoft's symsrv (the same
 * paths, but no .sym, and ids of code in its own case), or debuginfod's (buildid/ID/...).
 */
#ifndef PLIMSOLL_SYMBOLS_UPSTREAM_SERVER_H
#define PLIMSOLL_SYMBOLS_UPSTREAM_SERVER_H

#include <stdbool.h>

#include "accounts/public_url.h"
#include "core/base/arena.h"
#include "core/base/buf.h"
#include "services/symbols/symbol_key.h"

enum {
	UPSTREAM_SERVERS_MAX = 8,
	UPSTREAM_BASE_SIZE = 260,
	UPSTREAM_KEY_MAX = 4096 /* bytes of a key in a message */
};

enum upstream_layout {
	UPSTREAM_BREAKPAD,
	UPSTREAM_SYMSRV,
	UPSTREAM_DEBUGINFOD,
	UPSTREAM_LAYOUTS
};

struct upstream_server {
	enum upstream_layout layout;
	char base[UPSTREAM_BASE_SIZE]; /* without a slash at the end */
};

struct upstream_servers {
	unsigned n;
	struct upstream_server list[UPSTREAM_SERVERS_MAX];
};

/*
 * "breakpad https://host/path, symsrv https://..., debuginfod https://...". own: this server, which
 * is never asked. ERR_CONFIG with the reason in note.
 */
NODISCARD enum err upstream_servers_parse(struct slice list, const struct public_url *own,
    struct upstream_servers *ret, struct err_note *note);

/* What is asked for. */
enum upstream_kind {
	UPSTREAM_FILE,	     /* the id is that of debug or of code */
	UPSTREAM_DEBUGINFO,  /* build_id */
	UPSTREAM_EXECUTABLE, /* build_id */
	UPSTREAM_SOURCE,     /* build_id, path: absolute, not encoded */
	UPSTREAM_SECTION,    /* build_id, path: the section's name */
	UPSTREAM_KINDS
};

struct upstream_key {
	enum upstream_kind kind;
	struct symbol_key key;	     /* under which it is here once it has been fetched */
	struct slice build_id, path; /* lower case; empty where the kind has none */
};

/* The address of it at that server; NULL: it has nothing of that kind, or no memory. */
const char *upstream_url(
    struct arena *arena, const struct upstream_server *server, const struct upstream_key *key);

/* Whether any of them may have it. */
bool upstream_may_have(
    struct arena *arena, const struct upstream_servers *servers, const struct upstream_key *key);

/* In a message; also what tells one fetch from another. */
void upstream_key_put(struct buf *out, const struct upstream_key *key);
NODISCARD bool upstream_key_take(struct slice message, struct upstream_key *ret);

#endif
