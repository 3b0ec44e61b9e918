/*
 * The key of a stored file, DEBUG_FILE/DEBUG_ID/FILE, as it stands in URLs and in archives, and the
 * rules of its parts (symbols.md 0 and 1.3). Pure functions over text.
 */
#ifndef PLIMSOLL_SYMBOLS_SYMBOL_KEY_H
#define PLIMSOLL_SYMBOLS_SYMBOL_KEY_H

#include <stdbool.h>

#include "core/base/arena.h"
#include "core/base/slice.h"

enum {
	SYMBOL_NAME_MAX = 255, /* bytes of a file's name */
	SYMBOL_ID_MAX = 128,   /* digits */
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

/* Upper case, in the arena; ptr NULL without memory. */
struct slice symbol_id_fold(struct arena *arena, struct slice id);

/*
 * Takes "DEBUG_FILE/ID/FILE" apart, the id folded in the arena. ERR_SYNTAX: not of that form or a
 * part breaks the rules; ERR_MEMORY.
 */
NODISCARD enum err symbol_key_parse(struct arena *arena, struct slice text, struct symbol_key *ret);

/* "DEBUG_FILE/ID/FILE"; NULL without memory. */
const char *symbol_key_text(struct arena *arena, const struct symbol_key *key);

/* A path of a URL: parts percent-encoded, '/' between; NULL without memory. */
const char *symbol_key_path(struct arena *arena, const struct symbol_key *key);

/* Whether name ends with one of the texts of a list with commas, case counts. */
bool symbol_name_ends(struct slice name, struct slice list);

/* A .sym by its name, in any case. */
bool symbol_is_sym(struct slice file);

/* The name of the .sym of a debug file: ".pdb" is replaced, else ".sym" appended. */
const char *symbol_sym_name(struct arena *arena, struct slice debug_file);

#endif
