/*
 * The key of a stored file, DEBUG_FILE/DEBUG_ID/FILE, as it stands in URLs and in archives, and the
 * rules of its parts (symbols.md 0 and 1.3). Pure functions over text.
 *
 * Sources of a build have the keys buildid/BUILD_ID/source/PATH, as debuginfod's addresses: their
 * file is "source/PATH", the only one with '/' in it.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOL_KEY_H
#define PLIMSOLL_SYMBOLS_SYMBOL_KEY_H

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/slice.h"

enum {
	SYMBOL_NAME_MAX = 255, /* bytes of a file's name */
	SYMBOL_ID_MAX = 128,   /* digits */
	SYMBOL_PATH_MAX = 700, /* bytes of a source's path */
	SYMBOL_KEY_MAX = 1100, /* bytes of all three and what stands between */
	SYMBOL_DEBUG_ID = 33   /* digits of a debug id, at least; shorter ones are code ids */
};

struct symbol_key {
	struct slice debug_file, debug_id, file;
};

/*
 * A name that may be stored and asked for: not empty, not "." or "..", at most SYMBOL_NAME_MAX
 * bytes of UTF-8, without control characters, U+0080 to U+00FF, and \ ^ ` > < { } [ ] # % " ' | /.
 */
bool symbol_name_is_good(struct slice name);

/* One or more hex digits of either case. */
bool symbol_id_is_good(struct slice id);

/* Only zeros: the id of what has none, which is never looked up. */
bool symbol_id_is_null(struct slice id);

/* The debug file of keys that are addresses of debuginfod. */
#define SYMBOL_BUILDID SLICE("buildid")

/*
 * The file of a source's key: "source/" and the path without '/' in front, empty parts, "." and
 * "..", in the arena. ERR_SYNTAX: it leads nowhere, has control characters, is no UTF-8 or longer
 * than SYMBOL_PATH_MAX; ERR_MEMORY.
 */
NODISCARD enum err symbol_source_file(struct arena *arena, struct slice path, struct slice *ret);

/* A key of a source. */
bool symbol_is_source(const struct symbol_key *key);

/* Upper case, in the arena; ptr NULL without memory. */
struct slice symbol_id_fold(struct arena *arena, struct slice id);
/* Likewise in lower case, as build ids are written. */
struct slice symbol_id_lower(struct arena *arena, struct slice id);

/*
 * The debug id of a build id (symbols.md 0): its first 16 bytes as a GUID of little-endian parts,
 * and the age 0. Empty without memory, or if it is no build id.
 */
struct slice symbol_id_of_build(struct arena *arena, struct slice build_id);

/*
 * Takes "DEBUG_FILE/ID/FILE" apart, the id folded in the arena, and the path of a source too.
 * ERR_SYNTAX: not of that form or a part breaks the rules; ERR_MEMORY.
 */
NODISCARD enum err symbol_key_parse(struct arena *arena, struct slice text, struct symbol_key *ret);

/* "DEBUG_FILE/ID/FILE"; NULL without memory. */
const char *symbol_key_text(struct arena *arena, const struct symbol_key *key);

/* A part of a path of a URL, or a header's value: percent-encoded; NULL without memory. */
const char *symbol_name_encode(struct arena *arena, struct slice name);

/* A path of a URL: parts percent-encoded, '/' between; NULL without memory. */
const char *symbol_key_path(struct arena *arena, const struct symbol_key *key);

/* Whether name ends with one of the texts of a list with commas, case counts. */
bool symbol_name_ends(struct slice name, struct slice list);

/* A .sym by its name, in any case. */
bool symbol_is_sym(struct slice file);

/* The name of the .sym of a debug file: ".pdb" is replaced, else ".sym" appended. */
const char *symbol_sym_name(struct arena *arena, struct slice debug_file);

#endif
